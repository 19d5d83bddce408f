// All runs, and one of them.
const runsPage = async () => {
  const runs = await load("runs");
  const chosen = [], body = h("div", {});
  const compare = h("button", { disabled: true, click: () => { location.hash = `#/compare/${chosen.join("/")}`; } }, "Compare two runs");
  const update = () => { compare.disabled = chosen.length !== 2; compare.textContent = chosen.length === 2 ? "Compare these two" : `Compare: choose ${2 - chosen.length > 1 ? "two" : "one more"}`; };
  let shown = 100;
  const draw = (words) => {
    const fit = [...runs].reverse().filter((one) => !words || `${one.commit || ""} ${one.ref || ""} ${one.created} ${one.fault || ""} ${one.pr || ""} ${one.machine || ""}`.toLowerCase().includes(words));
    body.replaceChildren(table(`${plural(fit.length, "run")}, the newest first`, ["Choose", "When", "Gate", "Commit", "Branch", "#Pass", "#Fail", "#Unproved", "Machine", "Links"], fit.slice(0, shown).map((one) => {
      const box = h("input", { type: "checkbox", "aria-label": `Choose the run of ${minute(one.created)}`, checked: chosen.includes(one.key), change: () => { if (box.checked) { chosen.push(one.key); if (chosen.length > 2) { const gone = chosen.shift(); body.querySelectorAll("input").forEach((other) => { if (other.value === gone) other.checked = false; }); } } else chosen.splice(chosen.indexOf(one.key), 1); update(); } });
      box.value = one.key;
      const [passed, doubts, failed, missing] = one.counts;
      return h("tr", {}, h("td", {}, box), h("td", {}, h("a", { href: `#/runs/${one.key}` }, minute(one.created))), h("td", {}, exitBadge(one.exit || 0)), h("td", {}, commit(one)), h("td", {}, one.pr ? `#${one.pr} ` : "", one.ref || "", one.fault ? h("span", { class: "tag" }, `fault ${one.fault}`) : "", one.partial ? h("span", { class: "tag" }, "partial") : ""), h("td", { class: "num" }, passed + doubts), h("td", { class: "num" }, failed), h("td", { class: "num" }, missing), h("td", {}, one.machine || ""), h("td", {}, web(one.report) ? h("a", { href: one.report }, "report") : "", " ", web(one.ci) ? h("a", { href: one.ci }, "CI") : ""));
    })), fit.length > shown ? h("button", { click: () => { shown += 400; draw(words); } }, `Show more of ${fit.length}`) : "");
  };
  update(); draw("");
  return [h("h1", {}, "Runs"), h("div", { class: "tools" }, h("label", {}, "Filter", h("input", { type: "search", "aria-label": "Filter runs", placeholder: "commit, branch, machine …", input: (event) => draw(event.target.value.toLowerCase()) })), compare), body];
};
const runPage = async (key) => {
  const [runs, lanes] = await Promise.all([load("runs"), load(`run/${key}`)]);
  const at = runs.findIndex((one) => one.key === key), run = runs[at];
  const before = runs[at - 1];
  const found = Object.entries(lanes).flatMap(([lane, one]) => one.rows.map((row) => [lane, ...row]));
  const order = (row) => ORDER[Number(row[6])];
  return [h("h1", {}, `Run of ${minute(run.created)}`), h("p", {}, exitBadge(run.exit || 0), " ", commit(run), run.ref ? ` on ${run.ref}` : "", ` · sdqa ${run.version}`, run.machine ? ` · ${run.machine}` : ""),
    h("p", {}, before ? h("a", { href: `#/compare/${before.key}/${key}` }, "Compare with the run before") : "", " ", web(run.report) ? h("a", { href: run.report }, "Report") : "", " ", web(run.ci) ? h("a", { href: run.ci }, "CI run") : ""),
    table("Figures over all cases, and cases that did not pass", ["Figure", "Case", "Lane", "Verdict", "#Value", "#Limit"], found.sort((a, b) => order(a) - order(b)).slice(0, 300).map(([lane, label, of, value, , bound, status, unit]) => h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, of || "all"), h("td", {}, lane), h("td", {}, badge(Number(status))), h("td", { class: "num" }, showFigure(value, unit)), h("td", { class: "num" }, showFigure(bound, unit)))))];
};
