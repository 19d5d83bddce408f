// The list of cases, the worst first: only what is in sight is in the document.
const ITEM = 60; // pixels, as in review.css
const rail = $("#rail");
const railList = h("ol", {});
let railFrom = -1, railTo = -1;

const thumbOf = (entry) => {
  const lane = entry.case.lanes.get(entry.worst?.lane) || [...entry.case.lanes.values()][0];
  return lane?.pictures.candidate || lane?.pictures.golden;
};
const laneFor = (entry) => (entry.worst ? entry.worst.lane : [...entry.case.lanes.keys()][0]);

const railItem = (entry, place) => {
  const picture = thumbOf(entry), status = entry.worst?.status || "not judged", lane = laneFor(entry);
  const current = here.screen === "case" && here.subject === entry.case.name;
  const said = [...entry.case.lanes.keys()].map((id) => marks.cases.get(markKey(entry.case.name, id))).find(Boolean);
  return h("li", { "aria-setsize": shown.cases.length, "aria-posinset": place + 1 },
    h("a", { href: caseAddress(entry.case.name, lane), "aria-current": current ? "true" : null, class: cssClass(status) },
      picture?.address ? h("img", { src: picture.small || picture.address, alt: "", width: 48, height: 48, loading: "lazy", decoding: "async", class: picture.width <= 256 ? "pixelated" : null }) : h("span", { class: "no-thumb", text: "none" }),
      h("span", { class: "name" }, mini(status), " ", entry.case.name),
      h("span", { class: "why", text: entry.worst ? [entry.worst.metric, showPosition(entry.worst)].filter(Boolean).join(" · ") : "not judged" }),
      said && h("span", { class: `said ${said}`, text: said === "y" ? "approve" : "not" })));
};
const drawRail = () => { railFrom = -1; scrollRail(); };
const scrollRail = () => {
  const from = Math.max(0, Math.floor(rail.scrollTop / ITEM) - 4), to = Math.min(shown.cases.length, from + Math.ceil((rail.clientHeight || 800) / ITEM) + 8);
  if (from === railFrom && to === railTo) return;
  [railFrom, railTo] = [from, to];
  const focused = document.activeElement?.closest?.("#rail li")?.getAttribute("aria-posinset");
  railList.style.paddingTop = `${from * ITEM}px`;
  railList.style.paddingBottom = `${(shown.cases.length - to) * ITEM}px`;
  replace(railList, shown.cases.slice(from, to).map((entry, i) => railItem(entry, from + i)));
  if (focused) $(`li[aria-posinset="${focused}"] a`, railList)?.focus({ preventScroll: true });
};
/** Keep the current case in sight. */
const followRail = () => {
  const place = shown.cases.findIndex((entry) => here.screen === "case" && entry.case.name === here.subject);
  if (place < 0) return;
  const top = place * ITEM;
  if (top < rail.scrollTop || top + ITEM > rail.scrollTop + rail.clientHeight) rail.scrollTop = Math.max(0, top - rail.clientHeight / 2);
};
/** The next or the previous case of the filtered list. */
const step = (by) => {
  if (!shown.cases.length) return say("no case fits the filter");
  const place = here.screen === "case" ? shown.cases.findIndex((entry) => entry.case.name === here.subject) : -1;
  const next = place < 0 ? (by > 0 ? 0 : shown.cases.length - 1) : place + by;
  if (next < 0 || next >= shown.cases.length) return say(by > 0 ? "the last case of the list" : "the first case of the list");
  const entry = shown.cases[next];
  goTo({ screen: "case", subject: entry.case.name, lane: laneFor(entry), mode: here.mode, zoom: here.zoom });
};
rail.addEventListener("scroll", scrollRail, { passive: true });
