// The small charts of a row: a difference with its interval around the golden, or a figure against its limit.
const WIDE = 168, HIGH = 22;
const line = (x1, y1, x2, y2, css) => s("line", { x1: x1.toFixed(1), y1: y1.toFixed(1), x2: x2.toFixed(1), y2: y2.toFixed(1), class: css });
const rect = (x, y, width, height, css) => s("rect", { x: x.toFixed(1), y, width: Math.max(width, 0).toFixed(1), height, class: css });
const svgChart = (label, css, ...body) => s("svg", { class: `chart ${css}`, viewBox: `0 0 ${WIDE} ${HIGH}`, width: WIDE, height: HIGH, role: "img", "aria-label": label }, ...body);
const drawable = (value) => value !== null && Math.abs(value) < 1e100;
const whisker = (low, high, y) => (drawable(low) && drawable(high) ? [line(low, y, high, y, "whisker"), line(low, y - 4, low, y + 4, "whisker"), line(high, y - 4, high, y + 4, "whisker")] : []);

const glyph = (row) => {
  if (row.hard) return null;
  return row.onDifference ? differenceGlyph(row) : limitGlyph(row);
};
/** The golden is at 0; what lies beyond the limit is shaded. */
const differenceGlyph = (row) => {
  const known = [row.difference, row.low, row.high, row.limit].filter(drawable);
  if (!drawable(row.difference)) return null;
  const reach = Math.max(...known.map(Math.abs)) * 1.15 || 1;
  const x = (value) => WIDE / 2 + (value / reach) * (WIDE / 2 - 3);
  const sides = row.limit === null ? [] : row.better === "higher" ? [[row.limit, -1]] : row.better === "lower" ? [[row.limit, 1]] : [[-Math.abs(row.limit), -1], [Math.abs(row.limit), 1]];
  return svgChart(`difference ${showFigure(row.difference, row.unit, true)}, limit ${showLimit(row)}`, "glyph",
    line(2, HIGH / 2, WIDE - 2, HIGH / 2, "axis"),
    sides.flatMap(([value, side]) => [
      side > 0 ? rect(x(value), 2, WIDE - 2 - x(value), HIGH - 4, "beyond") : rect(2, 2, x(value) - 2, HIGH - 4, "beyond"),
      line(x(value), 2, x(value), HIGH - 2, "limit"),
    ]),
    line(WIDE / 2, 4, WIDE / 2, HIGH - 4, "zero"),
    whisker(row.low === null ? null : x(row.low), row.high === null ? null : x(row.high), HIGH / 2),
    s("circle", { cx: x(row.difference).toFixed(1), cy: HIGH / 2, r: 3.5, class: "point" }));
};
/** The last runs of a check and this one, the newest at the right; the limit where it lies among them. */
const trendLine = ({ trend, unit, onDifference, limit, status }) => {
  const wide = 96, values = [...trend.marks].map((mark) => (mark === "." ? null : (mark.charCodeAt(0) - 48) / 40));
  const x = (at) => 4 + ((wide - 8) * at) / (values.length - 1), y = (share) => 3 + (HIGH - 6) * (1 - share);
  const known = values.flatMap((share, at) => (share === null ? [] : [`${x(at).toFixed(1)} ${y(share).toFixed(1)}`]));
  const span = trend.high - trend.low, edge = limit !== null && span > 0 ? (limit - trend.low) / span : -1, last = values[values.length - 1];
  const shown = (value) => showFigure(value, unit, onDifference);
  const words = `${plural(trend.runs, "run")} between ${shown(trend.low)} and ${shown(trend.high)}; ${shown(trend.before)} before this one`;
  return s("svg", { class: "chart trend", viewBox: `0 0 ${wide} ${HIGH}`, width: wide, height: HIGH, role: "img", "aria-label": words }, s("title", { text: words }),
    edge >= 0 && edge <= 1 && line(2, y(edge), wide - 2, y(edge), "limit"), s("path", { d: `M${known.join("L")}`, class: "past" }),
    last !== null && s("circle", { cx: x(values.length - 1).toFixed(1), cy: y(last).toFixed(1), r: 3, class: status === "fail" ? "point bad" : "point" }));
};
const limitGlyph = (row) => {
  if (!drawable(row.value) || !drawable(row.limit) || Math.min(row.value, row.limit) < 0) return null;
  const reach = Math.max(row.value, row.limit, row.high || 0) * 1.15 || 1;
  const x = (value) => 2 + (Math.max(value, 0) / reach) * (WIDE - 4);
  const over = ["higher", "equal"].includes(row.better) ? row.value < row.limit : row.value > row.limit;
  return svgChart(`${showFigure(row.value, row.unit)}, limit ${showLimit(row)}`, "glyph",
    rect(2, 7, WIDE - 4, HIGH - 14, "track"), rect(2, 7, x(row.value) - 2, HIGH - 14, over ? "bar bad" : "bar"),
    whisker(row.low === null ? null : x(row.low), row.high === null ? null : x(row.high), HIGH / 2),
    line(x(row.limit), 2, x(row.limit), HIGH - 2, "limit"));
};
