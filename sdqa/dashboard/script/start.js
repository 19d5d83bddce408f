// Addresses: #/series/KEY and so on; the page begins here.
let resized = null;
const VIEWS = { "": overview, series: seriesPage, changes: changesPage, flaky: flakyPage, variants: variantsPage, goldens: goldensPage, compare: comparePage, runs: (key) => key ? runPage(key) : runsPage() };
const go = async () => {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const view = VIEWS[name] || overview;
  resized = null;
  document.querySelectorAll(".top nav a").forEach((link) => { const own = link.getAttribute("href").slice(2); if (own === name || (own === "" && name === "series") || (own === "runs" && name === "compare")) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current"); });
  try { main.replaceChildren(...(await view(...rest)).flat(3).filter(Boolean)); }
  catch (error) { main.replaceChildren(h("h1", {}, "Not here"), h("p", { class: "card" }, error.message)); }
  const title = main.querySelector("h1");
  document.title = `${title ? title.textContent : "Overview"} · ${data.suite} · sdqa`;
  document.documentElement.dataset.ready = location.hash || "#/";
  window.scrollTo(0, 0);
};
let timer = 0;
window.addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(() => resized && resized(), 120); });
window.addEventListener("hashchange", go);
go();
