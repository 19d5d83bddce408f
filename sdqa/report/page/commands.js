// Commands to copy: what runs a case again, what looks for its cause, what approves the marked ones.
/** A word for a POSIX shell: quoted where it has to be, so that no name can be read as anything else. */
const shell = (word) => {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!/[\x00-\x1f\x7f-\x9f]/.test(word)) return `'${word.replace(/'/g, "'\\''")}'`;
  const bytes = [...new TextEncoder().encode(word)];
  return `$'${bytes.map((byte) => (byte > 31 && byte < 127 && byte !== 39 && byte !== 92 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`)).join("")}'`;
};
const option = (name, value) => (value.startsWith("-") ? `${name}=${shell(value)}` : `${name} ${shell(value)}`);
const planted = () => (DATA.fault ? ` ${option("--fault", DATA.fault)}` : "");

/** pytest's -k knows no quotes: the slashes of a test's name keep `cat` from meaning `cat-2`. */
const reproduceCommand = (name, lane) => `sdqa qa ${option("--lane", lane)}${planted()}${/^[\w.+-]+$/.test(name) ? ` -k /${name}/` : ""}`;
const diagnoseCommand = (lane, name) => `sdqa diagnose ${option("--lane", lane)}${name ? ` ${option("--case", name)}` : ""}${planted()}`;

const MARKS_KEY = `sdqa-marks-${DATA.identity}`;
const remembered = () => { try { return JSON.parse(sessionStorage.getItem(MARKS_KEY) || "{}"); } catch { return {}; } };
const marks = { cases: new Map(Object.entries(remembered().cases || {})), reason: remembered().reason || "" };
const markKey = (name, lane) => JSON.stringify([lane, name]);
const remember = () => { try { sessionStorage.setItem(MARKS_KEY, JSON.stringify({ cases: Object.fromEntries(marks.cases), reason: marks.reason })); } catch { /* kept while the page is open */ } };

/** One command for each lane that something was approved in; several lanes are joined by &&. */
const approveCommand = () => {
  const lanes = new Map();
  for (const [key, said] of marks.cases) {
    const [lane, name] = JSON.parse(key);
    if (said === "y") lanes.set(lane, [...(lanes.get(lane) || []), name]);
  }
  const several = LANES.filter((lane) => lane.state !== "skipped").length > 1;
  return [...lanes].map(([lane, names]) =>
    `sdqa approve ${several ? `${option("--lane", lane)} ` : ""}${names.map((name) => option("--case", name)).join(" ")} --reason ${marks.reason ? shell(marks.reason) : '"…"'}`).join(" && ");
};
const mark = (said) => {
  if (here.screen !== "case") return say("open a case to mark it");
  const key = markKey(here.subject, here.lane);
  if (marks.cases.get(key) === said) marks.cases.delete(key);
  else marks.cases.set(key, said);
  remember();
  drawMarks();
  drawRail();
  const now = marks.cases.get(key);
  say(now === "y" ? `${here.subject}: to be approved` : now === "n" ? `${here.subject}: not to be approved` : `${here.subject}: no mark`);
};
const copyApproval = () => (approveCommand() ? copy(approveCommand(), "approve command") : say("nothing is marked: y marks a case"));

/** What is marked, the reason, and the command. */
const drawMarks = () => {
  const bar = $("#marks");
  bar.hidden = !marks.cases.size;
  if (bar.hidden) return replace(bar);
  const count = (said) => [...marks.cases.values()].filter((one) => one === said).length;
  const words = `${count("y")} to approve, ${count("n")} not`;
  if (bar.childElementCount) { $(".marked", bar).textContent = words; $("code", bar).textContent = approveCommand(); return; }
  replace(bar,
    h("span", { class: "marked", text: words }),
    h("label", {}, "Reason ", h("input", { value: marks.reason, placeholder: "why", oninput: (event) => { marks.reason = event.target.value; remember(); $("code", bar).textContent = approveCommand(); } })),
    h("button", { type: "button", class: "primary", onclick: copyApproval }, "Copy approve"),
    h("button", { type: "button", onclick: () => { marks.cases.clear(); remember(); drawMarks(); drawRail(); } }, "Clear"),
    h("code", { text: approveCommand() }));
};
