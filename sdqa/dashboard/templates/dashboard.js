"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const waiting = new Map(), held = new Map();
  window.sdqaGive = (name, value) => { held.set(name, value); (waiting.get(name) || (() => {}))(value); };

  // What is not on the page yet comes as a script: a page on a disk may fetch nothing else.
  const load = (name) => held.has(name) ? Promise.resolve(held.get(name)) : new Promise((done, fail) => {
    const script = document.createElement("script");
    waiting.set(name, done);
    script.src = `data/${name}.js`;
    script.onerror = () => { script.remove(); fail(new Error(`data/${name}.js is not beside this page: copy the whole folder`)); };
    script.onload = () => script.remove();
    document.head.append(script);
  });

  // Only text ever becomes part of the document.
  const into = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    node.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false).map((one) => one instanceof Node ? one : String(one)));
    return node;
  };
  const h = (tag, attributes, ...children) => into(document.createElement(tag), attributes, children);
  const g = (tag, attributes, ...children) => into(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const web = (address) => /^https?:\/\//.test(address || "") ? address : null;

  const STATUS = ["pass", "suspicious", "fail", "not measured", "not judged", "not judged"];
  const TONE = ["pass", "suspicious", "fail", "unmeasured", "", ""];
  const SIGN = ["✓", "!", "✕", "?", "·", "·"];
  const EXIT = { 0: ["Pass", 0], 1: ["Failed", 2], 3: ["Could not run", 3], 4: ["Incomplete", 3], 130: ["Interrupted", 3] };
  const LETTER = { golden: "G", judge: "J", limit: "L", version: "V", machine: "M" };
  const KIND = { golden: "golden", judge: "judge", limit: "limit", version: "version of sdqa", machine: "another fingerprint" };
  const badge = (code, words) => h("span", { class: `status ${TONE[code]}` }, h("span", { "aria-hidden": "true" }, SIGN[code]), words || STATUS[code]);
  const exitBadge = (code) => badge((EXIT[code] || [0, 3])[1], (EXIT[code] || [`Exit ${code}`])[0]);

  const number = (value) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size >= 1e7 || size < 1e-4) return value.toExponential(2).replaceAll("-", "−");
    const digits = Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(size))));
    const text = size.toFixed(digits);
    const plain = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
    return (value < 0 ? "−" : "") + plain.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
  };
  const BYTES = { B: 1, byte: 1, bytes: 1, KB: 1e3, MB: 1e6, GB: 1e9 };
  const figure = (value, unit) => {
    if (value === null || value === undefined) return "–";
    if (unit in BYTES) {
      const count = value * BYTES[unit], size = Math.abs(count);
      const [scale, name] = size >= 1e9 ? [1e9, "GB"] : size >= 1e6 ? [1e6, "MB"] : size >= 1e3 ? [1e3, "KB"] : [1, "B"];
      return `${number(count / scale)} ${name}`;
    }
    if (unit === "s" && Math.abs(value) < 1) return `${number(value * 1000)} ms`;
    return `${number(value)} ${unit || ""}`.trim();
  };
  const percent = (share) => share === null || share === undefined ? "–" : `${Math.abs(share) >= 10 ? "> 999" : Math.round(share * 100)} %`;
  const signed = (share) => `${share > 0 ? "+" : "−"}${Math.abs(share) >= 10 ? "> 999" : Math.abs(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
  const day = (created) => (created || "").slice(0, 10);
  const minute = (created) => (created || "").slice(0, 16).replace("T", " ");
  const commit = (run) => run.commit ? h("code", {}, run.commit.slice(0, 10) + (run.modified ? "+" : "")) : "no commit";
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const copy = (text, button) => {
    const done = () => { const before = button.textContent; button.textContent = "Copied"; setTimeout(() => { button.textContent = before; }, 1200); };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => window.prompt("Copy:", text));
    else window.prompt("Copy:", text);
  };
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

  const ROW = (one) => ({ id: one[0], lane: one[1], label: one[2], unit: one[3], better: one[4], value: one[5], judged: one[6], bound: one[7], status: Number(one[8]), room: one[9], since: one[10], spark: one[11], runs: one[12], changed: one[13] });
  const rows = data.rows.map(ROW);
  const events = data.events;
  const ORDER = [3, 2, 0, 1, 4, 5]; // of statuses: fail first
  const severity = (one) => ORDER[one.status] * 10 - (one.room || 0);

  const lastLine = () => {
    const [words, code] = EXIT[data.last.exit || 0] || [`Exit code ${data.last.exit}`, 3];
    const tone = code === 0 ? "pass" : code === 2 ? "fail" : "";
    const report = web(data.last.report), ci = web(data.last.ci);
    return h("p", { class: `verdict ${tone}` }, h("b", {}, words), h("span", {}, commit(data.last), ` · ${minute(data.last.created)} · ${plural(data.runs, "run")} since ${day(data.first)}`),
      report && h("a", { href: report }, "report"), ci && h("a", { href: ci }, "CI run"));
  };
  const alertList = () => data.alerts.length ? h("ul", { class: "alerts" }, data.alerts.map(([kind, words, series]) => h("li", { class: kind }, series ? h("a", { href: `#/series/${series}` }, words) : words))) : h("p", { class: "quiet" }, "Nothing needs a look: no figure fails, none changed its level for the worse, none is near its limit.");

  const cellOf = (one) => {
    const moved = one.since && one.value !== null ? figure(one.since, one.unit) : null;
    const name = `${one.label} in ${one.lane}: ${figure(one.value, one.unit)}, ${STATUS[one.status]}${one.room === null ? "" : `, ${percent(one.room)} of its limit used`}, ${plural(one.runs, "run")}`;
    return h("a", { class: `cell ${TONE[one.status]}`, href: `#/series/${one.id}`, "aria-label": name },
      h("span", { class: "figure" }, h("i", {}, SIGN[one.status]), figure(one.value, one.unit)), spark(one.spark, one.status),
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
        shown.map(([label, of]) => h("tr", {}, h("th", { scope: "row" }, label), lanes.map((lane) => h("td", {}, of[lane] ? cellOf(of[lane]) : h("span", { class: "quiet" }, "–"))))));
      grid.firstChild.classList.add("cells");
      body.replaceChildren(fit.length ? grid : h("p", { class: "quiet" }, "No figure fits."), order.length > shown.length ? h("p", { class: "quiet" }, `${order.length - shown.length} more: filter to see them.`) : "");
    };
    draw();
    return [h("h1", {}, data.suite), lastLine(), alertList(), h("div", { class: "tools" }, h("label", {}, "Filter", search), h("label", { class: "check" }, only, "only what needs a look")), body];
  };

  // One series: a line a fingerprint, the interval as a band, the limit as it was, marks for what else changed.
  const MARGIN = { left: 62, right: 16, top: 30, bottom: 30 };
  const ticks = (low, high, count) => {
    const span = high - low, raw = span / count, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
    return found;
  };
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
    for (const tick of ticks(low, high, 5)) parts.push(g("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }), g("text", { x: MARGIN.left - 8, y: y(tick) + 4, "text-anchor": "end" }, figure(tick, one.unit)));
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
      if (last !== null) parts.push(g("text", { x: width - MARGIN.right, y: y(last) - 5, "text-anchor": "end" }, `limit ${figure(last, one.unit)}`));
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
  const legend = (one) => {
    const line = (css, dash) => g("svg", { width: 22, height: 10, viewBox: "0 0 22 10", "aria-hidden": "true" }, g("line", { class: css, x1: 1, x2: 21, y1: 5, y2: 5, "stroke-dasharray": dash }));
    const kinds = [...new Set(one.marks.map(([, kind]) => kind))];
    return h("p", { class: "keys" }, one.machines.map((machine, at) => h("span", {}, line(`line${at ? ` m${(at - 1) % 4 + 1}` : ""}`), one.machines.length > 1 ? `fingerprint ${machine}` : "figure")),
      one.bound.length ? h("span", {}, line("limit"), "limit as it was") : null, one.changes.length ? h("span", {}, line("change"), "change of level") : null,
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
        h("p", {}, h("b", {}, figure(one.judged[at], one.unit)), one.difference ? ` from the golden (${figure(one.value[at], one.unit)})` : "", one.low.length && one.low[at] !== null ? ` [${figure(one.low[at], one.unit)}, ${figure(one.high[at], one.unit)}]` : "", one.bound.length && one.bound[at] !== null ? ` of ${figure(one.bound[at], one.unit)} ` : " ", badge(Number(one.status[at]))),
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
      names.length ? table("Cases in the last run", ["Case", "#Last", "#First of these runs"], names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "num" }, figure(one.cases[name][one.run.length - 1], one.unit)), h("td", { class: "num" }, figure(one.cases[name].find((value) => value !== null), one.unit))))) : null];
  };

  const eventCard = (one) => h("section", { class: `card event ${one.size > 0 ? "" : "good"}` },
    h("h2", {}, h("a", { href: `#/series/${one.series}` }, one.changes[0][1]), one.changes.length + one.more > 1 ? ` and ${one.changes.length + one.more - 1} more` : "", h("span", { class: one.size > 0 ? "worse" : "better" }, ` ${signed(one.size)} ${one.size > 0 ? "worse" : "better"}`), ` in ${one.lane}`),
    h("p", { class: "quiet" }, `run ${one.run + 1} · ${minute(one.when)} · `, h("code", {}, one.range), " ", h("button", { click: (event) => copy(`git log ${one.range}`, event.currentTarget) }, "Copy git log")),
    one.marks.length ? h("p", {}, "Coincides with ", one.marks.map(([kind, words]) => h("span", { class: "tag" }, h("b", {}, LETTER[kind]), ` ${words}`))) : null,
    one.same ? h("p", { class: "quiet" }, "The packages are the same on both sides: the machine, or what else ran on it.") : null,
    h("ul", { class: "steps" }, one.changes.map(([series, label, old, next, unit, size, limit, moved, of]) => h("li", {}, h("a", { href: `#/series/${series}` }, label), ` ${figure(old, unit)} → ${figure(next, unit)} `, h("span", { class: size > 0 ? "worse" : "better" }, signed(size)), ` of ${limit ? "its limit" : "itself"}`, of ? h("span", { class: "quiet" }, ` · ${moved} of ${of} cases moved with it`) : ""))),
    one.more ? h("p", { class: "quiet" }, `and ${one.more} more figures`) : null);
  const changesPage = () => {
    const body = h("div", {}), times = events.filter((one) => one.times);
    const box = h("input", { type: "checkbox", checked: times.length === events.length, change: () => draw() });
    const draw = () => {
      const shown = events.filter((one) => box.checked || !one.times);
      body.replaceChildren(...(shown.length ? shown.map(eventCard) : [h("p", { class: "card" }, data.main < 6 ? `No change can be told from ${plural(data.main, "run")} yet: it takes three on each side.` : "No figure changed its level.")]));
    };
    draw();
    return [h("h1", {}, "Changes"), h("p", { class: "quiet" }, "Where a figure moved to another level and stayed there for three runs at least, measured against its own noise and confirmed on the cases. ", h("a", { href: "changes.atom" }, "Atom feed")),
      times.length && times.length < events.length ? h("div", { class: "tools" }, h("label", { class: "check" }, box, `also the ${times.length} of times and memory alone`)) : null, body];
  };

  const flakyPage = () => {
    const near = rows.filter((one) => one.room !== null && one.room > 0.9 && one.room <= 1);
    return [h("h1", {}, "Flaky"), h("p", { class: "quiet" }, "The same packages, goldens, judge, suite and machine, and another verdict: the check decides by chance."),
      data.flaky.length ? table("Checks that said different things of the same", ["Figure", "Case", "Lane", "#Turned", "Said", "Between"], data.flaky.map(([series, lane, label, of, statuses, , turned, values]) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/series/${series}` }, label)), h("td", {}, of || "all"), h("td", {}, lane), h("td", { class: "num" }, turned), h("td", {}, statuses.map(([status, count]) => [badge(STATUS.indexOf(status), `${status} ${count}`), " "])), h("td", { class: "num" }, values ? `${number(values[0])} – ${number(values[1])}` : "–"))))
        : h("p", { class: "card" }, "No check said different things of the same."),
      near.length ? table("Near their limit: noise may turn them", ["Figure", "Lane", "#Last", "#Limit", "#Used"], near.map((one) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/series/${one.id}` }, one.label)), h("td", {}, one.lane), h("td", { class: "num" }, figure(one.judged, one.unit)), h("td", { class: "num" }, figure(one.bound, one.unit)), h("td", { class: "num" }, percent(one.room))))) : null];
  };

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
        fit.length ? table("Lanes in their last run", ["Lane", "Best", "Gate", "#Size", "#Latency", "#Quality", "Worst figure"], [...fit].sort((a, b) => b.best - a.best || a.bytes - b.bytes).map((one) => h("tr", {}, h("th", { scope: "row" }, one.lane), h("td", {}, one.best ? "✓ not beaten" : ""), h("td", {}, badge(STATUS.indexOf(one.status))), h("td", { class: "num" }, figure(one.bytes, "bytes")), h("td", { class: "num", title: one.latencyName }, figure(one.latency, one.latencyUnit)), h("td", { class: "num" }, one.quality === null ? "–" : `${percent(one.quality)} of limit`), h("td", {}, one.qualityName || "–")))) : h("p", { class: "card" }, "No lane fits."));
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
    for (const tick of ticks(0, xMost, width < 500 ? 3 : 6)) parts.push(g("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: height - bottom }), g("text", { x: x(tick), y: height - bottom + 16, "text-anchor": "middle" }, xAxis === "quality" ? percent(tick) : figure(tick, xUnit)));
    for (const tick of ticks(0, yMost, 5)) parts.push(g("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }), g("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, yAxis === "quality" ? percent(tick) : figure(tick, yUnit)));
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

  const goldensPage = async () => {
    const { entries, problems } = await load("goldens");
    const body = h("div", {});
    const draw = (words) => {
      const fit = entries.filter((one) => !words || `${one.subject} ${one.reason} ${one.who} ${one.model}`.toLowerCase().includes(words));
      body.replaceChildren(fit.length ? h("ol", { class: "time" }, fit.slice(0, 120).map((one) => h("li", {}, h("div", { class: "card" },
        h("p", {}, h("b", {}, `${one.model}/${one.subject}`), " ", h("span", { class: "tag" }, one.first ? "first recorded" : "renewed")),
        h("p", {}, one.reason || "no reason given"), h("p", { class: "quiet" }, `${minute(one.date)} · ${one.who || "unknown"} · ${one.before ? `${one.before} → ` : ""}${one.after}`),
        one.worse.length ? h("p", {}, h("b", { class: "worse" }, "got worse: "), one.worse.slice(0, 3).join("; ")) : null, one.worse.length > 3 ? h("details", {}, h("summary", { class: "quiet" }, `and ${one.worse.length - 3} more figures`), h("ul", { class: "quiet" }, one.worse.slice(3).map((words) => h("li", {}, words)))) : null, one.diagnosis ? h("p", { class: "quiet" }, one.diagnosis) : null,
        one.pictures.some(Boolean) ? h("div", { class: "pictures" }, one.pictures.map((picture, at) => picture ? h("figure", {}, h("img", { src: picture, alt: `${one.subject} ${at ? "after" : "before"}`, loading: "lazy" }), h("figcaption", {}, at ? "after" : "before")) : null)) : null))))
        : h("p", { class: "card" }, entries.length ? "No entry fits." : data.goldens ? "The audit log has no entry." : "Build the site beside a folder of goldens, or name it with --goldens, to see their audit log here."),
      fit.length > 120 ? h("p", { class: "quiet" }, `${fit.length - 120} older entries: filter to see them.`) : "");
    };
    draw("");
    return [h("h1", {}, "Goldens"), h("p", { class: "quiet" }, "Who changed which reference, when and why; each with its picture before and after, where git remembers it."),
      problems.map((one) => h("p", { class: "worse" }, one)), entries.length ? h("div", { class: "tools" }, h("label", {}, "Filter", h("input", { type: "search", "aria-label": "Filter entries", input: (event) => draw(event.target.value.toLowerCase()) }))) : null, body];
  };

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
      table("Figures over all cases, and cases that did not pass", ["Figure", "Case", "Lane", "Verdict", "#Value", "#Limit"], found.sort((a, b) => order(a) - order(b)).slice(0, 300).map(([lane, label, of, value, , bound, status, unit]) => h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, of || "all"), h("td", {}, lane), h("td", {}, badge(Number(status))), h("td", { class: "num" }, figure(value, unit)), h("td", { class: "num" }, figure(bound, unit)))))];
  };
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
      if (parts.length) words.push(`${lane}: other packages (${parts.join(", ")}), ${figure(old.bytes, "bytes")} → ${figure(next.bytes, "bytes")}`);
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
      moved.length ? [h("h2", {}, "Figures that moved"), table("Largest first, as a share of the limit where there is one", ["Figure", "Lane", "#Before", "#After", "#Change"], moved.slice(0, 100).map(([lane, row, was, size]) => h("tr", {}, h("th", { scope: "row" }, row[0]), h("td", {}, lane), h("td", { class: "num" }, figure(was[2], row[6])), h("td", { class: "num" }, figure(row[2], row[6])), h("td", { class: `num ${row[7] === "none" ? "" : size > 0 ? "worse" : "better"}` }, signed(size)))))] : null];
  };

  let resized = null;
  const VIEWS = { "": overview, series: seriesPage, changes: changesPage, flaky: flakyPage, variants: variantsPage, goldens: goldensPage, compare: comparePage, runs: (key) => key ? runPage(key) : runsPage() };
  const go = async () => {
    const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    const view = VIEWS[name] || overview;
    resized = null;
    document.querySelectorAll(".top nav a").forEach((link) => { const own = link.getAttribute("href").slice(2); if (own === name || (own === "" && name === "series") || (own === "runs" && name === "compare")) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current"); });
    try { main.replaceChildren(...(await view(...rest)).flat(3).filter(Boolean)); }
    catch (error) { main.replaceChildren(h("h1", {}, "Not here"), h("p", { class: "card" }, error.message)); }
    const title = main.querySelector("h1");
    document.title = `${title ? title.textContent : "Overview"} · ${data.suite} · sdqa`;
    document.documentElement.dataset.ready = location.hash || "#/";
    window.scrollTo(0, 0);
  };
  let timer = 0;
  window.addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(() => resized && resized(), 120); });
  window.addEventListener("hashchange", go);
  go();
})();
