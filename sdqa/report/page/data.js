// The data island as objects: rows (checks), cases with the worst first, lanes in the order of the run.
const DATA = JSON.parse($("#data").textContent);
const figure = (value) => (typeof value === "string" ? Number(value) : value);
const SEVERITY = { fail: 0, "not measured": 1, suspicious: 2, "not judged": 3, pass: 4 };
const [PROVISIONAL, ON_DIFFERENCE, HARD] = [1, 2, 4];

const LANES = DATA.lanes;
const laneOf = new Map(LANES.map((lane) => [lane.id, lane]));
const ROWS = DATA.rows.map((cells, number) => {
  const [lane, kase, component, metric, status, unit, better, flags, ...rest] = cells;
  const [value, golden, difference, low, high, limit, position, used] = rest.slice(0, 8).map(figure);
  const row = {
    number, lane: DATA.laneNames[lane], case: DATA.caseNames[kase], component: DATA.components[component],
    metric: DATA.metrics[metric], status: DATA.statuses[status], unit: DATA.units[unit], better: DATA.betters[better],
    provisional: Boolean(flags & PROVISIONAL), onDifference: Boolean(flags & ON_DIFFERENCE), hard: Boolean(flags & HARD),
    value, golden, difference, low, high, limit, position, used, n: rest[8], reason: DATA.reasons[rest[9]],
  };
  row.check = rest[10] || `${row.lane}/${row.case || row.component || "all"}/${row.metric}`;
  return row;
});
for (const [number, low, high, marks, before, runs] of DATA.trends) ROWS[number].trend = { low, high, marks, before, runs };
const byRank = (one, other) => SEVERITY[one.status] - SEVERITY[other.status] || (other.position > one.position) - (other.position < one.position);
/** What stands in the markup already is not sent twice. */
const PICTURES = DATA.pictures.map(([address = "", width = 0, height = 0, words = "", lossy = 0, small = ""]) => ({
  address, width, height, words, lossy: Boolean(lossy), small,
}));
{
  const standing = new Map();
  const order = PICTURES.filter((one) => one.address.startsWith("#"));
  const images = $$("#summary img").filter((image) => image.src.startsWith("data:"));
  for (const one of order) standing.set(one.address, one);
  for (const image of images) {
    const one = standing.get(`#${image.dataset.digest}`);
    if (one) one.address = image.src;
  }
}
const filmOf = (film) => ({ ...film, frames: film.frames.map(([step, timestep, teacher, candidate, error]) => ({ step, timestep: figure(timestep), teacher: PICTURES[teacher], candidate: PICTURES[candidate], error: figure(error) })) });
const flipOf = ([address, width, height, mean, largest]) => ({ address, width, height, mean, largest });
const CASES = DATA.cases.map((one, order) => {
  const lanes = new Map(one.lanes.map((lane) => [
    lane.lane,
    { ...lane, flip: lane.flip && flipOf(lane.flip), film: lane.film && filmOf(lane.film), pictures: Object.fromEntries(Object.entries(lane.pictures).map(([kind, number]) => [kind, PICTURES[number]])) },
  ]));
  const tags = one.settings.filter(([name]) => name === "tags").flatMap(([, value]) => value.toLowerCase().split(", "));
  return { ...one, order, lanes, tags, rows: [] };
});
const caseOf = new Map(CASES.map((one) => [one.name, one]));
for (const row of ROWS) if (row.case && caseOf.has(row.case)) caseOf.get(row.case).rows.push(row);
for (const one of CASES) one.rows.sort(byRank);
const worstOf = (rows) => rows.reduce((worst, row) => (worst && byRank(worst, row) <= 0 ? worst : row), undefined);
