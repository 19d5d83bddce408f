// Metrics down, lanes across: a cell is where its worst check stands in its tolerance; it leads to that check's case.
const median = (values) => {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b), half = known.length >> 1;
  return known.length ? (known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2) : null;
};
const cellOf = (rows) => {
  const worst = worstOf(rows), value = median(rows.filter((row) => row.case).map((row) => row.value)) ?? worst.value;
  const address = worst.case ? caseAddress(worst.case, worst.lane) : writeAddress({ screen: "checks", q: `lane:${quoted(worst.lane)} m:${quoted(worst.metric)}` });
  const bad = rows.filter((row) => !["pass", "not judged"].includes(row.status)).length;
  return h("td", { class: cssClass(worst.status) },
    h("a", { href: address, title: worst.check }, mini(worst.status), " ", h("strong", { text: worst.hard ? (worst.status === "pass" ? "yes" : "no") : showPosition(worst) || showFigure(worst.value, worst.unit) })),
    h("div", { class: "quiet", text: [worst.hard ? "" : showFigure(value, worst.unit), rows.length > 1 ? `${bad ? `${bad} of ` : ""}${rows.length}` : ""].filter(Boolean).join(" · ") }));
};
const matrixScreen = (root) => {
  const lanes = LANES.filter((lane) => shown.rows.some((row) => row.lane === lane.id)), groups = new Map();
  for (const row of shown.rows) {
    const name = row.component ? `${row.metric} · ${row.component}` : row.metric;
    if (!groups.has(name)) groups.set(name, { name, better: row.better, component: row.component, lanes: new Map(), rows: [] });
    const group = groups.get(name);
    group.rows.push(row);
    if (!group.lanes.has(row.lane)) group.lanes.set(row.lane, []);
    group.lanes.get(row.lane).push(row);
  }
  const lines = [...groups.values()].sort((one, other) => Boolean(one.component) - Boolean(other.component) || byRank(worstOf(one.rows), worstOf(other.rows)));
  const tradeoff = $("#tradeoff");
  replace(root, h("h1", { text: "Matrix" }),
    h("p", { class: "quiet", text: "How much of its tolerance the worst check uses (100 % is the limit), then the median over cases and how many checks there are. A cell leads to its worst case." }),
    lines.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Metrics over lanes" },
      h("table", { class: "matrix" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "Metric" }), lanes.map((lane) => h("th", { scope: "col", text: lane.id })))),
        h("tbody", {}, lines.map((group) => h("tr", {}, h("th", { scope: "row" }, group.name, ["higher", "lower"].includes(group.better) && h("div", { class: "quiet", text: `${group.better} is better` })),
          lanes.map((lane) => (group.lanes.has(lane.id) ? cellOf(group.lanes.get(lane.id)) : h("td", { class: "quiet", text: MISSING })))))))) : h("p", { text: "No check fits the filter." }),
    tradeoff && h("section", { "aria-label": "Size against quality" }, h("h2", { text: "Size against quality" }), h("figure", { class: "card" }, tradeoff.content.cloneNode(true), h("figcaption", { class: "quiet", text: "The line joins the lanes that no other lane beats in both." }))));
};
