// One figure over all runs.
const legend = (one) => {
  const line = (css, dash) => g("svg", { width: 22, height: 10, viewBox: "0 0 22 10", "aria-hidden": "true" }, g("line", { class: css, x1: 1, x2: 21, y1: 5, y2: 5, "stroke-dasharray": dash }));
  const kinds = [...new Set(one.marks.map(([, kind]) => kind))];
  return h("p", { class: "keys" }, one.machines.map((machine, at) => h("span", {}, line(`line${at ? ` m${(at - 1) % 4 + 1}` : ""}`), one.machines.length > 1 ? `fingerprint ${machine}` : "figure")),
    one.bound.length ? h("span", {}, line("limit"), "limit as it was") : null, one.changes.length ? h("span", {}, line("change"), "change of level") : null, one.loads.length ? h("span", {}, line("load"), "the machine's load: nothing of the project changed") : null,
    kinds.map((kind) => h("span", {}, h("b", {}, LETTER[kind]), KIND[kind])));
};
const seriesPage = async (key) => {
  const [one, runs] = await Promise.all([load(key), load("runs")]);
  for (const [name, values] of Object.entries(one.cases)) if (typeof values === "string") one.cases[name] = values.split(",").map((value) => value === "" ? null : Number(value));
  const readout = h("div", { class: "card readout", "aria-live": "polite" });
  const last = one.run.length - 1, most = Math.max(...one.judged.map((value) => Math.abs(value || 0)));
  const options = { cases: false, limit: one.bound.length > 0 && one.bound[last] !== null && Math.abs(one.bound[last]) < 4 * most }; // a limit that is far away would flatten the line
  const holder = h("div", {});
  const pick = (at, range) => {
    const run = runs[one.run[at]], report = web(run.report), ci = web(run.ci);
    const marks = one.marks.filter(([of]) => of === one.run[at]);
    const two = range && [runs[one.run[range[0]]], runs[one.run[range[1]]]];
    const text = two && `${(two[0].commit || "?").slice(0, 40)}..${(two[1].commit || "?").slice(0, 40)}`;
    readout.replaceChildren(
      h("p", {}, h("b", {}, showFigure(one.judged[at], one.unit)), one.difference ? ` from the golden (${showFigure(one.value[at], one.unit)})` : "", one.low.length && one.low[at] !== null ? ` [${showFigure(one.low[at], one.unit)}, ${showFigure(one.high[at], one.unit)}]` : "", one.bound.length && one.bound[at] !== null ? ` of ${showFigure(one.bound[at], one.unit)} ` : " ", badge(Number(one.status[at]))),
      h("p", { class: "quiet" }, minute(run.created), " · ", commit(run), run.ref ? ` · ${run.ref}` : "", ` · fingerprint ${one.machines[one.machine[at]]} · `, report ? h("a", { href: report }, "this run's report") : h("a", { href: `#/runs/${run.key}` }, "this run"), ci ? [" · ", h("a", { href: ci }, "CI run")] : null),
      marks.map(([, kind, words]) => h("p", { class: "quiet" }, h("b", {}, LETTER[kind]), ` ${words}`)),
      two ? h("p", {}, `${plural(range[1] - range[0], "step")}: `, h("code", {}, text.replace(/([0-9a-f]{10})[0-9a-f]+/g, "$1")), " ", h("button", { click: (event) => copy(`git log ${text}`, event.currentTarget) }, "Copy git log")) : "");
  };
  const draw = () => holder.replaceChildren(chart(one, runs, options, pick));
  const names = Object.keys(one.cases);
  const box = (name, words) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: options[name], change: (event) => { options[name] = event.target.checked; draw(); } }), words);
  resized = draw;
  setTimeout(draw);
  return [h("h1", {}, one.metric), h("p", { class: "quiet" }, `${one.lane} · ${plural(one.run.length, "run")} · ${one.better === "none" ? "" : `${one.better} is better`}${one.difference ? " · drawn: the difference from the golden, which the limit holds" : ""}`),
    h("div", { class: "tools" }, names.length ? box("cases", `${plural(names.length, "case")}`) : null, one.bound.length ? box("limit", "limit") : null, h("button", { click: (event) => copy(location.href, event.currentTarget) }, "Copy link")),
    h("div", { class: "card" }, holder, legend(one)), readout, h("p", { class: "quiet" }, "Drag, or hold Shift with the arrow keys, for a range of commits to copy."),
    one.marks.length ? table("What else changed", ["#Run", "When", "What"], [...one.marks].reverse().slice(0, 60).map(([run, kind, words]) => h("tr", {}, h("td", { class: "num" }, run + 1), h("td", {}, minute(runs[run].created)), h("td", {}, h("b", {}, LETTER[kind]), " ", words)))) : null,
    names.length ? table("Cases in the last run", ["Case", "#Last", "#First of these runs"], names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "num" }, showFigure(one.cases[name][one.run.length - 1], one.unit)), h("td", { class: "num" }, showFigure(one.cases[name].find((value) => value !== null), one.unit))))) : null];
};
