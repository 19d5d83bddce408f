"use strict";
// Filters and the comparison slider. The page is complete without this script; nothing here reaches the network.
(() => {
  const form = document.querySelector(".filters");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const checks = all("[data-check]");
  const lanes = all("[data-case-lane]");
  const cases = all("[data-case]");
  const shown = form.querySelector(".shown");
  const total = all("[data-count]").length;
  const words = new Map([...checks, ...cases].map((node) => [node, node.textContent.toLowerCase()]));

  const matches = (node, want, inCase) =>
    (!want.lane || node.dataset.lane === want.lane) &&
    (!want.metric || node.dataset.metric === want.metric) &&
    (!want.status || node.dataset.status === want.status || (want.status === "attention" && !["pass", "not judged"].includes(node.dataset.status))) &&
    (!want.text || inCase || words.get(node).includes(want.text));

  const apply = () => {
    const want = Object.fromEntries(new FormData(form));
    want.text = want.text.trim().toLowerCase();
    const judged = want.metric || want.status;
    let count = 0;
    for (const row of checks) {
      const card = row.closest("[data-case]");
      // A text that is found anywhere in a case's card (its prompt, say) shows the whole card.
      row.hidden = !matches(row, want, card && words.get(card).includes(want.text));
      if (!row.hidden && "count" in row.dataset) count += 1;
    }
    for (const group of all("[data-group]")) {
      group.hidden = all("[data-check]", group).every((row) => row.hidden);
    }
    // Who asks for a metric or a status wants to see it: open what holds it.
    for (const details of all("details.passed")) {
      const found = all("[data-check]", details).some((row) => !row.hidden);
      details.hidden = !found;
      details.open = Boolean(judged) && found;
    }
    for (const lane of lanes) {
      const visible = all("[data-check]", lane).some((row) => !row.hidden);
      lane.hidden = Boolean(want.lane && lane.dataset.lane !== want.lane) || Boolean(judged && !visible);
    }
    for (const card of cases) {
      const inside = all("[data-case-lane]", card);
      const text = !want.text || words.get(card).includes(want.text);
      card.hidden = !text || (inside.length ? inside.every((lane) => lane.hidden) : Boolean(want.lane || judged));
    }
    for (const attribute of ["laneCard", "laneRow"]) {
      const name = attribute.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
      for (const node of all(`[data-${name}]`)) node.hidden = Boolean(want.lane && node.dataset[attribute] !== want.lane);
    }
    shown.textContent = count === total ? `${total} checks` : `${count} of ${total} checks`;
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  apply();

  const dialog = document.querySelector(".compare-dialog");
  const buttons = all("button.compare");
  if (!dialog.showModal) return;
  const part = (name) => dialog.querySelector(name);
  const range = part("input");
  const [under, over, divider] = [part(".under"), part(".over"), part(".divider")];
  const picture = (digest) => document.querySelector(`img[data-digest="${digest}"]`);
  let current = 0;

  const slide = (value) => {
    over.style.clipPath = `inset(0 ${100 - value}% 0 0)`;
    divider.style.left = `${value}%`;
  };
  const show = (index) => {
    const visible = buttons.filter((button) => !button.closest("[hidden]"));
    if (!visible.length) return;
    current = (index + visible.length) % visible.length;
    const button = visible[current];
    const [golden, candidate] = [picture(button.dataset.golden), picture(button.dataset.candidate)];
    for (const [target, from] of [[over, golden], [under, candidate]]) {
      target.src = from.src;
      target.alt = from.alt;
      target.className = `${target === over ? "over" : "under"} ${from.className}`;
    }
    part("h2").textContent = `${button.dataset.title} (${current + 1} of ${visible.length})`;
    slide(range.value);
  };
  buttons.forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      range.value = 50;
      show(buttons.filter((other) => !other.closest("[hidden]")).indexOf(button));
      dialog.showModal();
      range.focus();
    });
  });
  range.addEventListener("input", () => slide(range.value));
  part(".close").addEventListener("click", () => dialog.close());
  part(".previous").addEventListener("click", () => show(current - 1));
  part(".next").addEventListener("click", () => show(current + 1));
  const flip = part(".flip");
  const whole = () => slide(range.value < 50 ? 100 : 0);
  const back = () => slide(range.value);
  flip.addEventListener("pointerdown", whole);
  flip.addEventListener("keydown", (event) => event.code === "Space" && whole());
  for (const name of ["pointerup", "pointerleave", "keyup", "blur"]) flip.addEventListener(name, back);
})();
