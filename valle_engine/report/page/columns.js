"use strict";

const primary = report.figures[0] ?? null;
const FAILED = new Set(["failed", "quarantined", "pending"]);

function lowerIsBetter(figure) {
  return report.better[figure] !== "higher";
}

/** A number of every item and run: figures of scorers, and what is measured of any run. */
function series() {
  const found = [];
  const add = (key, label, run, main, value) => found.push({
    key: `${key}@${run}`, figure: key, run, main, value,
    label: single ? label : `${label} · ${report.runs[run].name}`,
  });
  for (const figure of [...report.figures, ...report.details]) {
    const main = report.figures.includes(figure);
    report.runs.forEach((_, run) => add(figure, figure, run, main, (item) => item.runs[run]?.scores[figure]));
  }
  report.runs.forEach((_, run) => {
    add("length", "sound (s)", run, false, (item) => item.runs[run]?.length);
    add("seconds", "work (s)", run, false, (item) => item.runs[run]?.seconds);
  });
  return found.filter((each) => report.items.some((item) => isNumber(each.value(item))));
}

/** The second run's figure less the first one's, where two runs stand side by side. */
function differences() {
  if (report.runs.length !== 2) return [];
  return report.figures.map((figure) => ({
    key: `difference:${figure}`, figure, main: figure === primary,
    label: `${figure}: ${report.runs[1].name} − ${report.runs[0].name}`,
    value: (item) => {
      const [first, second] = item.runs.map((cell) => cell?.scores[figure]);
      return isNumber(first) && isNumber(second) ? second - first : undefined;
    },
  }));
}

function numberColumn(each, visible) {
  return {
    key: each.key, label: each.label, number: true, visible, value: each.value,
    descendingFirst: each.figure in report.better ? lowerIsBetter(each.figure) : true,
    cell: (item) => shown(each.value(item)),
  };
}

function allColumns() {
  const numbers = series();
  const main = numbers.filter((each) => each.main);
  const first = single ? main.slice(0, 4) : main.filter((each) => each.figure === primary);
  const visible = new Set((first.length ? first : numbers.filter((each) => !each.main)).map((each) => each.key));
  const groups = report.groups.map((name) => ({
    key: `group:${name}`, label: name, visible: false,
    value: (item) => item.groups[name], cell: (item) => shown(item.groups[name]),
  }));
  return [
    { key: "id", label: "Item", rowHeader: true, visible: true, value: (item) => item.id, cell: itemCell },
    { key: "state", label: "State", visible: true, value: (item) => worstState(item), cell: stateCell },
    ...numbers.filter((each) => each.main).map((each) => numberColumn(each, visible.has(each.key))),
    ...differences().map((each) => numberColumn(each, each.main)),
    { key: "text", label: "Text", kind: "text", visible: true, value: (item) => item.text, cell: textCell },
    { key: "listen", label: "Listen", kind: "listen", visible: true, cell: listenCell },
    ...groups,
    ...numbers.filter((each) => !each.main).map((each) => numberColumn(each, visible.has(each.key))),
  ];
}

/** How bad an item is: what failed before what was scored, by the first figure; what has no score comes last. */
function badness(item) {
  let worst = -Infinity;
  for (const cell of item.runs) {
    if (!cell) continue;
    if (FAILED.has(cell.state)) return Infinity;
    const value = cell.scores[primary];
    if (isNumber(value)) worst = Math.max(worst, lowerIsBetter(primary) ? value : -value);
  }
  return worst;
}

function worstState(item) {
  const order = ["quarantined", "failed", "rejected", "done"];
  return order.find((state) => item.runs.some((cell) => cell?.state === state)) ?? "pending";
}

function named(run, ...content) {
  return single ? content : [runMark(run), element("span", { class: "soft" }, `${report.runs[run].name}: `), ...content];
}

function stateCell(item) {
  const states = item.runs.map((cell) => cell?.state ?? "pending");
  const badge = (state) => element("span", { class: `state state-${state}` }, state);
  if (states.every((state) => state === states[0])) return badge(states[0]);
  return states.map((state, run) => element("div", {}, ...named(run, badge(state))));
}

function itemCell(item) {
  const button = element("button", { type: "button", class: "more", "aria-expanded": "false", "aria-label": `Details of ${item.id}` }, "Details");
  return [element("div", {}, item.id), button];
}

function textCell(item) {
  const parts = item.text ? [element("p", {}, item.text)] : [];
  item.runs.forEach((cell, run) => {
    if (!cell) return;
    if (cell.failure) parts.push(element("p", { class: "failure" }, ...named(run, `${cell.failure.kind}: ${cell.failure.message}`)));
    const heard = heardLine(item, cell);
    if (heard) parts.push(element("div", { class: "heard" }, ...named(run, heard)));
  });
  return parts;
}

/** What was heard against what was wanted: as the scorer read both where it says so, otherwise the raw texts. */
function heardLine(item, cell) {
  if (cell.words) return judged(cell.words.expected, cell.words.said, (unit) => unit);
  const [said] = Object.values(cell.heard);
  if (said === undefined) return null;
  return item.text ? judged(item.text, said, folded) : element("p", {}, said);
}

function judged(expected, said, key) {
  if (units(expected).map(key).join(" ") === units(said).map(key).join(" ")) {
    return element("p", { class: "soft" }, "✓ heard as written");
  }
  return said.trim() ? difference(expected, said, key) : element("p", { class: "failure" }, "nothing was heard");
}
