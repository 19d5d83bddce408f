// Heat maps: the difference of two pictures with a gain, and how large it seems to an eye.
/** Say what lies under the pointer. */
const hover = (canvas, { width, height }, tell) => canvas.addEventListener("pointermove", (event) => {
  const box = canvas.getBoundingClientRect(), x = Math.floor(((event.clientX - box.left) / box.width) * width), y = Math.floor(((event.clientY - box.top) / box.height) * height);
  if (x >= 0 && y >= 0 && x < width && y < height) tell(x, y);
});
const heatMode = (root, body, under, golden, candidate, named, beside) => {
  const canvas = h("canvas", { role: "img", "aria-label": `difference of ${named} and candidate` }), words = h("span", { class: "quiet", text: "…" });
  const layer = h("div", { class: "layer", "data-small": candidate.width <= 256 ? "1" : null }, canvas);
  const figure = paneOf(root, candidate, h("b", { text: "difference" }), layer);
  body.append(figure);
  const scale = h("span", { class: "scale" }, h("span", { text: "0" }), colourBar(), h("span", { text: "255" }));
  const chooser = slide("gain", 0, 6, Math.log2(gainFor(0)), (power) => `× ${2 ** power}`, (power) => { view.gain = 2 ** power; again(); });
  replace(under, chooser, scale, words);
  let found = null;
  const again = () => {
    const gain = gainNow = gainFor(found?.largest);
    if (found && (found.levels || found.images)) paint(canvas, found, gain);
    $("input", chooser).value = Math.log2(gain);
    $("output", chooser).textContent = `× ${gain}`;
    scale.lastChild.textContent = `${showNumber(255 / gain)} of 255`;
    replace($("figcaption", figure), h("b", { text: "difference" }), ` × ${gain}`);
  };
  compare(golden, candidate).then((result) => {
    found = result;
    words.textContent = result.words;
    body.dataset.ready = "1";
    if (!result.levels && !result.images) return replace($(".pane", figure), h("span", { class: "gone", text: result.words }));
    again();
    if (result.tile) layer.append(h("span", { class: "tile", title: "the tile that differs most", style: { left: `${(100 * result.tile.x) / TILES}%`, top: `${(100 * result.tile.y) / TILES}%`, width: `${100 / TILES}%`, height: `${100 / TILES}%` } }));
    if (result.levels && !beside) hover(canvas, result, (x, y) => { words.textContent = `x ${x}, y ${y}: ${result.levels[y * result.width + x]} of 255 · ${result.words}`; });
  });
};

/** FLIP's map; made with the report, for failing cases. */
const flipMode = (root, body, under, own) => {
  const seen = own?.flip;
  if (!seen) {
    const failing = ROWS.some((row) => row.case === here.subject && row.lane === here.lane && row.status === "fail");
    return replace(body, h("p", { class: "quiet", text: failing ? DATA.noFlip : "FLIP's map is made for failing cases" }));
  }
  const canvas = h("canvas", { role: "img", "aria-label": "FLIP of golden and candidate" }), words = h("span", { class: "quiet" });
  const told = `mean ${showNumber(seen.mean)}, largest ${showNumber(seen.largest)}: 0 is no difference to an eye, 1 the largest there is`;
  replace(body, paneOf(root, seen, [h("b", { text: "FLIP" }), " of golden and candidate"], h("div", { class: "layer", "data-small": seen.width <= 256 ? "1" : null }, canvas)));
  replace(under, h("span", { class: "scale" }, h("span", { text: "0" }), colourBar(), h("span", { text: "1" })), words);
  words.textContent = told;
  load(seen).then((image) => {
    const pixels = image && pixelsOf(image);
    if (!pixels) return replace($(".pane", body), h("span", { class: "gone", text: "the map could not be read" }));
    const levels = Uint8Array.from({ length: seen.width * seen.height }, (_, i) => pixels.data[4 * i]);
    paint(canvas, { width: seen.width, height: seen.height, levels }, 1);
    body.dataset.ready = "1";
    hover(canvas, seen, (x, y) => { words.textContent = `x ${x}, y ${y}: ${showNumber(Number((levels[y * seen.width + x] / 255).toFixed(2)))} · ${told}`; });
  });
};
