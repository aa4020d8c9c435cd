"use strict";

function rows(head, body, label) {
  const cells = head.map((name) => element("th", { scope: "col" }, name));
  const lines = body.map(([first, ...rest]) => element("tr", {}, element("th", { scope: "row" }, first), rest.map((cell) => element("td", { class: "number" }, cell))));
  const table = element("table", { class: "facts" }, element("caption", { class: "hidden-label" }, label), element("thead", {}, element("tr", {}, cells)), element("tbody", {}, lines));
  return element("div", { class: "wide", role: "region", tabindex: "0", "aria-label": label }, table);
}

function runName(run) {
  return element("span", {}, runMark(run), report.runs[run].name);
}

function statesTable() {
  const states = [...new Set(report.runs.flatMap((run) => Object.keys(run.states)))];
  const body = report.runs.map((run, place) => [runName(place), shown(run.items), ...states.map((state) => shown(run.states[state] ?? 0)), shown(run.sound)]);
  return rows(["run", "items", ...states, "sound (s)"], body, "Items by state");
}

function covered(score) {
  return `${shown(score.scored)} / ${shown(score.expected)} (${shown(Math.floor((1000 * score.scored) / Math.max(1, score.expected)) / 10)}\u00a0%)`;
}

/** The figure that is best to be told: of the whole corpus, or with failures counted, or of what there is. */
function headline(score) {
  return score?.corpus ?? score?.counted ?? score?.mean;
}

/** A figure and its interval as a line with a dot, on one scale for all runs; the numbers stand beside it. */
function whisker(found, run, bounds) {
  const across = scale(bounds, 4, 156);
  const line = isNumber(found.low) ? [drawing("path", { class: "whisker", d: `M${across(found.low)} 8H${across(found.high)}` })] : [];
  const dot = drawing("circle", { class: "bar", cx: across(found.value), cy: 8, r: 4 });
  const picture = drawing("g", { class: `run-${run % 4}` }, ...line, dot);
  return drawing("svg", { class: "interval", viewBox: "0 0 160 16", "aria-hidden": "true" }, picture);
}

function whiskers(figure) {
  const told = report.runs.map((run) => headline(run.scores[figure])).filter((found) => isNumber(found?.value));
  const bounds = range([0, ...told.flatMap((found) => [found.low, found.value, found.high]).filter(isNumber)]);
  return (score, run) => (isNumber(headline(score)?.value) ? whisker(headline(score), run, bounds) : "–");
}

const ESTIMATES = {
  "whole corpus": (score) => estimate(score.corpus),
  "mean, failures at their worst": (score) => estimate(score.counted),
  "mean of those scored": (score) => estimate(score.mean),
  "scored / expected": covered,
  "over seeds": (score) => (score.seeds ? `${shown(score.seeds.mean)} ± ${shown(score.seeds.deviation)} (${score.seeds.values.length})` : "–"),
};

function scoresTable() {
  const scored = report.figures.flatMap((figure) => report.runs.map((run, place) => ({ figure, place, score: run.scores[figure] }))).filter((each) => each.score);
  if (!scored.length) return element("p", {}, "There are no scores. Texts, sound, failures and times are below.");
  const told = Object.entries(ESTIMATES).filter(([, read]) => scored.some(({ score }) => read(score) !== "–"));
  const body = scored.map(({ figure, place, score }) => {
    const name = `${figure} ${lowerIsBetter(figure) ? "↓" : "↑"}`;
    return [name, ...(single ? [] : [runName(place)]), ...told.map(([, read]) => read(score)), whiskers(figure)(score, place)];
  });
  return rows(["figure", ...(single ? [] : ["run"]), ...told.map(([words]) => words), "drawn from 0"], body, "Scores");
}

function comparisonTable() {
  const body = report.comparisons.map((found) => [
    element("span", {}, `${found.figure}: `, report.runs[found.run].name, " − ", report.runs[found.against].name),
    estimate(found.difference), shown(found.p), shown(found.items),
  ]);
  return body.length ? [element("h3", {}, "Paired differences"), rows(["figure", "difference", "p", "pairs"], body, "Paired differences")] : [];
}

function summary() {
  const level = Math.max(...report.runs.map((run) => run.level ?? 0));
  const notes = report.notes.map((note) => element("p", { class: "note" }, note));
  const key = ["↓ lower is better", "↑ higher is better", ...(level ? [`in brackets: ${Math.round(level * 100)} % intervals`] : [])];
  const legend = report.figures.length ? element("p", { class: "soft" }, key.join(" · ")) : "";
  return [...notes, statesTable(), scoresTable(), legend, ...comparisonTable()].filter(Boolean);
}

function groupTables() {
  const names = [...new Set(report.runs.flatMap((run) => Object.keys(run.groups)))];
  return names.flatMap((name) => {
    const values = [...new Set(report.runs.flatMap((run) => Object.keys(run.groups[name] ?? {})))].sort(new Intl.Collator("en", { numeric: true }).compare);
    const head = [name, "items", ...report.figures.flatMap((figure) => report.runs.map((run) => (single ? figure : `${figure} · ${run.name}`)))];
    const body = values.map((value) => {
      const found = report.runs.map((run) => run.groups[name]?.[value]);
      return [value, shown(found.find(Boolean).items), ...report.figures.flatMap((figure) => found.map((group) => estimate(headline(group?.scores[figure]))))];
    });
    return [element("h3", {}, `By ${name}`), rows(head, body, `Scores by ${name}`)];
  });
}

const plots = { figure: null, across: null, up: null, numbers: series(), box: element("div", { class: "plots" }) };

function plotSection() {
  if (!plots.numbers.length) return [element("p", {}, "There are no figures to draw.")];
  const figures = [...new Set(plots.numbers.map((each) => each.figure))];
  const keys = plots.numbers.map((each) => [each.key, each.label]);
  const ofPrimary = plots.numbers.filter((each) => each.figure === figures[0]);
  plots.figure = figures[0];
  plots.up = (ofPrimary[1] ?? ofPrimary[0]).key;
  plots.across = ofPrimary.length > 1 ? ofPrimary[0].key : (plots.numbers.find((each) => each.figure === "length" && each.key !== plots.up) ?? ofPrimary[0]).key;
  const chooser = (label, name, options) => choice(label, options, plots[name], (value) => { plots[name] = value; drawPlots(); });
  const controls = element("div", { class: "controls" }, chooser("Histogram of", "figure", figures.map((each) => [each, each])), chooser("Scatter: across", "across", keys), chooser("Scatter: up", "up", keys));
  return [controls, plots.box];
}

/** Draw the items that pass the filter. */
function drawPlots() {
  if (!plots.numbers.length) return;
  const drawn = plots.numbers.filter((each) => each.figure === plots.figure);
  const samples = drawn.map((each) => ({ run: each.run, name: single ? "" : report.runs[each.run].name, values: view.found.map(each.value).filter(isNumber) }));
  const [across, up] = [plots.across, plots.up].map((key) => plots.numbers.find((each) => each.key === key));
  const points = view.found.map((item) => [across.value(item), up.value(item)]).filter((point) => point.every(isNumber));
  const bars = histograms(plots.figure, samples), diagonal = across.figure === up.figure && across !== up;
  plots.box.replaceChildren(...bars.drawn, scatter(across.label, up.label, points, diagonal), ...(bars.table ? [bars.table] : []));
}

function stamp() {
  return report.runs.map((run, place) => element("details", { open: single }, element("summary", {}, runName(place)), facts(run.stamp)));
}

document.getElementById("made").textContent = `${count(report.runs.length, "run")}, ${count(report.items.length, "item")}; written ${report.made} by valle-engine ${report.engine}`;
document.getElementById("summary").append(...summary());
document.getElementById("plots").append(...plotSection());
const groups = groupTables();
document.getElementById("groups").hidden = !groups.length;
document.getElementById("groups").append(...groups);
document.getElementById("table").append(...tableSection());
document.getElementById("stamp").append(...stamp());
show();
drawPlots();
document.documentElement.dataset.ready = String(Math.round(performance.now()));
