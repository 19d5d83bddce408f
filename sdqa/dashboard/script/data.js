// What the page holds, and what lies beside it.
const data = JSON.parse(document.getElementById("data").textContent);
const waiting = new Map(), held = new Map();
window.sdqaGive = (name, value) => { held.set(name, value); (waiting.get(name) || (() => {}))(value); };

// What is not on the page yet comes as a script: a page on a disk may fetch nothing else.
const load = (name) => held.has(name) ? Promise.resolve(held.get(name)) : new Promise((done, fail) => {
  const script = document.createElement("script");
  waiting.set(name, done);
  script.src = `data/${name}.js`;
  script.onerror = () => { script.remove(); fail(new Error(`data/${name}.js is not beside this page: copy the whole folder`)); };
  script.onload = () => script.remove();
  document.head.append(script);
});
const ROW = (one) => ({ id: one[0], lane: one[1], label: one[2], unit: one[3], better: one[4], value: one[5], judged: one[6], bound: one[7], status: Number(one[8]), room: one[9], since: one[10], spark: one[11], runs: one[12], changed: one[13] });
const rows = data.rows.map(ROW);
const events = data.events;
const ORDER = [3, 2, 0, 1, 4, 5]; // of statuses: fail first
const severity = (one) => ORDER[one.status] * 10 - (one.room || 0);
