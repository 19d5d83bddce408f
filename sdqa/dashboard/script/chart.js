// One series: a line a fingerprint, the interval as a band, the limit as it was, marks for what else changed.
const MARGIN = { left: 62, right: 16, top: 30, bottom: 30 };
const chart = (one, runs, options, onPick) => {
  const width = Math.max(300, Math.min(1200, main.clientWidth - 42)), height = width < 500 ? 260 : 340;
  const count = one.run.length, inner = width - MARGIN.left - MARGIN.right;
  const known = [...one.judged, ...one.low, ...one.high, ...(options.cases ? Object.values(one.cases).flat() : []), ...(options.limit ? one.bound : [])].filter((value) => value !== null);
  let low = Math.min(...known), high = Math.max(...known);
  if (!known.length) { low = 0; high = 1; }
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  low -= pad; high += pad;
  const x = (at) => MARGIN.left + (count < 2 ? inner / 2 : inner * at / (count - 1));
  const y = (value) => MARGIN.top + (height - MARGIN.top - MARGIN.bottom) * (1 - (value - low) / (high - low));
  const parts = [];
  for (const tick of ticks(low, high, 5)) parts.push(g("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }), g("text", { x: MARGIN.left - 8, y: y(tick) + 4, "text-anchor": "end" }, showFigure(tick, one.unit)));
  const short = Date.parse(runs[one.run[count - 1]].created) - Date.parse(runs[one.run[0]].created) < 4 * 864e5;
  const dates = count < 2 ? [0] : width < 500 ? [0, count - 1] : [0, Math.round((count - 1) / 3), Math.round(2 * (count - 1) / 3), count - 1];
  for (const at of new Set(dates)) parts.push(g("text", { x: x(at), y: height - 8, "text-anchor": at === 0 && count > 1 ? "start" : at === count - 1 && count > 1 ? "end" : "middle" }, short ? minute(runs[one.run[at]].created).slice(5) : day(runs[one.run[at]].created)));
  const path = (values) => { let drawn = false; return values.map((value, at) => { if (value === null) { drawn = false; return ""; } const step = `${drawn ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`; drawn = true; return step; }).join(""); };
  if (one.bound.length && options.limit) {
    const steps = one.bound.map((value, at) => value === null ? "" : `${at && one.bound[at - 1] !== null ? "L" : "M"}${(at ? x(at - 0.5) : x(at)).toFixed(1)} ${y(value).toFixed(1)}L${(at < count - 1 ? x(at + 0.5) : x(at)).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const last = one.bound[count - 1];
    if (one.better === "higher" || one.better === "lower") {
      for (let start = 0, at = 1; at <= count; at++) { // what lay beyond the limit, while it was that one
        if (at < count && one.bound[at] === one.bound[start]) continue;
        const [left, right] = [start ? x(start - 0.5) : x(0), at < count ? x(at - 0.5) : x(count - 1)];
        if (one.bound[start] !== null) { const edge = y(one.bound[start]), below = one.better === "higher"; parts.push(g("rect", { class: "beyond", x: left, width: Math.max(0, right - left), y: below ? edge : MARGIN.top, height: Math.max(0, below ? height - MARGIN.bottom - edge : edge - MARGIN.top) })); }
        start = at;
      }
    }
    parts.push(g("path", { class: "limit", d: steps }));
    if (last !== null) parts.push(g("text", { x: width - MARGIN.right, y: y(last) - 5, "text-anchor": "end" }, `limit ${showFigure(last, one.unit)}`));
  }
  if (options.cases) for (const values of Object.values(one.cases)) parts.push(g("path", { class: "case", d: path(values) }));
  one.machines.forEach((_, machine) => {
    const mine = (values) => values.map((value, at) => one.machine[at] === machine ? value : null);
    const css = machine ? ` m${(machine - 1) % 4 + 1}` : "";
    if (one.low.length) {
      let area = "", open = [];
      const close = () => { if (open.length > 1) area += `M${open.map((at) => `${x(at).toFixed(1)} ${y(one.high[at]).toFixed(1)}`).join("L")}L${[...open].reverse().map((at) => `${x(at).toFixed(1)} ${y(one.low[at]).toFixed(1)}`).join("L")}Z`; open = []; };
      for (let at = 0; at < count; at++) { if (one.machine[at] === machine && one.low[at] !== null && one.high[at] !== null) open.push(at); else close(); }
      close();
      parts.push(g("path", { class: `band${css}`, d: area }));
    }
    parts.push(g("path", { class: `line${css}`, d: path(mine(one.judged)) }));
  });
  if (count <= 160 || one.status.includes("2")) one.judged.forEach((value, at) => {
    const bad = one.status[at] === "2";
    if (value !== null && (count <= 160 || bad)) parts.push(g("circle", { class: `dot${one.machine[at] ? ` m${(one.machine[at] - 1) % 4 + 1}` : ""}${bad ? " bad" : ""}`, cx: x(at).toFixed(1), cy: y(value).toFixed(1), r: count > 80 ? 2.2 : 3.2 }));
  });
  const place = new Map(one.run.map((run, at) => [run, at]));
  let free = -Infinity; // to the right of the last label
  for (const [run, , , size] of one.changes) {
    const at = place.get(run);
    if (at === undefined) continue;
    parts.push(g("line", { class: "change", x1: x(at - 0.5), x2: x(at - 0.5), y1: MARGIN.top, y2: height - MARGIN.bottom }), g("path", { class: "change-flag", d: `M${x(at - 0.5) - 6} ${MARGIN.top - 1}h12l-6 8z` }));
    const from = Math.min(x(at - 0.5) + 9, width - 90);
    if (from > free) { parts.push(g("text", { x: from, y: MARGIN.top + 8 }, `${signed(size)} ${size > 0 ? "worse" : "better"}`)); free = from + 80; }
  }
  for (const run of one.loads) { // the machine's own steps: drawn, and no more
    const at = place.get(run);
    if (at !== undefined) parts.push(g("line", { class: "load", x1: x(at - 0.5), x2: x(at - 0.5), y1: MARGIN.top, y2: height - MARGIN.bottom }));
  }
  const flags = new Map();
  for (const [run, kind] of one.marks) { const at = place.get(run); if (at !== undefined) flags.set(at, [...new Set([...(flags.get(at) || []), LETTER[kind]])]); }
  for (const [at, letters] of flags) {
    const wide = 8 + 8 * letters.length;
    parts.push(g("line", { class: "mark", x1: x(at - 0.5), x2: x(at - 0.5), y1: 18, y2: height - MARGIN.bottom }), g("rect", { class: "mark-flag", x: x(at - 0.5) - wide / 2, y: 3, width: wide, height: 15, rx: 4 }), g("text", { class: "mark-letter", x: x(at - 0.5), y: 14 }, letters.join("")));
  }
  const picked = g("rect", { class: "picked", y: MARGIN.top, height: height - MARGIN.top - MARGIN.bottom, width: 0 });
  const cursor = g("line", { class: "cursor", y1: MARGIN.top, y2: height - MARGIN.bottom, x1: -9, x2: -9 });
  const svg = g("svg", { class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "application", tabindex: "0", "aria-label": `${one.metric} in ${one.lane} over ${plural(count, "run")}. Left and right arrows move from run to run.` }, picked, parts, cursor);
  let at = count - 1, from = null;
  const show = (next) => { at = Math.max(0, Math.min(count - 1, next)); cursor.setAttribute("x1", x(at)); cursor.setAttribute("x2", x(at)); onPick(at, from === null || from === at ? null : [Math.min(from, at), Math.max(from, at)]); };
  const near = (event) => { const box = svg.getBoundingClientRect(); return Math.round(((event.clientX - box.left) * width / box.width - MARGIN.left) / inner * (count - 1)) || 0; };
  const select = () => { if (from === null || from === at) picked.setAttribute("width", 0); else { const [a, b] = [Math.min(from, at), Math.max(from, at)]; picked.setAttribute("x", x(a)); picked.setAttribute("width", x(b) - x(a)); } };
  let down = false;
  svg.addEventListener("pointermove", (event) => { if (!down && from !== null && from !== at) return; show(near(event)); if (down) select(); });
  svg.addEventListener("pointerdown", (event) => { down = true; from = null; show(near(event)); from = at; select(); });
  svg.addEventListener("pointerup", () => { down = false; if (from === at) from = null; select(); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -count, End: count }[event.key];
    if (!step) return;
    event.preventDefault();
    if (event.shiftKey && from === null) from = at; else if (!event.shiftKey) from = null;
    show(at + step); select();
  });
  show(count - 1);
  return svg;
};
