// Checks that decide by chance, and those that soon may.
const flakyPage = () => {
  const near = rows.filter((one) => one.room !== null && one.room > 0.9 && one.room <= 1);
  return [h("h1", {}, "Flaky"), h("p", { class: "quiet" }, "The same packages, goldens, judge, suite and machine, and another verdict: the check decides by chance."),
    data.flaky.length ? table("Checks that said different things of the same", ["Figure", "Case", "Lane", "#Turned", "Said", "Between"], data.flaky.map(([series, lane, label, of, statuses, , turned, values]) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/series/${series}` }, label)), h("td", {}, of || "all"), h("td", {}, lane), h("td", { class: "num" }, turned), h("td", {}, statuses.map(([status, count]) => [badge(STATUS.indexOf(status), `${status} ${count}`), " "])), h("td", { class: "num" }, values ? `${showNumber(values[0])} – ${showNumber(values[1])}` : MISSING))))
      : h("p", { class: "card" }, "No check said different things of the same."),
    near.length ? table("Near their limit: noise may turn them", ["Figure", "Lane", "#Last", "#Limit", "#Used"], near.map((one) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/series/${one.id}` }, one.label)), h("td", {}, one.lane), h("td", { class: "num" }, showFigure(one.judged, one.unit)), h("td", { class: "num" }, showFigure(one.bound, one.unit)), h("td", { class: "num" }, percent(one.room))))) : null];
};
