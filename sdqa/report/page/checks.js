// All checks as one table, of which only the rows in sight are in the document.
const ROW = 30; // pixels, as in review.css
const COLUMNS = [
  ["status", "Status", (row) => [mini(row.status), ` ${row.status}${row.provisional ? ", provisional" : ""}`], (row) => SEVERITY[row.status]],
  ["case", "Case or part", (row) => (row.case ? h("a", { href: caseAddress(row.case, row.lane), text: row.case }) : row.component || "whole lane"), (row) => row.case || row.component],
  ["metric", "Metric", (row) => row.metric, (row) => row.metric],
  ["position", "Of limit", showPosition, (row) => row.position, true],
  ["value", "Value", (row) => showFigure(row.value, row.unit), (row) => row.value, true],
  ["golden", "Golden", (row) => showFigure(row.golden, row.unit), (row) => row.golden, true],
  ["difference", "Difference", (row) => showFigure(row.difference, row.unit, true), (row) => row.difference, true],
  ["limit", "Limit", showLimit, (row) => row.limit, true],
  ["interval", "Interval", showInterval, (row) => row.low, true],
  ["lane", "Lane", (row) => row.lane, (row) => row.lane],
  ["n", "n", (row) => String(row.n), (row) => row.n, true],
  ["reason", "Why", (row) => row.reason || MISSING, (row) => row.reason],
];
const ordered = (rows) => {
  const column = COLUMNS.find(([name]) => name === here.sort);
  if (!column) return [...rows].sort(byRank);
  const key = column[3], way = here.down ? -1 : 1;
  const absentLast = (value) => value === null || value === "" || Number.isNaN(value);
  return [...rows].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    return absentLast(a) - absentLast(b) || way * (typeof a === "string" ? a.localeCompare(b) : a - b) || one.number - other.number;
  });
};
const sortBy = (name) => { amend(here.sort === name ? { down: here.down ? undefined : 1 } : { sort: name, down: undefined }); draw(); $(`th[data-column="${name}"] button`)?.focus(); };

const checksScreen = (root) => {
  const rows = ordered(shown.rows), body = h("tbody", {});
  const scroller = h("div", { class: "scroll virtual", tabindex: "0", role: "region", "aria-label": "All checks" },
    h("table", { class: "checks", "aria-rowcount": rows.length + 1 },
      h("thead", {}, h("tr", {}, COLUMNS.map(([name, title, , , number]) => h("th", { scope: "col", "data-column": name, class: number ? "num" : null, "aria-sort": here.sort === name ? (here.down ? "descending" : "ascending") : null },
        h("button", { type: "button", onclick: () => sortBy(name) }, title, here.sort === name && h("span", { "aria-hidden": "true", text: here.down ? " ▾" : " ▴" })))))),
      body));
  const gap = (height) => h("tr", { "aria-hidden": "true", class: "gap" }, h("td", { colspan: COLUMNS.length, style: { height: `${height}px` } }));
  let from = -1;
  const scroll = () => {
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - 6);
    if (first === from) return;
    from = first;
    const to = Math.min(rows.length, first + Math.ceil((scroller.clientHeight || 700) / ROW) + 14);
    replace(body, first > 0 && gap(first * ROW), rows.slice(first, to).map((row, i) => h("tr", { "aria-rowindex": first + i + 2 },
      COLUMNS.map(([name, , show, , number]) => h("td", { class: `${number ? "num" : ""} c-${name}`, title: name === "reason" ? row.reason : name === "lane" ? row.lane : null }, show(row))))), to < rows.length && gap((rows.length - to) * ROW));
  };
  scroller.addEventListener("scroll", scroll, { passive: true });
  replace(root, h("h1", {}, "Checks ", h("span", { class: "count", text: plural(rows.length, "check") })),
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => saveCsv(rows) }, "Save as CSV")),
    rows.length ? scroller : h("p", { text: "No check fits the filter." }));
  scroll();
};

/** A cell of a table that a spreadsheet must not take for a formula. */
const csvCell = (value) => {
  if (value === null) return "";
  const text = typeof value === "number" ? String(value) : /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
};
const csvOf = (rows) => {
  const names = ["check", "status", "lane", "case", "component", "metric", "value", "golden", "difference", "low", "high", "limit", "position", "n", "unit", "reason"];
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) => cells.map(csvCell).join(",")).join("\r\n");
};
const saveCsv = (rows) => {
  const address = URL.createObjectURL(new Blob([csvOf(rows)], { type: "text/csv" }));
  h("a", { href: address, download: "checks.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};
