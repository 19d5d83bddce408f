// Where a figure moved to another level.
const eventCard = (one) => h("section", { class: `card event ${one.size > 0 ? "" : "good"}` },
  h("h2", {}, h("a", { href: `#/series/${one.series}` }, one.changes[0][1]), one.changes.length + one.more > 1 ? ` and ${one.changes.length + one.more - 1} more` : "", h("span", { class: one.size > 0 ? "worse" : "better" }, ` ${signed(one.size)} ${one.size > 0 ? "worse" : "better"}`), ` in ${one.lane}`),
  h("p", { class: "quiet" }, `run ${one.run + 1} · ${minute(one.when)} · `, h("code", {}, one.range), " ", h("button", { click: (event) => copy(`git log ${one.range}`, event.currentTarget) }, "Copy git log")),
  one.marks.length ? h("p", {}, "Coincides with ", one.marks.map(([kind, words]) => h("span", { class: "tag" }, h("b", {}, LETTER[kind]), ` ${words}`))) : null,
  one.same ? h("p", { class: "quiet" }, "The packages are the same on both sides: the machine, or what else ran on it.") : null,
  h("ul", { class: "steps" }, one.changes.map(([series, label, old, next, unit, size, limit, moved, of]) => h("li", {}, h("a", { href: `#/series/${series}` }, label), ` ${showFigure(old, unit)} → ${showFigure(next, unit)} `, h("span", { class: size > 0 ? "worse" : "better" }, signed(size)), ` of ${limit ? "its limit" : "itself"}`, of ? h("span", { class: "quiet" }, ` · ${moved} of ${of} cases moved with it`) : ""))),
  one.more ? h("p", { class: "quiet" }, `and ${one.more} more figures`) : null);
const changesPage = () => {
  const body = h("div", {}), times = events.filter((one) => one.times);
  const box = h("input", { type: "checkbox", checked: times.length === events.length, change: () => draw() });
  const draw = () => {
    const shown = events.filter((one) => box.checked || !one.times);
    body.replaceChildren(...(shown.length ? shown.map(eventCard) : [h("p", { class: "card" }, data.main < 6 ? `No change can be told from ${plural(data.main, "run")} yet: it takes three on each side.` : "No figure changed its level.")]));
  };
  draw();
  return [h("h1", {}, "Changes"), h("p", { class: "quiet" }, "Where a figure moved to another level and stayed there for three runs at least, measured against its own noise and confirmed on the cases. ", h("a", { href: "changes.atom" }, "Atom feed")),
    times.length && times.length < events.length ? h("div", { class: "tools" }, h("label", { class: "check" }, box, `also the ${times.length} of times and memory alone`)) : null, body];
};
