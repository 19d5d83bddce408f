// Elements are made of parts; text is only ever set as text, so nothing of a bundle can become markup.
const SVG = "http://www.w3.org/2000/svg";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const fill = (node, options, children) => {
  for (const [name, value] of Object.entries(options || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
};
/** An element: h("p", { class: "quiet", onclick }, "text", child …). */
const h = (name, options, ...children) => fill(document.createElement(name), options, children);
const s = (name, options, ...children) => fill(document.createElementNS(SVG, name), options, children);
const replace = (node, ...children) => node.replaceChildren(...children.flat(3).filter(Boolean));

const cssClass = (status) => status.replace(/ /g, "-");
const mini = (status) =>
  h("span", { class: `mini ${cssClass(status)}`, title: status },
    h("span", { "aria-hidden": "true", text: DATA.marks[DATA.statuses.indexOf(status)] }), h("span", { class: "hidden", text: status }));
const chip = (status, label) =>
  h("span", { class: `chip ${cssClass(status)}` },
    h("span", { "aria-hidden": "true", text: DATA.marks[DATA.statuses.indexOf(status)] }), " ", label || status);
const pairs = (items) =>
  h("dl", { class: "pairs" }, items.map(([name, value]) => h("div", {}, h("dt", { text: name.replace(/_/g, " ") }), h("dd", { text: value }))));

let toasting;
/** Say something for three seconds; a screen reader reads it out. */
const say = (words) => {
  const toast = $("#toast");
  toast.textContent = words;
  toast.classList.add("on");
  clearTimeout(toasting);
  toasting = setTimeout(() => { toast.classList.remove("on"); toast.textContent = ""; }, 3000);
};

/** Put text on the clipboard; where the browser keeps it from us, show it to be copied by hand. */
const copy = async (text, what) => {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    const area = h("textarea", { readonly: true, "aria-label": what, class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (done) say(`${what} copied`);
    else window.prompt(`${what}: copy it from here`, text);
  }
};
