// Elements are made of parts; text is only ever set as text, so nothing of a record can become markup.
const main = document.getElementById("main");
// Only text ever becomes part of the document.
const into = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false).map((one) => one instanceof Node ? one : String(one)));
  return node;
};
const h = (tag, attributes, ...children) => into(document.createElement(tag), attributes, children);
const g = (tag, attributes, ...children) => into(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const web = (address) => /^https?:\/\//.test(address || "") ? address : null;
