"use strict";

const MOST_STEPS = 2e6;
const ERROR = 1e6, KEPT = -1; // no text that is compared keeps a million words
const UNSPACED = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;

/** The units that two texts are compared by: words, or characters where words are not parted. */
function units(text) {
  const words = text.split(/\s+/).filter(Boolean);
  return words.length <= 1 && UNSPACED.test(text) ? Array.from(text.replace(/\s+/g, "")) : words;
}

/** What counts when raw texts are compared: letters and digits in one case. */
function folded(unit) {
  return unit.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{M}\p{N}']/gu, "") || unit;
}

/**
 * The way from what was expected to what was said with the fewest errors, and of those the one that keeps most, as steps
 * of kind `same`, `changed`, `missing`, `added`. Null where the texts are too long to compare.
 * Wagner and Fischer, "The string-to-string correction problem" (1974).
 */
function aligned(expected, said, key) {
  const rows = expected.length + 1, columns = said.length + 1;
  if (rows * columns > MOST_STEPS) return null;
  const left = expected.map(key), right = said.map(key);
  const cost = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const here = row * columns + column;
      if (!row || !column) cost[here] = ERROR * (row + column);
      else cost[here] = Math.min(
        cost[here - columns - 1] + (left[row - 1] === right[column - 1] ? KEPT : ERROR),
        cost[here - columns] + ERROR,
        cost[here - 1] + ERROR,
      );
    }
  }
  return traced(cost, expected, said, left, right);
}

function traced(cost, expected, said, left, right) {
  const columns = said.length + 1, steps = [];
  let row = expected.length, column = said.length;
  while (row || column) {
    const here = row * columns + column;
    const same = row && column && left[row - 1] === right[column - 1];
    if (row && column && cost[here] === cost[here - columns - 1] + (same ? KEPT : ERROR)) {
      steps.push({ kind: same ? "same" : "changed", expected: expected[--row], said: said[--column] });
    } else if (row && cost[here] === cost[here - columns] + ERROR) {
      steps.push({ kind: "missing", expected: expected[--row] });
    } else {
      steps.push({ kind: "added", said: said[--column] });
    }
  }
  return steps.reverse();
}

function mark(tag, text) {
  const words = { del: "missing", ins: "added" }[tag];
  return element(tag, {}, element("span", { class: "hidden-label" }, `${words}: `), text);
}

/** What was heard against what was written, differences coloured, struck or underlined, and named for those who listen. */
function difference(expected, said, key) {
  const wanted = units(expected), heard = units(said);
  const steps = aligned(wanted, heard, key);
  if (!steps) return element("p", {}, said);
  const gap = wanted.length > 1 && wanted.every((unit) => unit.length === 1) && UNSPACED.test(expected) ? "" : " ";
  const line = element("p", { class: "difference" });
  for (const step of steps) {
    if (step.kind === "same") line.append(step.expected);
    else if (step.kind === "missing") line.append(mark("del", step.expected));
    else if (step.kind === "added") line.append(mark("ins", step.said));
    else line.append(element("span", { class: "changed" }, mark("del", step.expected), " ", mark("ins", step.said)));
    line.append(gap);
  }
  return line;
}
