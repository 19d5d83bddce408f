// The pictures of a case in one lane: five ways to compare two of them, with one zoom and one place for all.
const MODES = [["side", "Side by side"], ["slider", "Slider"], ["blink", "Blink"], ["heat", "Heat map"], ["overlay", "Overlay"], ["flip", "FLIP"]];
const ZOOMS = [1, 2, 4, 8, 16];
const BLINK_MS = 600; // a change; far below three flashes a second
const view = { x: 0.5, y: 0.5, gain: null, split: 50, opacity: 50, everyLane: false };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let blinking = 0, redraw = () => {};

const zoomOf = () => (ZOOMS.includes(Number(here.zoom)) ? Number(here.zoom) : 1);
const modeOf = () => (MODES.some(([name]) => name === here.mode) ? here.mode : "side");
const setMode = (name) => { amend({ mode: name === "side" ? undefined : name }); redraw(); };
const setZoom = (zoom) => { amend({ zoom: zoom === 1 ? undefined : zoom }); redraw(); };
const nextZoom = () => setZoom(ZOOMS[(ZOOMS.indexOf(zoomOf()) + 1) % ZOOMS.length]);
/** As strong as the largest difference allows, until a reader chooses. */
const gainFor = (largest) => view.gain || (largest ? 2 ** Math.min(6, Math.max(0, Math.floor(Math.log2(255 / largest)))) : largest === undefined ? 8 : 1);
let gainNow = 1;
const setGain = (gain) => { view.gain = Math.min(64, Math.max(1, gain)); redraw(); };

/** Put every layer of the stage where the shared view says. */
const place = (root) => {
  const zoom = zoomOf(), half = 0.5 / zoom;
  view.x = Math.min(1 - half, Math.max(half, view.x));
  view.y = Math.min(1 - half, Math.max(half, view.y));
  for (const layer of $$(".layer", root)) {
    layer.style.transform = `translate(${(0.5 - view.x * zoom) * 100}%, ${(0.5 - view.y * zoom) * 100}%) scale(${zoom})`;
    layer.classList.toggle("pixelated", zoom >= 4 || layer.dataset.small === "1");
  }
};
const layerOf = (picture, alt, more = {}) =>
  h("div", { class: "layer", "data-small": Math.max(picture.width, picture.height) <= 256 ? "1" : null, ...more },
    h("img", { src: picture.address, alt, draggable: "false", onerror: (event) => event.target.replaceWith(h("span", { class: "gone", text: `${picture.address} is not beside this page: keep the folder together, or make one file with sdqa report --single-file` })) }));

const paneOf = (root, size, caption, ...layers) => {
  const frame = h("div", { class: "pane", style: { "aspect-ratio": `${size.width || 1} / ${size.height || 1}` } }, layers);
  pan(root, frame);
  return h("figure", { class: "shot" }, frame, h("figcaption", {}, caption));
};
/** Dragging moves all panes; a wheel with Ctrl (a pinch) zooms. */
const pan = (root, frame) => {
  frame.addEventListener("pointerdown", (event) => {
    if (frame.dataset.drag === "split" && !event.shiftKey) return;
    const from = { x: event.clientX, y: event.clientY, ox: view.x, oy: view.y }, box = frame.getBoundingClientRect();
    if (zoomOf() === 1) return;
    frame.setPointerCapture(event.pointerId);
    const move = (moved) => {
      view.x = from.ox - (moved.clientX - from.x) / box.width / zoomOf();
      view.y = from.oy - (moved.clientY - from.y) / box.height / zoomOf();
      place(root);
    };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerup", () => frame.removeEventListener("pointermove", move), { once: true });
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const at = ZOOMS.indexOf(zoomOf()) + (event.deltaY < 0 ? 1 : -1);
    if (ZOOMS[at]) setZoom(ZOOMS[at]);
  }, { passive: false });
};
const captionOf = (kind, picture) => [h("b", { text: kind }), picture.words ? ` ${picture.words}` : "", picture.lossy ? " (WebP)" : ""];
const absent = (kind, words) => h("figure", { class: "shot" }, h("div", { class: "pane none", text: words }), h("figcaption", {}, h("b", { text: kind })));
const shot = (root, kind, picture, alt) => (picture?.address ? paneOf(root, picture, captionOf(kind, picture), layerOf(picture, alt)) : absent(kind, picture?.words || "none was recorded"));
const slide = (label, low, high, value, words, change) => {
  const output = h("output", { text: words(value) });
  return h("label", { class: "slide" }, label, h("input", { type: "range", min: low, max: high, value, oninput: (event) => { change(Number(event.target.value)); output.textContent = words(Number(event.target.value)); } }), output);
};

/** What a candidate can be held against: the lane's own pictures, and the candidates of other lanes. */
const references = (kase, lane) => {
  const own = kase.lanes.get(lane)?.pictures || {};
  const known = Object.entries(own).filter(([kind]) => kind !== "candidate");
  const others = [...kase.lanes].filter(([id, one]) => id !== lane && one.pictures.candidate).map(([id, one]) => [id, one.pictures.candidate]);
  return new Map([...known, ...others]);
};

const drawStage = (root, kase, lane) => {
  clearInterval(blinking);
  redraw = () => drawStage(root, kase, lane);
  const mode = modeOf(), own = kase.lanes.get(lane)?.pictures || {}, others = references(kase, lane);
  const named = others.has(here.against) ? here.against : others.has("golden") ? "golden" : [...others.keys()][0];
  const [golden, candidate] = [others.get(named), own.candidate];
  const both = golden?.address && candidate?.address;
  const alt = (kind) => `${kind} of ${kase.name}`;
  const under = h("div", { class: "under" }), body = h("div", { class: `shots ${mode}` });
  const focus = document.activeElement?.dataset?.keep;
  replace(root, stageBar(mode, others, named), body, under);
  if (mode === "side") {
    const kinds = Object.keys(own).filter((kind) => kind !== "candidate" && kind !== named);
    replace(body, kinds.map((kind) => shot(root, kind, own[kind], alt(kind))),
      named && shot(root, named, golden, alt(named)), shot(root, "candidate", candidate, alt(`candidate in ${lane}`)),
      view.everyLane && [...others].filter(([id]) => laneOf.has(id) && id !== named).map(([id, one]) => shot(root, id, one, alt(`candidate in ${id}`))));
  }
  if (mode === "flip") flipMode(root, body, under, kase.lanes.get(lane));
  else if (!both && mode !== "side") {
    replace(body, shot(root, named || "golden", golden, alt("golden")), shot(root, "candidate", candidate, alt("candidate")));
  } else if (mode === "slider") sliderMode(root, body, under, golden, candidate, named, alt);
  else if (mode === "blink") blinkMode(root, body, under, golden, candidate, named, alt);
  else if (mode === "overlay") overlayMode(root, body, under, golden, candidate, named, alt);
  if (both && (mode === "heat" || mode === "side")) heatMode(root, body, under, golden, candidate, named, mode === "side");
  place(root);
  if (focus) $(`[data-keep="${focus}"]`, root)?.focus();
};
const stageBar = (mode, others, named) =>
  h("div", { class: "bar", role: "group", "aria-label": "How to compare" },
    MODES.map(([name, title], i) => h("button", { type: "button", "data-keep": name, "aria-pressed": String(name === mode), onclick: () => setMode(name) }, h("kbd", { "aria-hidden": "true", text: String(i + 1) }), ` ${title}`)),
    h("button", { type: "button", "data-keep": "zoom", onclick: nextZoom, "aria-label": `Zoom, now ${zoomOf()}` }, h("kbd", { "aria-hidden": "true", text: "z" }), ` ${zoomOf() === 1 ? "fit" : `× ${zoomOf()}`}`),
    h("label", {}, "against ", h("select", { "data-keep": "against", onchange: (event) => { amend({ against: event.target.value === "golden" ? undefined : event.target.value }); redraw(); } }, [...others.keys()].map((name) => h("option", { value: name, selected: name === named, text: name })))),
    mode === "side" && [...others.keys()].filter((id) => laneOf.has(id)).length > 0 && h("label", {}, h("input", { type: "checkbox", "data-keep": "every", checked: view.everyLane, onchange: (event) => { view.everyLane = event.target.checked; redraw(); } }), " other lanes"));

const sliderMode = (root, body, under, golden, candidate, named, alt) => {
  const clip = h("div", { class: "clip" }, layerOf(golden, alt(named))), divider = h("span", { class: "divider", "aria-hidden": "true" });
  const figure = paneOf(root, candidate, [h("b", { text: named }), " left, ", h("b", { text: "candidate" }), " right: drag on the picture, Shift moves it"], layerOf(candidate, alt("candidate")), clip, divider);
  const frame = $(".pane", figure);
  frame.dataset.drag = "split";
  const split = (percent) => {
    view.split = Math.min(100, Math.max(0, percent));
    clip.style.clipPath = `inset(0 ${100 - view.split}% 0 0)`;
    divider.style.left = `${view.split}%`;
    const range = $("input[type=range]", under);
    if (range) range.value = view.split;
  };
  const follow = (event) => { const box = frame.getBoundingClientRect(); split(((event.clientX - box.left) / box.width) * 100); };
  frame.addEventListener("pointerdown", (event) => {
    if (event.shiftKey) return;
    frame.setPointerCapture(event.pointerId);
    follow(event);
    frame.addEventListener("pointermove", follow);
    frame.addEventListener("pointerup", () => frame.removeEventListener("pointermove", follow), { once: true });
  });
  replace(body, figure);
  replace(under, slide("golden shown", 0, 100, view.split, (value) => `${Math.round(value)} %`, split));
  split(view.split);
};
const blinkMode = (root, body, under, golden, candidate, named, alt) => {
  const top = layerOf(golden, alt(named)), words = h("b", { text: named });
  const swap = () => { top.hidden = !top.hidden; words.textContent = top.hidden ? "candidate" : named; };
  replace(body, paneOf(root, candidate, words, layerOf(candidate, alt("candidate")), top));
  replace(under, h("button", { type: "button", "data-keep": "swap", onclick: () => { clearInterval(blinking); swap(); } }, "Swap"),
    calm.matches ? h("span", { class: "quiet", text: "it does not blink by itself: this system asks for reduced motion" }) : h("span", { class: "quiet", text: "swapping by hand stops it" }));
  if (!calm.matches) blinking = setInterval(() => (body.isConnected ? swap() : clearInterval(blinking)), BLINK_MS);
};
const overlayMode = (root, body, under, golden, candidate, named, alt) => {
  const top = layerOf(candidate, alt("candidate"));
  top.style.opacity = view.opacity / 100;
  replace(body, paneOf(root, candidate, [h("b", { text: "candidate" }), ` over ${named}`], layerOf(golden, alt(named)), top));
  replace(under, slide("candidate", 0, 100, view.opacity, (value) => `${value} %`, (value) => { view.opacity = value; top.style.opacity = value / 100; }));
};
