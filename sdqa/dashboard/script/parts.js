// What several pages are made of: tables, small lines, how much of a limit is used.
const table = (caption, heads, rows) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
  h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col", class: one.startsWith("#") ? "num" : null }, one.replace("#", ""))))), h("tbody", {}, rows)));

const spark = (text, code) => {
  const width = 92, height = 22, known = [...text].map((one, at) => one === "." ? null : [3 + (width - 6) * (text.length < 2 ? 0.5 : at / (text.length - 1)), 3 + (height - 6) * (1 - (one.charCodeAt(0) - 48) / 40)]);
  const path = known.map((one, at) => one ? `${known[at - 1] ? "L" : "M"}${one[0].toFixed(1)} ${one[1].toFixed(1)}` : "").join("");
  const last = known.filter(Boolean).pop();
  return g("svg", { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, g("path", { d: path }), last && g("circle", { class: `dot${code === 2 ? " bad" : ""}`, cx: last[0], cy: last[1], r: 2.6 }));
};
const room = (share) => share === null ? null : g("svg", { width: 92, height: 5, viewBox: "0 0 92 5", "aria-hidden": "true" },
  g("rect", { class: "room-track", width: 92, height: 5, rx: 2.5 }), g("rect", { class: `room${share > 1 ? " over" : share > 0.9 ? " near" : ""}`, width: Math.max(3, Math.min(92, 92 * share)), height: 5, rx: 2.5 }));
const ticks = (low, high, count) => {
  const span = high - low, raw = span / count, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
};
