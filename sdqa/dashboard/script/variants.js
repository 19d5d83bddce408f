// Which recipe to ship: two of size, latency and quality; the third and the budgets are in the table and the lines.
const variantsPage = () => {
  const AXES = { bytes: ["size of the packages", "bytes", (one) => one.bytes], quality: ["quality: share of its limit that the worst figure uses", "", (one) => one.quality], latency: ["latency", (data.variants.find((one) => one.latencyUnit) || {}).latencyUnit || "", (one) => one.latency] };
  const devices = [...new Set(data.variants.map((one) => one.device))].sort();
  const state = { x: "bytes", y: data.variants.some((one) => one.quality !== null) ? "quality" : "latency", device: "", fit: false };
  const body = h("div", {});
  const choose = (name, words, options) => h("label", {}, words, h("select", { change: (event) => { state[name] = event.target.value; draw(); } }, options.map(([value, label]) => h("option", { value, selected: state[name] === value }, label))));
  const budgetOf = (axis) => axis === "quality" ? 1 : axis === "bytes" ? data.budgets.package_bytes ?? null : data.budgets[(data.variants.find((one) => one.latencyName) || {}).latencyName] ?? null;
  const keeps = (one) => one.status !== "fail" && ["bytes", "quality", "latency"].every((axis) => { const value = AXES[axis][2](one), most = budgetOf(axis); return value === null || most === null || value <= most; });
  const draw = () => {
    const fit = data.variants.filter((one) => (!state.device || one.device === state.device) && (!state.fit || keeps(one)));
    const known = fit.filter((one) => AXES[state.x][2](one) !== null && AXES[state.y][2](one) !== null);
    body.replaceChildren(known.length ? h("div", { class: "card" }, scatter(known, state.x, state.y, AXES, budgetOf, keeps), h("p", { class: "keys" }, h("span", {}, "Lower left is better. Dashed line: no other lane of the device is smaller, faster and better."))) : h("p", { class: "card" }, "No lane has both figures."),
      fit.length ? table("Lanes in their last run; times are medians of the last runs of the same packages on the same machine", ["Lane", "Best", "Gate", "#Size", "#Latency", "#Quality", "Worst figure"], [...fit].sort((a, b) => b.best - a.best || a.bytes - b.bytes).map((one) => h("tr", {}, h("th", { scope: "row" }, one.lane), h("td", {}, one.best ? "✓ not beaten" : ""), h("td", {}, badge(STATUS.indexOf(one.status))), h("td", { class: "num" }, showFigure(one.bytes, "bytes")), h("td", { class: "num", title: one.latencyName }, showFigure(one.latency, one.latencyUnit)), h("td", { class: "num" }, one.quality === null ? MISSING : `${percent(one.quality)} of limit`), h("td", {}, one.qualityName || MISSING)))) : h("p", { class: "card" }, "No lane fits."));
  };
  resized = draw;
  setTimeout(draw);
  const axes = Object.entries(AXES).map(([value, [label]]) => [value, label.split(":")[0]]);
  return [h("h1", {}, "Variants"), h("p", { class: "quiet" }, "Which recipe to ship: size, latency and quality of every lane in its last run, against the budgets of the suite."),
    h("div", { class: "tools" }, choose("x", "Across", axes), choose("y", "Up", axes), choose("device", "Device", [["", "all"], ...devices.map((one) => [one, one])]), h("label", { class: "check" }, h("input", { type: "checkbox", change: (event) => { state.fit = event.target.checked; draw(); } }), "only within budgets and passing")), body];
};
const scatter = (found, xAxis, yAxis, axes, budgetOf, keeps) => {
  const width = Math.max(300, Math.min(1100, main.clientWidth - 42)), height = 380, left = 74, right = 24, top = 18, bottom = 46;
  const [xName, xUnit, xOf] = axes[xAxis], [yName, yUnit, yOf] = axes[yAxis];
  const most = (of, axis) => { const values = found.map(of), budget = budgetOf(axis), top = Math.max(...values); return 1.12 * (budget !== null && budget < top * 3 ? Math.max(top, budget) : top) || 1; };
  const xMost = most(xOf, xAxis), yMost = most(yOf, yAxis);
  const x = (value) => left + (width - left - right) * value / xMost, y = (value) => top + (height - top - bottom) * (1 - value / yMost);
  const parts = [];
  for (const tick of ticks(0, xMost, width < 500 ? 3 : 6)) parts.push(g("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: height - bottom }), g("text", { x: x(tick), y: height - bottom + 16, "text-anchor": "middle" }, xAxis === "quality" ? percent(tick) : showFigure(tick, xUnit)));
  for (const tick of ticks(0, yMost, 5)) parts.push(g("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }), g("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, yAxis === "quality" ? percent(tick) : showFigure(tick, yUnit)));
  parts.push(g("text", { x: width - right, y: height - 8, "text-anchor": "end" }, `${width < 600 ? xName.split(":")[0] : xName} →`), g("text", { x: left + 6, y: top + 10 }, `↑ ${width < 600 ? yName.split(":")[0] : yName}`));
  const xBudget = budgetOf(xAxis), yBudget = budgetOf(yAxis);
  if (xBudget !== null && xBudget <= xMost) parts.push(g("line", { class: "budget", x1: x(xBudget), x2: x(xBudget), y1: top, y2: height - bottom }), g("text", { x: x(xBudget) - 5, y: height - bottom - 6, "text-anchor": "end" }, "budget"));
  if (yBudget !== null && yBudget <= yMost) parts.push(g("line", { class: "budget", x1: left, x2: width - right, y1: y(yBudget), y2: y(yBudget) }), g("text", { x: width - right, y: y(yBudget) - 5, "text-anchor": "end" }, yAxis === "quality" ? "limit" : "budget"));
  for (const device of new Set(found.map((one) => one.device))) {
    const mine = found.filter((one) => one.device === device).sort((a, b) => xOf(a) - xOf(b) || yOf(a) - yOf(b));
    let best = Infinity; const front = mine.filter((one) => { if (yOf(one) < best) { best = yOf(one); return true; } return false; });
    if (front.length > 1) parts.push(g("path", { class: "front", d: front.map((one, at) => `${at ? `H${x(xOf(one)).toFixed(1)}V` : `M${x(xOf(one)).toFixed(1)} `}${y(yOf(one)).toFixed(1)}`).join("") }));
  }
  const taken = [];
  for (const one of found) {
    const cx = x(xOf(one)), cy = y(yOf(one)), end = cx > width * 0.65;
    let ty = cy + 4; while (taken.some(([a, b]) => Math.abs(a - cx) < 170 && Math.abs(b - ty) < 13)) ty += 13; taken.push([cx, ty]);
    parts.push(g("circle", { class: `ship${keeps(one) ? (one.best ? "" : " other") : " bad"}`, cx, cy, r: one.best ? 7 : 5.5 }), g("text", { class: "name", x: cx + (end ? -11 : 11), y: ty, "text-anchor": end ? "end" : "start" }, `${one.lane}${keeps(one) ? "" : " ✕"}`));
  }
  return g("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${xName} against ${yName} of ${plural(found.length, "lane")}; the table below has the figures` }, parts);
};
