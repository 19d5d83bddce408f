// The audit log as a timeline.
const goldensPage = async () => {
  const { entries, problems } = await load("goldens");
  const body = h("div", {});
  const draw = (words) => {
    const fit = entries.filter((one) => !words || `${one.subject} ${one.reason} ${one.who} ${one.model}`.toLowerCase().includes(words));
    body.replaceChildren(fit.length ? h("ol", { class: "time" }, fit.slice(0, 120).map((one) => h("li", {}, h("div", { class: "card" },
      h("p", {}, h("b", {}, `${one.model}/${one.subject}`), " ", h("span", { class: "tag" }, one.first ? "first recorded" : "renewed")),
      h("p", {}, one.reason || "no reason given"), h("p", { class: "quiet" }, `${minute(one.date)} · ${one.who || "unknown"} · ${one.before ? `${one.before} → ` : ""}${one.after}`),
      one.worse.length ? h("p", {}, h("b", { class: "worse" }, "got worse: "), one.worse.slice(0, 3).join("; ")) : null, one.worse.length > 3 ? h("details", {}, h("summary", { class: "quiet" }, `and ${one.worse.length - 3} more figures`), h("ul", { class: "quiet" }, one.worse.slice(3).map((words) => h("li", {}, words)))) : null, one.diagnosis ? h("p", { class: "quiet" }, one.diagnosis) : null,
      one.pictures.some(Boolean) ? h("div", { class: "pictures" }, one.pictures.map((picture, at) => picture ? h("figure", {}, h("img", { src: picture, alt: `${one.subject} ${at ? "after" : "before"}`, loading: "lazy" }), h("figcaption", {}, at ? "after" : "before")) : null)) : null))))
      : h("p", { class: "card" }, entries.length ? "No entry fits." : data.goldens ? "The audit log has no entry." : "Build the site beside a folder of goldens, or name it with --goldens, to see their audit log here."),
    fit.length > 120 ? h("p", { class: "quiet" }, `${fit.length - 120} older entries: filter to see them.`) : "");
  };
  draw("");
  return [h("h1", {}, "Goldens"), h("p", { class: "quiet" }, "Who changed which reference, when and why; each with its picture before and after, where git remembers it."),
    problems.map((one) => h("p", { class: "worse" }, one)), entries.length ? h("div", { class: "tools" }, h("label", {}, "Filter", h("input", { type: "search", "aria-label": "Filter entries", input: (event) => draw(event.target.value.toLowerCase()) }))) : null, body];
};
