// Which screen stands at which address; only one of them is in the document.
const screen = $("#screen"), summary = $("#summary");
const TITLE = document.title;

const copied = (name) => (root) => {
  const template = document.getElementById(`screen-${name}`);
  replace(root, template ? template.content.cloneNode(true) : h("h1", { text: "No such screen" }));
  // Long tables are made when they are opened.
  for (const inner of $$("details > template", root)) inner.parentElement.addEventListener("toggle", () => inner.replaceWith(inner.content.cloneNode(true)), { once: true });
};
/** The lanes that failed or were looked into. */
const diagnosisTabs = () => {
  const lanes = LANES.filter((lane) => lane.tone === "fail" || Number.isInteger(lane.diagnosis));
  return lanes.length > 1 && h("nav", { class: "tabs", "aria-label": "Lanes that failed" }, lanes.map((lane) =>
    h("a", { href: writeAddress({ screen: "diagnosis", subject: lane.id, q: here.q }), "aria-current": lane.id === here.subject ? "true" : null }, mini(lane.tone), ` ${lane.id}`, !Number.isInteger(lane.diagnosis) && h("span", { class: "quiet", text: " not diagnosed" }))));
};
const diagnosisScreen = (root) => {
  const number = laneOf.get(here.subject)?.diagnosis, lane = here.subject;
  // A diagnosis without a lane is the only one.
  const index = Number.isInteger(number) ? number : !lane && DATA.operations.length ? 0 : null;
  if (index === null) {
    return replace(root, h("h1", { text: "Not diagnosed" }), diagnosisTabs(), h("p", { text: laneOf.has(lane) ? `Nobody looked for a cause in ${lane}.` : `This run has no lane “${lane}”.` }),
      laneOf.has(lane) && h("p", {}, h("button", { type: "button", onclick: () => copy(diagnoseCommand(lane), "diagnose command") }, "Copy diagnose"), " ", h("code", { text: diagnoseCommand(lane) })));
  }
  copied(`diagnosis-${index}`)(root);
  $("h1", root)?.after(h("div", { class: "actions" }, h("button", { type: "button", onclick: () => copy(diagnoseCommand(lane), "diagnose command") }, "Copy diagnose")));
  const tabs = diagnosisTabs();
  if (tabs) $("h1", root).after(tabs);
  const holder = $(".operations .plot", root);
  if (holder) operationsPlot(holder, DATA.operations[index]);
};
const SCREENS = { __proto__: null, case: caseScreen, matrix: matrixScreen, checks: checksScreen, diagnosis: diagnosisScreen };
for (const name of ["lanes", "packages", "devices", "sensitivity", "trend", "environment"]) SCREENS[name] = copied(name);

const draw = () => {
  clearInterval(blinking);
  redraw = () => {};
  const isSummary = !(here.screen in SCREENS);
  summary.hidden = !isSummary;
  screen.hidden = isSummary;
  screen.className = here.screen;
  if (isSummary) replace(screen);
  else SCREENS[here.screen](screen);
  for (const link of $$("#screens a")) {
    const there = readAddress(link.hash);
    if (there.screen === here.screen) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = isSummary ? TITLE : `${here.subject || $("h1", screen)?.textContent || here.screen} · ${TITLE}`;
  drawRail();
  followRail();
  scrollRail();
};
const visit = () => {
  // The skip link's target is no screen.
  if (location.hash === drawn || (location.hash && !location.hash.startsWith("#/"))) return;
  drawn = location.hash;
  const before = here;
  here = readAddress();
  if (here.q !== before.q || !shown.cases.length) refilter();
  if ($("#query").value !== (here.q || "") && document.activeElement !== $("#query")) $("#query").value = here.q || "";
  draw();
  if (before.screen !== here.screen || before.subject !== here.subject) {
    scrollTo(0, 0);
    // A screen reader follows; who is in the list or in a field stays there.
    if (document.activeElement === document.body) $("#main").focus({ preventScroll: true });
  }
};
const copyLink = () => copy(location.href.replace(location.hash, "") + writeAddress(here), "link");
const filterBy = (text) => {
  amend({ q: text || undefined });
  refilter();
  rail.scrollTop = 0;
  if (["matrix", "checks"].includes(here.screen)) draw();
  else drawRail();
};
const toggleFailed = () => {
  const words = tokens(here.q || ""), without = words.filter((word) => word !== "s:fail");
  const text = (without.length < words.length ? without : [...words, "s:fail"]).join(" ");
  $("#query").value = text;
  filterBy(text);
};
