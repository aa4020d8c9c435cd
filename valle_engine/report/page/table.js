"use strict";

const view = { columns: allColumns(), sort: "worst", descending: false, found: report.items, page: 0, size: 25 };
const haystacks = new Map();

function haystack(item) {
  let words = haystacks.get(item);
  if (words === undefined) {
    const told = item.runs.flatMap((cell) => (cell ? [...Object.values(cell.heard), cell.failure?.kind, cell.failure?.message] : []));
    words = [item.id, item.text, ...Object.values(item.groups), ...told].join("\n").toLowerCase();
    haystacks.set(item, words);
  }
  return words;
}

function matches(item, filter) {
  if (filter.search && !haystack(item).includes(filter.search)) return false;
  if (filter.state && !item.runs.some((cell) => (cell?.state ?? "pending") === filter.state)) return false;
  if (Object.entries(filter.groups).some(([name, value]) => value && shown(item.groups[name]) !== value)) return false;
  if (filter.low === null && filter.high === null) return true;
  return filter.series.some((each) => {
    const value = each.value(item);
    return isNumber(value) && (filter.low === null || value >= filter.low) && (filter.high === null || value <= filter.high);
  });
}

/** Items in the order asked for; what has no value comes last whatever the direction. */
function sorted(items, column, descending) {
  const keyed = items.map((item, place) => ({ item, place, value: column.value(item) }));
  const missing = ({ value }) => value === undefined || value === null || value === "" || Number.isNaN(value);
  const compared = column.number ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => missing(a) - missing(b) || (missing(a) ? 0 : sign * compared(a.value, b.value)) || a.place - b.place);
  return keyed.map(({ item }) => item);
}

function ordered(items) {
  if (view.sort === "order") return view.descending ? [...items].reverse() : items;
  if (view.sort === "worst") return sorted(items, { number: true, value: badness }, !view.descending);
  return sorted(items, view.columns.find((column) => column.key === view.sort), view.descending);
}

function sortBy(key) {
  const column = view.columns.find((each) => each.key === key);
  view.descending = view.sort === key ? !view.descending : Boolean(column?.descendingFirst);
  view.sort = key;
  show();
}

function show(page = 0) {
  view.page = page;
  const items = ordered(view.found);
  const shownColumns = view.columns.filter((column) => column.visible);
  const part = items.slice(page * view.size, (page + 1) * view.size);
  parts.head.replaceChildren(headRow(shownColumns));
  parts.body.replaceChildren(...part.map((item) => itemRow(item, shownColumns)));
  parts.sort.value = view.sort;
  tellPages(items.length, part.length);
}

function tellPages(all, onPage) {
  const pages = Math.max(1, Math.ceil(all / view.size)), first = view.page * view.size;
  const of = all === report.items.length ? "" : ` (of ${report.items.length.toLocaleString("en")})`;
  parts.status.textContent = all ? `Items ${(first + 1).toLocaleString("en")} to ${(first + onPage).toLocaleString("en")} of ${all.toLocaleString("en")}${of}` : `No item fits${of}`;
  parts.page.textContent = `Page ${view.page + 1} of ${pages}`;
  parts.previous.disabled = view.page === 0;
  parts.next.disabled = view.page >= pages - 1;
}

function headRow(columns) {
  return element("tr", { role: "row" }, columns.map((column) => {
    if (!column.value) return element("th", { scope: "col", role: "columnheader" }, element("span", {}, column.label));
    const direction = view.sort !== column.key ? "none" : view.descending ? "descending" : "ascending";
    const press = () => {
      sortBy(column.key);
      parts.head.querySelector(`[data-key="${CSS.escape(column.key)}"]`).focus();
    };
    const button = element("button", { type: "button", "data-key": column.key, onclick: press }, column.label);
    return element("th", { scope: "col", role: "columnheader", "aria-sort": direction, class: column.number ? "number" : null }, button);
  }));
}

function itemRow(item, columns) {
  const row = element("tr", { role: "row" }, columns.map((column) => {
    if (column.rowHeader) return element("th", { scope: "row", role: "rowheader" }, column.cell(item));
    const kind = column.number ? "number" : column.kind ?? null;
    return element("td", { role: "cell", class: kind, "data-label": column.number || !column.kind ? column.label : null }, column.cell(item));
  }));
  row.querySelector(".more")?.addEventListener("click", (event) => toggleDetails(event.currentTarget, row, item, columns.length));
  return row;
}

function toggleDetails(button, row, item, columns) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) row.nextElementSibling.remove();
  else row.after(element("tr", { role: "row", class: "details" }, element("td", { role: "cell", colspan: columns }, details(item))));
}

function details(item) {
  const parts = Object.keys(item.fields).length ? [element("h3", {}, "Fields"), facts(item.fields)] : [];
  item.runs.forEach((cell, run) => {
    if (!cell) return;
    const { scores, heard, takes, values, attempt, worker, seconds, length, failure } = cell;
    parts.push(element("h3", {}, single ? "Run" : report.runs[run].name));
    parts.push(facts({ attempt, "work (s)": seconds, "sound (s)": length, worker, scores, heard, values }));
    if (takes.length) parts.push(takesTable(takes));
    if (failure?.detail) parts.push(element("pre", { tabindex: "0", "aria-label": "Traceback" }, failure.detail));
  });
  return parts;
}

function takesTable(takes) {
  const names = [...new Set(takes.flatMap((take) => Object.keys(take)))].filter((name) => takes.some((take) => typeof take[name] !== "object"));
  const head = element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)));
  const body = takes.map((take) => element("tr", {}, names.map((name) => element("td", { class: "number" }, shown(take[name])))));
  const caption = element("caption", {}, "All takes");
  return element("div", { class: "wide" }, element("table", { class: "facts" }, caption, element("thead", {}, head), element("tbody", {}, body)));
}
