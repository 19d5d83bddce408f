// The last figures of every lane; what to look at first stands first.
const lastLine = () => {
  const [words, code] = EXIT[data.last.exit || 0] || [`Exit code ${data.last.exit}`, 3];
  const tone = code === 0 ? "pass" : code === 2 ? "fail" : "";
  const report = web(data.last.report), ci = web(data.last.ci);
  return h("p", { class: `verdict ${tone}` }, h("b", {}, words), h("span", {}, commit(data.last), ` · ${minute(data.last.created)} · ${plural(data.runs, "run")} since ${day(data.first)}`),
    report && h("a", { href: report }, "report"), ci && h("a", { href: ci }, "CI run"));
};
const alertList = () => data.alerts.length ? h("ul", { class: "alerts" }, data.alerts.map(([kind, words, series]) => h("li", { class: kind }, series ? h("a", { href: `#/series/${series}` }, words) : words))) : h("p", { class: "quiet" }, "Nothing needs a look: no figure fails, none changed its level for the worse, none is near its limit.");

const cellOf = (one) => {
  const moved = one.since && one.value !== null ? showFigure(one.since, one.unit) : null;
  const name = `${one.label} in ${one.lane}: ${showFigure(one.value, one.unit)}, ${STATUS[one.status]}${one.room === null ? "" : `, ${percent(one.room)} of its limit used`}, ${plural(one.runs, "run")}`;
  return h("a", { class: `cell ${TONE[one.status]}`, href: `#/series/${one.id}`, "aria-label": name },
    h("span", { class: "figure" }, h("i", {}, SIGN[one.status]), showFigure(one.value, one.unit)), spark(one.spark, one.status),
    h("span", { class: "quiet" }, one.room === null ? "no limit" : `${percent(one.room)} of limit`, moved ? `, ${one.since > 0 ? "+" : ""}${moved}` : ""), room(one.room));
};
const overview = () => {
  const body = h("div", {});
  const search = h("input", { type: "search", "aria-label": "Filter figures", placeholder: "lpips, unet, fp16 …", input: () => draw() });
  const only = h("input", { type: "checkbox", change: () => draw() });
  const draw = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fit = rows.filter((one) => words.every((word) => `${one.label} ${one.lane} ${STATUS[one.status]}`.toLowerCase().includes(word)) && (!only.checked || [1, 2, 3].includes(one.status) || (one.room || 0) > 0.9 || one.changed !== null));
    const lanes = data.lanes.filter((lane) => fit.some((one) => one.lane === lane));
    const labels = new Map();
    for (const one of fit) { if (!labels.has(one.label)) labels.set(one.label, {}); labels.get(one.label)[one.lane] = one; }
    const order = [...labels.entries()].sort((a, b) => Math.min(...Object.values(a[1]).map(severity)) - Math.min(...Object.values(b[1]).map(severity)));
    const shown = order.slice(0, 150);
    const grid = table(`Last figures of ${plural(lanes.length, "lane")}: value, last runs, how much of its limit is used, change since goldens and limits are today's`, ["Figure", ...lanes],
      shown.map(([label, of]) => h("tr", {}, h("th", { scope: "row" }, label), lanes.map((lane) => h("td", {}, of[lane] ? cellOf(of[lane]) : h("span", { class: "quiet" }, MISSING))))));
    grid.firstChild.classList.add("cells");
    body.replaceChildren(fit.length ? grid : h("p", { class: "quiet" }, "No figure fits."), order.length > shown.length ? h("p", { class: "quiet" }, `${order.length - shown.length} more: filter to see them.`) : "");
  };
  draw();
  return [h("h1", {}, data.suite), lastLine(), alertList(), h("div", { class: "tools" }, h("label", {}, "Filter", search), h("label", { class: "check" }, only, "only what needs a look")), body];
};
