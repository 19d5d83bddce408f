// Error along the operations as a plot: hover or the slider names one, the blamed one is marked, a brush zooms in.
const MOST_DB = 100; // beyond, two results are as good as identical
const bounded = (value) => (Number.isNaN(value) ? 0 : Math.max(0, Math.min(MOST_DB, value)));

const operationsPlot = (holder, { component, blamed, rows }) => {
  const items = rows.map(([name, type, module, added, carried, findings]) => ({ name, type, module, added: figure(added), carried: figure(carried), findings }));
  if (!items.length) return;
  const whole = [0, items.length - 1], culprits = items.map((item, i) => (blamed.includes(item.name) ? i : -1)).filter((i) => i >= 0);
  let [from, to] = whole, chosen = culprits[0] ?? 0, brush = null;
  const canvas = h("canvas", { class: "operations-plot", role: "img", "aria-label": `PSNR along ${plural(items.length, "operation")} of ${component}${culprits.length ? `; blamed: ${culprits.map((i) => items[i].name).join(", ")}` : ""}` });
  const words = h("output", { class: "hovered" });
  const range = h("input", { type: "range", min: 0, max: items.length - 1, value: chosen, "aria-label": "Operation", oninput: () => choose(Number(range.value)) });
  const reset = h("button", { type: "button", onclick: () => { [from, to] = whole; paintPlot(); } }, "Whole");
  replace(holder, canvas,
    h("div", { class: "legend" }, h("span", { class: "added", text: "added by the operation" }), h("span", { class: "carried", text: "carried along" }), culprits.length > 0 && h("span", { class: "blame", text: `blamed: ${culprits.map((i) => items[i].name).join(", ")}` }), range, reset, h("span", { class: "quiet", text: "drag to zoom in" })), words);
  const [left, right, top, bottom] = [44, 8, 8, 22];
  const at = (event) => { const box = canvas.getBoundingClientRect(); return Math.max(from, Math.min(to, Math.round(from + ((event.clientX - box.left - left) / (box.width - left - right)) * (to - from)))); };
  const choose = (i) => {
    chosen = i;
    range.value = i;
    const item = items[i];
    words.textContent = `${i} · ${item.name} (${item.type})${item.module ? ` · ${item.module}` : ""}: adds ${showFigure(item.added, "dB")}, carries ${showFigure(item.carried, "dB")}${item.findings.length ? ` · ${item.findings.join("; ")}` : ""}`;
    paintPlot();
  };
  const paintPlot = () => {
    const width = canvas.clientWidth || 640, height = 220, ratio = devicePixelRatio || 1, styles = getComputedStyle(canvas);
    const colour = (name) => styles.getPropertyValue(`--${name}`).trim();
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "11px system-ui, sans-serif";
    const x = (i) => left + ((i - from) / (to - from || 1)) * (width - left - right), y = (value) => top + (1 - bounded(value) / MOST_DB) * (height - top - bottom);
    const stroke = (style, draw, wide = 1) => { pen.strokeStyle = style; pen.lineWidth = wide; pen.beginPath(); draw(); pen.stroke(); };
    pen.fillStyle = colour("quiet");
    for (let mark = 0; mark <= MOST_DB; mark += 20) {
      stroke(colour("rule"), () => { pen.moveTo(left, y(mark)); pen.lineTo(width - right, y(mark)); });
      pen.fillText(`${mark} dB`, 4, y(mark) + 4);
    }
    pen.fillText(`operation ${from} to ${to}, in order of execution`, left, height - 6);
    for (const i of culprits) if (i >= from && i <= to) stroke(colour("fail"), () => { pen.moveTo(x(i), top); pen.lineTo(x(i), height - bottom); }, 2);
    for (const [key, tone] of [["carried", "s5"], ["added", "s0"]]) {
      stroke(colour(tone), () => items.slice(from, to + 1).forEach((item, k) => (k ? pen.lineTo(x(from + k), y(item[key])) : pen.moveTo(x(from), y(item[key])))), 1.5);
    }
    if (chosen >= from && chosen <= to) for (const [key, tone] of [["carried", "s5"], ["added", "s0"]]) { pen.fillStyle = colour(tone); pen.beginPath(); pen.arc(x(chosen), y(items[chosen][key]), 4, 0, 7); pen.fill(); }
    if (brush) { pen.fillStyle = colour("accent"); pen.globalAlpha = 0.18; pen.fillRect(x(Math.min(...brush)), top, Math.abs(x(brush[1]) - x(brush[0])), height - top - bottom); pen.globalAlpha = 1; }
    reset.hidden = from === whole[0] && to === whole[1];
  };
  canvas.addEventListener("pointermove", (event) => { if (brush) { brush[1] = at(event); paintPlot(); } else choose(at(event)); });
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); brush = [at(event), at(event)]; });
  canvas.addEventListener("pointerup", () => {
    const [low, high] = [Math.min(...brush), Math.max(...brush)];
    brush = null;
    if (high - low > 1) [from, to] = [low, high];
    paintPlot();
  });
  new ResizeObserver(paintPlot).observe(canvas);
  choose(chosen);
};
