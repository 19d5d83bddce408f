// One case in one lane: pictures, every figure with its interval, limit and position, and what to do about it.
/** The unit stands with the value; beside it only what needs one to be read (KB and MB, ms and s). */
const beside = (unit) => (unit in BYTES || unit in SECONDS ? unit : "");
const FIGURES = ["Metric", "Value", "Golden", "Difference", "Limit", "Of limit", "Position"];
const figuresTable = (rows, caption) => {
  const names = rows.some((row) => row.trend) ? [...FIGURES, "Last runs"] : FIGURES;
  return h("table", { class: "figures" }, h("caption", { class: "hidden", text: caption }),
    h("thead", {}, h("tr", {}, names.map((name, i) => h("th", { scope: "col", class: i > 0 && i < 6 ? "num" : null, text: name })))),
    rows.map((row) => h("tbody", {},
      h("tr", {},
        h("th", { scope: "row" }, mini(row.status), " ", row.metric, row.component && h("span", { class: "quiet", text: ` ${row.component}` }), row.provisional && h("span", { class: "quiet", text: " provisional" })),
        h("td", { class: "num", text: showFigure(row.value, row.unit) }), h("td", { class: "num", text: showFigure(row.golden, beside(row.unit)) }),
        h("td", { class: "num" }, showFigure(row.difference, beside(row.unit), true), row.low !== null && h("span", { class: "quiet", text: ` in ${showInterval(row)}` })),
        h("td", { class: "num", text: showFigure(row.limit, beside(row.unit), row.onDifference) }), h("td", { class: "num strong", text: showPosition(row) }), h("td", {}, glyph(row)), names !== FIGURES && h("td", {}, row.trend && trendLine(row))),
      row.reason && h("tr", { class: "why" }, h("td", { colspan: names.length, text: row.reason })))));
};

/** The latents after a few steps: the teacher's above the candidate's, the error under each. */
const filmStrip = (film) => {
  if (!film) return null;
  const taught = film.frames.some((one) => one.teacher);
  const still = (picture, words) => (picture?.address ? h("img", { src: picture.address, alt: words, width: picture.width, height: picture.height, class: "pixelated" }) : h("span", { class: "no-still", text: picture?.words || "none" }));
  return h("section", { class: "film", "aria-label": "Film" }, h("h2", {}, "Latents on their way ", h("span", { class: "count", text: `of ${plural(film.total, "step")}${taught ? "; teacher above candidate, then how far they are apart, relative to the teacher" : ""}` })),
    film.frames.length > 0 && h("div", { class: "scroll plain strip", tabindex: "0", role: "region", "aria-label": "Latents after each recorded step" },
      film.frames.map((one) => h("figure", {}, taught && still(one.teacher, `the teacher's latents after step ${one.step}`), still(one.candidate, `the candidate's latents after step ${one.step}`),
        h("figcaption", {}, `step ${one.step}`, taught && h("br"), taught && h("b", { text: one.error === null || one.error === undefined ? MISSING : Number.isFinite(one.error) ? `${showNumber(Number((100 * one.error).toPrecision(3)))} %` : showNumber(one.error) }))))),
    [film.reason, film.colours && `Colours: ${film.colours}`].filter(Boolean).map((words) => h("p", { class: "quiet", text: words })));
};
const caseScreen = (root) => {
  const kase = caseOf.get(here.subject);
  if (!kase) return replace(root, h("h1", { text: "No such case" }), h("p", { text: `This run has no case “${here.subject}”.` }), h("p", {}, h("a", { href: "#/", text: "Summary" })));
  if (!kase.lanes.has(here.lane)) here = { ...here, lane: worstOf(kase.rows)?.lane || [...kase.lanes.keys()][0] };
  const lane = kase.lanes.get(here.lane), rows = kase.rows.filter((row) => row.lane === here.lane);
  const worst = worstOf(rows), bad = rows.filter((row) => !["pass", "not judged"].includes(row.status)), good = rows.filter((row) => !bad.includes(row));
  const stage = h("section", { class: "stage", "aria-label": "Pictures" });
  const diagnosis = laneOf.get(here.lane)?.diagnosis;
  replace(root,
    h("header", { class: "case-head" },
      h("h1", {}, kase.name, " ", worst && chip(worst.status)),
      kase.prompt && h("p", { class: "prompt", text: `“${kase.prompt}”` }),
      h("div", { class: "actions", role: "group", "aria-label": "What to do" },
        h("button", { type: "button", onclick: () => copy(reproduceCommand(kase.name, here.lane), "reproduce command") }, h("kbd", { "aria-hidden": "true", text: "r" }), " Reproduce"),
        h("button", { type: "button", onclick: () => copy(diagnoseCommand(here.lane, kase.name), "diagnose command") }, "Diagnose"),
        h("button", { type: "button", onclick: () => mark("y") }, h("kbd", { "aria-hidden": "true", text: "y" }), " Approve"),
        h("button", { type: "button", onclick: () => mark("n") }, h("kbd", { "aria-hidden": "true", text: "n" }), " Not"),
        h("button", { type: "button", onclick: copyLink }, h("kbd", { "aria-hidden": "true", text: "c" }), " Link"),
        Number.isInteger(diagnosis) && h("a", { href: writeAddress({ screen: "diagnosis", subject: here.lane, q: here.q }), text: "Cause" }))),
    laneTabs(kase), stage,
    h("section", { "aria-label": "Figures" },
      bad.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Figures that did not pass" }, figuresTable(bad, "Figures that did not pass")) : h("p", { class: "quiet", text: rows.length ? "Every check passed here." : "No check of this case in this lane." }),
      good.length > 0 && h("details", { open: !bad.length }, h("summary", { text: plural(good.length, "check that passed", "checks that passed") }), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Figures that passed" }, figuresTable(good, "Figures that passed")))),
    filmStrip(lane?.film),
    h("section", { "aria-label": "Settings" }, pairs([...kase.settings, ...(lane?.seconds ? [["generated in", lane.seconds]] : []), ...(lane?.facts || [])])));
  drawStage(stage, kase, here.lane);
};
const laneTabs = (kase) =>
  h("nav", { class: "tabs", "aria-label": "Lanes of this case" },
    [...kase.lanes.keys()].map((id) => {
      const worst = worstOf(kase.rows.filter((row) => row.lane === id));
      return h("a", { href: writeAddress({ ...here, screen: "case", subject: kase.name, lane: id }), "aria-current": id === here.lane ? "true" : null }, worst && mini(worst.status), ` ${id}`);
    }),
    LANES.some((lane) => lane.state === "skipped") && h("span", { class: "quiet", text: `${plural(LANES.filter((lane) => lane.state === "skipped").length, "lane")} of other machines or not run` }));
/** The next or the previous lane of the case. */
const stepLane = (by) => {
  const ids = [...(caseOf.get(here.subject)?.lanes.keys() || [])], next = ids.indexOf(here.lane) + by;
  if (ids[next]) goTo({ ...here, lane: ids[next] });
  else say(by > 0 ? "the last lane" : "the first lane");
};
