// Verdicts, times and shares in words; figures are the run page's own (figures.js).
const STATUS = ["pass", "suspicious", "fail", "not measured", "not judged", "not judged"];
const TONE = ["pass", "suspicious", "fail", "unmeasured", "", ""];
const SIGN = ["✓", "!", "✕", "?", "·", "·"];
const EXIT = { 0: ["Pass", 0], 1: ["Failed", 2], 3: ["Could not run", 3], 4: ["Incomplete", 3], 130: ["Interrupted", 3] };
const LETTER = { golden: "G", judge: "J", limit: "L", version: "V", machine: "M" };
const KIND = { golden: "golden", judge: "judge", limit: "limit", version: "version of sdqa", machine: "another fingerprint" };
const badge = (code, words) => h("span", { class: `status ${TONE[code]}` }, h("span", { "aria-hidden": "true" }, SIGN[code]), words || STATUS[code]);
const exitBadge = (code) => badge((EXIT[code] || [0, 3])[1], (EXIT[code] || [`Exit ${code}`])[0]);
const percent = (share) => share === null || share === undefined ? MISSING : `${Math.abs(share) >= 10 ? "> 999" : Math.round(share * 100)} %`;
const signed = (share) => `${share > 0 ? "+" : "−"}${Math.abs(share) >= 10 ? "> 999" : Math.abs(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
const day = (created) => (created || "").slice(0, 10);
const minute = (created) => (created || "").slice(0, 16).replace("T", " ");
const commit = (run) => run.commit ? h("code", {}, run.commit.slice(0, 10) + (run.modified ? "+" : "")) : "no commit";
const copy = (text, button) => {
  const done = () => { const before = button.textContent; button.textContent = "Copied"; setTimeout(() => { button.textContent = before; }, 1200); };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => window.prompt("Copy:", text));
  else window.prompt("Copy:", text);
};
