// The difference of two pictures, computed here from their pixels: how much, where, and as colours with a gain.
const TILES = 8; // as the metric tile_psnr has them
const RAMP = [[0, 0, 4], [51, 16, 104], [136, 34, 106], [203, 65, 73], [247, 131, 18], [250, 214, 78], [252, 255, 220]];
const COLOURS = Array.from({ length: 256 }, (_, level) => {
  const at = (level / 255) * (RAMP.length - 1), from = Math.min(Math.floor(at), RAMP.length - 2);
  return RAMP[from].map((start, i) => Math.round(start + (RAMP[from + 1][i] - start) * (at - from)));
});

const loaded = new Map();
/** A picture as an image element, decoded; null where it cannot be loaded. */
const load = (picture) => {
  if (!picture?.address) return Promise.resolve(null);
  if (!loaded.has(picture)) {
    if (loaded.size > 40) loaded.clear();
    const image = new Image();
    image.src = picture.address;
    loaded.set(picture, image.decode().then(() => image, () => null));
  }
  return loaded.get(picture);
};
/** The pixels, 4 bytes each; null where the browser keeps them (a page from a disk may not read the files beside it). */
const pixelsOf = (image) => {
  const canvas = h("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  try { return context.getImageData(0, 0, canvas.width, canvas.height); } catch { return null; }
};

/** What differs between two pictures, or words for why that cannot be said. */
const compare = async (one, other) => {
  if (!one?.address || !other?.address) return { words: "nothing to compare with: a picture is missing" };
  const images = await Promise.all([load(one), load(other)]);
  if (!images[0] || !images[1]) return { words: "a picture could not be loaded" };
  if (images[0].naturalWidth !== images[1].naturalWidth || images[0].naturalHeight !== images[1].naturalHeight)
    return { words: `the sizes differ: ${one.width} × ${one.height} and ${other.width} × ${other.height}` };
  const [a, b] = images.map(pixelsOf);
  if (!a || !b) return { images, words: "no figures: a page opened from a disk may show the files beside it and not read them (sdqa report --single-file)" };
  const { width, height } = a, levels = new Uint8Array(width * height);
  let largest = 0, sum = 0, differing = 0;
  const energy = new Float64Array(TILES * TILES), sizes = new Float64Array(TILES * TILES);
  for (let y = 0, i = 0; y < height; y += 1) {
    const down = Math.min(TILES - 1, Math.floor((y * TILES) / height)) * TILES;
    for (let x = 0; x < width; x += 1, i += 1) {
      const p = 4 * i, red = Math.abs(a.data[p] - b.data[p]), green = Math.abs(a.data[p + 1] - b.data[p + 1]), blue = Math.abs(a.data[p + 2] - b.data[p + 2]);
      const level = Math.max(red, green, blue);
      levels[i] = level;
      sum += red + green + blue;
      if (level) differing += 1;
      if (level > largest) largest = level;
      const tile = down + Math.min(TILES - 1, Math.floor((x * TILES) / width));
      energy[tile] += red * red + green * green + blue * blue;
      sizes[tile] += 1;
    }
  }
  let worst = 0;
  for (let tile = 1; tile < energy.length; tile += 1) if (energy[tile] / (sizes[tile] || 1) > energy[worst] / (sizes[worst] || 1)) worst = tile;
  const mean = sum / (3 * width * height);
  const lossy = one.lossy || other.lossy ? "; one is compressed for this page (WebP), so small differences are not the model's" : "";
  const words = largest
    ? `largest ${largest} of 255, mean ${showNumber(mean)}, ${showNumber((100 * differing) / levels.length)} % of the pixels differ${lossy}`
    : "identical, every pixel";
  return { width, height, levels, largest, mean, words, tile: largest ? { x: worst % TILES, y: Math.floor(worst / TILES) } : null };
};

/** The largest channel, times a gain, as colours: of a canvas whose pixels nobody may read, on its way to the screen. */
const heatFilter = (gain) => {
  const channel = (place) => `${`${[0, 1, 2, 3, 4].map((i) => Number(i === place)).join(" ")} `.repeat(3)}0 0 0 0 1`;
  const parts = (make) => ["R", "G", "B"].map((name, place) => s(`feFunc${name}`, make(place)));
  $("#heat-filter")?.remove();
  document.body.append(s("svg", { id: "heat-filter", width: 0, height: 0, "aria-hidden": "true", class: "hidden" },
    s("filter", { id: `heat-${gain}`, "color-interpolation-filters": "sRGB", x: 0, y: 0, width: 1, height: 1 },
      [0, 1, 2].map((place) => s("feColorMatrix", { in: "SourceGraphic", type: "matrix", values: channel(place), result: `channel${place}` })),
      s("feBlend", { in: "channel0", in2: "channel1", mode: "lighten", result: "two" }), s("feBlend", { in: "two", in2: "channel2", mode: "lighten" }),
      s("feComponentTransfer", {}, parts(() => ({ type: "linear", slope: gain }))),
      s("feComponentTransfer", {}, parts((place) => ({ type: "table", tableValues: RAMP.map((colour) => (colour[place] / 255).toFixed(4)).join(" ") }))))));
  return `url("#heat-${gain}")`;
};

/** Paint a difference into a canvas. */
const paint = (canvas, found, gain) => {
  if (found.images) {
    [canvas.width, canvas.height] = [found.images[0].naturalWidth, found.images[0].naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(found.images[0], 0, 0);
    context.globalCompositeOperation = "difference";
    context.drawImage(found.images[1], 0, 0);
    canvas.style.filter = heatFilter(gain);
    return;
  }
  [canvas.width, canvas.height] = [found.width, found.height];
  const context = canvas.getContext("2d"), image = context.createImageData(found.width, found.height);
  found.levels.forEach((level, i) => {
    const [red, green, blue] = COLOURS[Math.min(255, level * gain)];
    image.data.set([red, green, blue, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
};
const colourBar = () => {
  const canvas = h("canvas", { width: 256, height: 1, class: "colours", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  COLOURS.forEach(([red, green, blue], level) => { context.fillStyle = `rgb(${red} ${green} ${blue})`; context.fillRect(level, 0, 1, 1); });
  return canvas;
};
