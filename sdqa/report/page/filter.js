// One filter: words are AND-ed, "two words" stay together, -word leaves out, key:a,b means a or b, * stands for anything.
const KEYS = {
  __proto__: null, // a word of the reader's is looked up in it
  s: (row) => row.status, status: (row) => row.status, lane: (row) => row.lane, m: (row) => row.metric, metric: (row) => row.metric,
  case: (row) => row.case, component: (row) => row.component,
};
const tokens = (text) => text.match(/-?(?:[\w]+:)?(?:"[^"]*"?|[^\s"]+)+/g) || [];
const unquoted = (text) => text.replace(/"/g, "").toLowerCase();

/** Whether a text fits a word: as a part of it, or from end to end where the word has a star. */
const fits = (word) => {
  if (!word.includes("*")) return (text) => text.toLowerCase().includes(word);
  const pattern = new RegExp(`^${word.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "s");
  return (text) => pattern.test(text.toLowerCase());
};
const bareText = (row) => [row.case, caseOf.get(row.case)?.prompt || "", row.lane, row.metric, row.component, row.reason, row.check];

/** A filter's text as tests of a row, what it asks of the worst cases, and the words that nobody understands. */
const parseFilter = (text) => {
  const tests = [];
  let worse = null;
  for (const token of tokens(text)) {
    const negative = token.startsWith("-") && token.length > 1;
    const [, key, value] = token.slice(negative ? 1 : 0).match(/^(?:(\w+):)?(.*)$/s);
    if (key === "worse" && /^\d+(\.\d+)?%?$/.test(value)) { worse = value; continue; }
    const words = (key && (KEYS[key] || key === "tag") ? unquoted(value) : unquoted(key ? `${key}:${value}` : value)).split(key ? "," : /$^/).filter(Boolean);
    if (!words.length) continue;
    // A status is named whole: "pass" is not a part of anything else.
    const found = words.map((word) => (KEYS[key] === KEYS.s ? (one) => one.startsWith(word) : fits(word)));
    const any = (texts) => found.some((fit) => texts.some(fit));
    const test = key === "tag" ? (row) => any(caseOf.get(row.case)?.tags || []) : KEYS[key] ? (row) => any([KEYS[key](row)]) : (row) => any(bareText(row));
    tests.push(negative ? (row) => !test(row) : test);
  }
  return { tests, worse };
};

/** What a filter shows: rows, and cases with those of their rows, the worst first. */
const applyFilter = (text) => {
  const { tests, worse } = parseFilter(text || "");
  const rows = ROWS.filter((row) => tests.every((test) => test(row)));
  const byCase = new Map();
  for (const row of rows) {
    if (!caseOf.has(row.case)) continue;
    const entry = byCase.get(row.case);
    if (entry) entry.rows.push(row);
    else byCase.set(row.case, { case: caseOf.get(row.case), rows: [row] });
  }
  // A case without a verdict is in no row, but it has pictures to look at.
  if (!tests.length) for (const one of CASES) if (!byCase.has(one.name)) byCase.set(one.name, { case: one, rows: [] });
  let cases = [...byCase.values()];
  for (const entry of cases) entry.worst = worstOf(entry.rows);
  cases.sort((one, other) => (one.worst && other.worst ? byRank(one.worst, other.worst) : !one.worst - !other.worst) || one.case.order - other.case.order);
  if (worse !== null) {
    cases = cases.slice(0, worse.endsWith("%") ? Math.ceil((cases.length * parseFloat(worse)) / 100) : Number(worse));
    const kept = new Set(cases.map((entry) => entry.case.name));
    return { rows: rows.filter((row) => kept.has(row.case)), cases };
  }
  return { rows, cases };
};

const quoted = (word) => (/[\s",]/.test(word) ? `"${word.replace(/"/g, "")}"` : word);
/** What the last word may become. */
const completions = (text) => {
  const [, before, last] = text.match(/^(.*?)(\S*)$/s);
  const [, sign, key, value] = last.match(/^(-?)(?:(\w+):)?(.*)$/s);
  const known = { __proto__: null, s: DATA.statuses, status: DATA.statuses, lane: LANES.map((lane) => lane.id), m: DATA.metrics, metric: DATA.metrics, component: DATA.components, case: CASES.map((one) => one.name) };
  const offered = key ? (known[key] || []).map((one) => `${key}:${quoted(one)}`) : ["s:fail", "s:suspicious", "lane:", "m:", "case:", "component:", "worse:10%"];
  return offered.filter((one) => one !== `${key}:` && one.toLowerCase().startsWith((key ? `${key}:${value}` : value).toLowerCase())).slice(0, 30).map((one) => before + sign + one);
};

let shown = { rows: [], cases: [] };
const refilter = () => {
  shown = applyFilter(here.q);
  const all = ROWS.length === shown.rows.length;
  $("#found").textContent = all ? plural(ROWS.length, "check") : `${shown.rows.length.toLocaleString("en")} of ${plural(ROWS.length, "check")}, ${plural(shown.cases.length, "case")}`;
};
