"use strict";

const WIDTH = 480, HEIGHT = 200, LEFT = 46, RIGHT = 12, TOP = 10, BOTTOM = 34, BINS = 30;

/** Round numbers that part a range into some five steps. */
function ticks(low, high) {
  if (!(high > low)) return [low];
  const rough = (high - low) / 6, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

function scale([low, high], from, to) {
  return (value) => (high > low ? from + ((value - low) / (high - low)) * (to - from) : (from + to) / 2);
}

function axes(horizontal, vertical, across, up, label) {
  const parts = [drawing("path", { class: "axis", fill: "none", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}` })];
  for (const at of ticks(...horizontal)) {
    parts.push(drawing("text", { x: across(at), y: HEIGHT - BOTTOM + 14, "text-anchor": "middle" }, shown(at)));
  }
  for (const at of ticks(...vertical)) {
    parts.push(drawing("text", { x: LEFT - 5, y: up(at) + 4, "text-anchor": "end" }, shown(at)));
  }
  parts.push(drawing("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, label));
  return parts;
}

function plot(words, ...parts) {
  return drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words }, ...parts);
}

function binned(values, [low, high]) {
  const bins = new Array(BINS).fill(0);
  for (const value of values) {
    bins[high > low ? Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS)) : 0] += 1;
  }
  return bins;
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One histogram of a figure for each run, all on one scale, and the same as a table for those who do not see them. */
function histograms(label, samples) {
  const filled = samples.filter((sample) => sample.values.length);
  const across = range(filled.flatMap((sample) => range(sample.values)));
  const counted = filled.map((sample) => binned(sample.values, across));
  const most = [0, Math.max(1, ...counted.flat())];
  const drawn = filled.map((sample, place) => histogram(label, sample, counted[place], across, most));
  return drawn.length ? { drawn, table: binTable(filled, counted, across) } : { drawn: [element("p", {}, `No item has ${label}.`)], table: null };
}

function histogram(label, sample, bins, horizontal, vertical) {
  const across = scale(horizontal, LEFT, WIDTH - RIGHT), up = scale(vertical, HEIGHT - BOTTOM, TOP);
  const wide = (WIDTH - RIGHT - LEFT) / BINS;
  const bars = bins.map((bin, place) => drawing("rect", {
    class: "bar", x: LEFT + place * wide + 0.5, width: wide - 1, y: up(bin), height: HEIGHT - BOTTOM - up(bin),
  }));
  const words = `${sample.name ? `${sample.name}: ` : ""}${label} of ${count(sample.values.length, "item")}, ` +
    `median ${shown(median(sample.values))}`;
  const colour = drawing("g", { class: `run-${sample.run % 4}` }, ...bars);
  const figure = plot(`Histogram. ${words}`, ...axes(horizontal, vertical, across, up, label), colour);
  return element("figure", {}, figure, element("figcaption", {}, words));
}

function binTable(samples, counted, [low, high]) {
  const body = counted[0].map((_, place) => element("tr", {},
    element("th", { scope: "row" }, `${shown(low + (place * (high - low)) / BINS)} – ${shown(low + ((place + 1) * (high - low)) / BINS)}`),
    counted.map((bins) => element("td", { class: "number" }, String(bins[place])))));
  const head = element("tr", {}, element("th", { scope: "col" }, "range"),
    samples.map((sample) => element("th", { scope: "col" }, sample.name || "items")));
  const table = element("table", { class: "facts" }, element("thead", {}, head), element("tbody", {}, body));
  return element("details", {}, element("summary", {}, "Histogram as a table"), element("div", { class: "wide" }, table));
}

/** All points as one path of dots: five thousand of them cost no more than one. */
function scatter(horizontal, vertical, points, diagonal) {
  if (!points.length) return element("p", {}, `No item has both ${horizontal} and ${vertical}.`);
  let wide = range(points.map((point) => point[0])), high = range(points.map((point) => point[1]));
  if (diagonal) wide = high = range([...wide, ...high]);
  const across = scale(wide, LEFT + 4, WIDTH - RIGHT - 4), up = scale(high, HEIGHT - BOTTOM - 4, TOP + 4);
  const dots = points.map(([x, y]) => `M${across(x).toFixed(1)} ${up(y).toFixed(1)}h0`).join("");
  const parts = axes(wide, high, across, up, horizontal);
  if (diagonal) parts.push(drawing("path", { class: "axis", d: `M${across(wide[0])} ${up(wide[0])}L${across(wide[1])} ${up(wide[1])}` }));
  parts.push(drawing("g", { class: "run-0" }, drawing("path", { class: "points", "stroke-width": points.length > 1000 ? 3 : 5, d: dots })));
  const words = `${vertical} against ${horizontal}, ${count(points.length, "item")}`;
  return element("figure", {}, plot(`Scatter plot. ${words}`, ...parts), element("figcaption", {}, words));
}
