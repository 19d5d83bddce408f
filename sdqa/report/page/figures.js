// Figures as people read them: the same notation as sdqa/report/format.py, which a test holds them to.
const MISSING = "—";
const BYTES = { __proto__: null, B: 1, byte: 1, bytes: 1, KB: 1e3, MB: 1e6, GB: 1e9 };
const SECONDS = { __proto__: null, s: 1, seconds: 1, ms: 1e-3 };

const showNumber = (value, signed = false) => {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 ? "−" : signed && value > 0 ? "+" : "";
  const size = Math.abs(value);
  if (size === Infinity) return `${sign}∞`;
  if (size === 0) return "0";
  if (size >= 1e7 || size < 1e-4) {
    const [mantissa, exponent] = size.toExponential(2).split("e");
    return `${sign}${mantissa}e${exponent.replace("+", "").replace("-", "−")}`;
  }
  let decimals = Math.min(Math.max(0, 3 - Math.floor(Math.log10(size))), 6);
  let text = size.toFixed(decimals);
  while (size < 1 && Number(text) === 1 && decimals < 8) text = size.toFixed(++decimals);
  let [whole, part = ""] = text.split(".");
  part = part.replace(/0+$/, "");
  whole = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return sign + whole + (part ? `.${part}` : "");
};
const showBytes = (count, signed) => {
  for (const [unit, scale] of [["GB", 1e9], ["MB", 1e6], ["KB", 1e3]])
    if (Math.abs(count) >= scale) return `${showNumber(count / scale, signed)} ${unit}`;
  return `${showNumber(count, signed)} B`;
};
const showSeconds = (seconds, signed) => {
  const size = Math.abs(seconds);
  if (size < 1) return `${showNumber(seconds * 1000, signed)} ms`;
  if (size < 60) return `${showNumber(seconds, signed)} s`;
  const floor = Math.floor(size), whole = size - floor === 0.5 ? floor + (floor % 2) : Math.round(size); // half to even
  const sign = seconds < 0 ? "−" : signed ? "+" : "";
  return `${sign}${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
};
const showFigure = (value, unit = "", signed = false) => {
  if (value === null || value === undefined || !Number.isFinite(value)) return showNumber(value, signed);
  if (unit in BYTES) return showBytes(value * BYTES[unit], signed);
  if (unit in SECONDS) return showSeconds(value * SECONDS[unit], signed);
  return `${showNumber(value, signed)} ${unit}`.trimEnd();
};
const showInterval = (row) =>
  row.low === null ? MISSING : `[${showFigure(row.low, row.unit, row.onDifference)}, ${showFigure(row.high, row.unit, row.onDifference)}]`;
const showLimit = (row) => (row.limit === null ? MISSING : showFigure(row.limit, row.unit, row.onDifference));
const plural = (count, noun, nouns) => `${count.toLocaleString("en")} ${count === 1 ? noun : nouns || `${noun}s`}`;
/** How much of its tolerance a check uses: 100 % is the limit; beyond ten limits, how many. At a floor, how far from it. */
const showPosition = (row) => {
  if (row.hard || row.limit === null || row.value === null) return "";
  if (!Number.isFinite(row.value)) return "not finite";
  if (row.used === null) {
    if (row.onDifference || !["higher", "lower"].includes(row.better)) return "";
    const beyond = row.better === "lower" ? row.value > row.limit : row.value < row.limit;
    return `${showFigure(Math.abs(row.value - row.limit), row.unit)} ${beyond ? "beyond" : "within"}`;
  }
  const percent = 100 * row.used;
  if (percent >= 1000) return `× ${showNumber(Number(row.used.toPrecision(3)))}`;
  return `${showNumber(Math.abs(percent) >= 10 ? Math.round(percent) : Number(percent.toFixed(1)))} %`;
};
