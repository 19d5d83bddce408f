// Hands: keys, the filter field, and the start.
const help = $("#help"), query = $("#query");
const back = () => {
  if ($("#rail").classList.contains("open")) return toggleRail(false);
  if (here.screen !== "summary") goTo({ screen: "summary", subject: "" });
};
const toggleRail = (open) => {
  rail.classList.toggle("open", open);
  $("#rail-toggle").setAttribute("aria-expanded", String(rail.classList.contains("open")));
  drawRail();
};
const inCase = (action) => () => (here.screen === "case" ? action() : say("open a case first"));
const ACTIONS = {
  j: () => step(1), ArrowRight: () => step(1), k: () => step(-1), ArrowLeft: () => step(-1),
  ArrowDown: () => here.screen === "case" && (stepLane(1), true), ArrowUp: () => here.screen === "case" && (stepLane(-1), true),
  z: inCase(nextZoom), "[": inCase(() => setGain(gainNow / 2)), "]": inCase(() => setGain(gainNow * 2)),
  f: toggleFailed, "/": () => { query.focus(); query.select(); }, c: copyLink,
  r: inCase(() => copy(reproduceCommand(here.subject, here.lane), "reproduce command")),
  y: () => mark("y"), n: () => mark("n"), a: copyApproval, "?": () => help.showModal(), Escape: back,
};
MODES.forEach(([name], i) => { ACTIONS[String(i + 1)] = inCase(() => setMode(name)); });

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const at = event.target, typing = at.matches?.("input:not([type=checkbox]):not([type=range]), textarea, select");
  if (typing) {
    if (event.key === "Escape" || (event.key === "Enter" && at === query)) { at.blur(); event.preventDefault(); }
    return;
  }
  // Arrows belong to what has the focus where that moves by them.
  if (event.key.startsWith("Arrow") && (at.matches?.("input") || at.closest?.(".scroll"))) return;
  const action = ACTIONS[event.key];
  if (action && action() !== false) event.preventDefault();
});
query.addEventListener("input", () => {
  filterBy(query.value.trim());
  replace($("#completions"), completions(query.value).map((value) => h("option", { value })));
});
$("#filter").addEventListener("submit", (event) => event.preventDefault());
$("#help-open").addEventListener("click", () => help.showModal());
$("#rail-toggle").addEventListener("click", () => toggleRail());
// On a narrow screen a chosen case closes the list.
rail.addEventListener("click", (event) => event.target.closest("a") && toggleRail(false));
addEventListener("hashchange", visit);
addEventListener("resize", drawRail);

const actions = h("div", { class: "actions", role: "group", "aria-label": "Commands" },
  LANES.some((lane) => lane.tone === "fail") && h("button", { type: "button", onclick: () => copy(LANES.filter((lane) => lane.tone === "fail").map((lane) => `sdqa qa ${option("--lane", lane.id)}${planted()}`).join("; "), "reproduce command") }, "Copy reproduce"),
  LANES.some((lane) => lane.tone === "fail") && h("button", { type: "button", onclick: () => copy(LANES.filter((lane) => lane.tone === "fail").map((lane) => diagnoseCommand(lane.id)).join("; "), "diagnose command") }, "Copy diagnose"),
  h("button", { type: "button", onclick: copyApproval }, "Copy approve"),
  CASES.length > 0 && h("span", { class: "quiet" }, h("kbd", { text: "j" }), " opens the worst case, ", h("kbd", { text: "?" }), " shows the keys"));
$(".verdict .said").append(actions);
for (const place of ["#screens", "#filter", "#rail"]) $(place).hidden = false;
replace(rail, railList);
query.value = here.q || "";
refilter();
drawMarks();
draw();
