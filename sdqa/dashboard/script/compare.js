// Any two runs.
const comparePage = async (a, b) => {
  const [runs, one, other] = await Promise.all([load("runs"), load(`run/${a}`), load(`run/${b}`)]);
  const [before, after] = [a, b].map((key) => runs.find((run) => run.key === key));
  if (before.created > after.created) return comparePage(b, a);
  const words = [], moved = [];
  const turned = { worse: [], better: [] };
  for (const lane of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [old, next] = [one[lane], other[lane]];
    if (!old || !next) { words.push(`${lane} ran only in the ${old ? "first" : "second"} run`); continue; }
    const parts = Object.keys({ ...old.packages, ...next.packages }).filter((part) => old.packages[part] !== next.packages[part]);
    if (parts.length) words.push(`${lane}: other packages (${parts.join(", ")}), ${showFigure(old.bytes, "bytes")} → ${showFigure(next.bytes, "bytes")}`);
    if (old.goldens !== next.goldens) words.push(`${lane}: other goldens`);
    if (old.fingerprint !== next.fingerprint) words.push(`${lane}: another fingerprint (${old.fingerprint} → ${next.fingerprint}): times do not compare`);
    const known = new Map(old.rows.map((row) => [`${row[0]}\n${row[1]}`, row]));
    for (const row of next.rows) {
      const was = known.get(`${row[0]}\n${row[1]}`);
      const said = was ? Number(was[5]) : row[1] ? 0 : null, says = Number(row[5]);
      if (said !== null && said !== says && (said === 2 || says === 2)) (says === 2 ? turned.worse : turned.better).push([lane, row, said, says]);
      if (was && row[2] !== null && was[2] !== null && row[2] !== was[2] && !row[1]) { const scale = Math.abs(row[4] || was[2]) || 1; moved.push([lane, row, was, (row[3] - was[3]) / scale * (row[7] === "higher" ? -1 : 1)]); }
    }
    for (const row of old.rows) if (row[1] && row[5] === "2" && !next.rows.some((now) => now[0] === row[0] && now[1] === row[1])) turned.better.push([lane, row, 2, 0]);
  }
  if (before.judge !== after.judge) words.push("other limits, budgets or goldens: the judge is not the same");
  if (before.suite !== after.suite) words.push("another suite");
  if (before.version !== after.version) words.push(`sdqa ${before.version} → ${after.version}`);
  const list = (title, of) => of.length ? [h("h2", {}, title), table(title, ["Figure", "Case", "Lane", "Verdict"], of.slice(0, 100).map(([lane, row, said, says]) => h("tr", {}, h("th", { scope: "row" }, row[0]), h("td", {}, row[1] || "all"), h("td", {}, lane), h("td", {}, badge(said), " → ", badge(says)))))] : null;
  moved.sort((x, y) => Math.abs(y[3]) - Math.abs(x[3]));
  return [h("h1", {}, "Compare"), h("p", {}, exitBadge(before.exit || 0), " ", commit(before), ` ${minute(before.created)}  →  `, exitBadge(after.exit || 0), " ", commit(after), ` ${minute(after.created)}`),
    h("ul", { class: "card" }, [...(words.length ? words : ["same packages, goldens, judge, suite and machine"]), `${plural(turned.worse.length, "new failure")}, ${turned.better.length} fixed, ${plural(moved.length, "figure")} moved`].map((one) => h("li", {}, one))),
    list("New failures", turned.worse), list("Fixed", turned.better),
    moved.length ? [h("h2", {}, "Figures that moved"), table("Largest first, as a share of the limit where there is one", ["Figure", "Lane", "#Before", "#After", "#Change"], moved.slice(0, 100).map(([lane, row, was, size]) => h("tr", {}, h("th", { scope: "row" }, row[0]), h("td", {}, lane), h("td", { class: "num" }, showFigure(was[2], row[6])), h("td", { class: "num" }, showFigure(row[2], row[6])), h("td", { class: `num ${row[7] === "none" ? "" : size > 0 ? "worse" : "better"}` }, signed(size)))))] : null];
};
