"use strict";

const parts = {
  head: element("thead", { role: "rowgroup" }),
  body: element("tbody", { role: "rowgroup" }),
  status: element("p", { role: "status" }),
  page: element("span", {}),
  previous: element("button", { type: "button", onclick: () => turn(-1) }, "Previous"),
  next: element("button", { type: "button", onclick: () => turn(1) }, "Next"),
};
const filters = element("form", { class: "controls", "aria-label": "Filter the items", onsubmit: (event) => event.preventDefault() });

function turn(by) {
  show(view.page + by);
  document.getElementById("items").scrollIntoView();
}

function labelled(label, attributes) {
  return element("label", {}, label, element("input", attributes));
}

function tableSection() {
  const orders = [["worst", "worst first"], ["order", "order of the manifest"]];
  const sortable = view.columns.filter((column) => column.value).map((column) => [column.key, column.label]);
  const sorting = choice("Sort by", [...orders, ...sortable], view.sort, (key) => {
    view.sort = "";
    sortBy(key);
  });
  parts.sort = sorting.querySelector("select");
  const turned = element("button", { type: "button", onclick: () => { view.descending = !view.descending; show(); } }, "Reverse");
  const sizes = choice("Items a page", ["10", "25", "50", "100"].map((size) => [size, size]), String(view.size), (size) => {
    view.size = Number(size);
    show();
  });
  fillFilters();
  const table = element("table", { class: "items", role: "table", "aria-labelledby": "items-title" }, parts.head, parts.body);
  const pager = element("nav", { class: "controls", "aria-label": "Pages of items" }, parts.previous, parts.page, parts.next, sizes);
  return [filters, element("div", { class: "controls" }, sorting, turned), columnChoice(), parts.status,
    element("div", { class: "wide", role: "region", tabindex: "0", "aria-labelledby": "items-title" }, table), pager];
}

function fillFilters() {
  const states = [...new Set(report.items.flatMap((item) => item.runs.map((cell) => cell?.state ?? "pending")))].sort();
  const figures = [...new Set(series().map((each) => each.figure))];
  filters.append(labelled("Search id, text, transcript, error", { type: "search", name: "search" }));
  if (states.length > 1) filters.append(namedChoice("State", "state", states));
  for (const name of report.groups) {
    const values = [...new Set(report.items.map((item) => shown(item.groups[name])))].sort();
    if (values.length > 1 && values.length <= 200) filters.append(namedChoice(name, `group:${name}`, values));
  }
  if (figures.length) {
    const figure = choice("Figure", figures.map((each) => [each, each]), figures[0], filterItems);
    figure.querySelector("select").name = "figure";
    filters.append(figure, labelled("from", { type: "number", step: "any", name: "low" }), labelled("to", { type: "number", step: "any", name: "high" }));
  }
  filters.append(element("button", { type: "reset" }, "Clear"));
  filters.addEventListener("input", filterSoon);
  filters.addEventListener("reset", () => setTimeout(filterItems));
}

function namedChoice(label, name, values) {
  const list = choice(label, [["", "all"], ...values.map((value) => [value, value])], "", filterItems);
  list.querySelector("select").name = name;
  return list;
}

function columnChoice() {
  const boxes = view.columns.filter((column) => !column.rowHeader).map((column) => {
    const box = element("input", { type: "checkbox", checked: column.visible, onchange: () => { column.visible = box.checked; show(view.page); } });
    return element("label", {}, box, column.label);
  });
  return element("details", {}, element("summary", {}, "Columns"), element("div", { class: "controls columns" }, boxes));
}

let waiting = 0;

function filterSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(filterItems, 150);
}

function filterItems() {
  clearTimeout(waiting);
  const given = new FormData(filters);
  const number = (name) => (given.get(name) ? Number(given.get(name)) : null);
  const filter = {
    search: (given.get("search") ?? "").trim().toLowerCase(), state: given.get("state"), low: number("low"), high: number("high"),
    groups: Object.fromEntries(report.groups.map((name) => [name, given.get(`group:${name}`)])),
    series: series().filter((each) => each.figure === given.get("figure")),
  };
  view.found = report.items.filter((item) => matches(item, filter));
  show();
  drawPlots();
}
