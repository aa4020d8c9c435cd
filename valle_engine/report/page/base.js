"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const single = report.runs.length === 1;

/** An element. What is put into it is text or an element, never markup: the data come from strangers. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A figure as people read it: four digits that count, no noise behind them. */
function shown(value) {
  if (!isNumber(value)) return value === null || value === undefined ? "–" : String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(size < 1 ? 3 : 4)));
}

function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** A value with its interval, such as `0.045 [0.04, 0.05]`. */
function estimate(found) {
  if (!found || !isNumber(found.value)) return "–";
  const range = isNumber(found.low) ? element("span", { class: "soft" }, `[${shown(found.low)}, ${shown(found.high)}]`) : null;
  return element("span", { class: "estimate" }, element("span", {}, shown(found.value)), range && " ", range);
}

function runMark(index) {
  return element("span", { class: `run-mark run-${index % 4}`, "aria-hidden": "true" });
}

/** A drop-down with a label; `options` are pairs of value and words. */
function choice(label, options, selected, changed) {
  const list = element("select", { onchange: () => changed(list.value) });
  for (const [value, words] of options) list.append(element("option", { value, selected: value === selected }, words));
  return element("label", {}, label, list);
}

/** Everything of a mapping as a list of terms, mappings inside it as lists of their own. */
function facts(values) {
  const list = element("dl");
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") continue;
    const nested = typeof value === "object" && Object.keys(value).length > 0;
    list.append(element("dt", {}, name), nested ? element("dd", {}, facts(value)) : element("dd", {}, plain(value)));
  }
  return list;
}

function plain(value) {
  return typeof value === "object" ? "none" : shown(value);
}
