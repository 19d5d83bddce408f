"""The page in a real browser: its script runs under its own policy, filters, compares, and nothing else may run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.report.html import content_security_policy, render_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for found in map(shutil.which, NAMES) if found), None)

if BROWSER is None:
    # Where a browser was promised (CI), its absence is a failure, not a skip.
    assert not os.environ.get("SDQA_REQUIRE_BROWSER"), f"no browser on PATH ({', '.join(NAMES)})"
    pytest.skip(f"not run: no browser on PATH ({', '.join(NAMES)})", allow_module_level=True)

# What a reader does, and what is seen afterwards. It stands behind the page's own script, in the same element; the
# copy's policy is made for the longer script.
PROBE = """
window.addEventListener("load", async () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const visible = (selector) => all(selector).filter((node) => node.checkVisibility()).length;
  const form = document.querySelector(".filters");
  const later = () => new Promise((done) => setTimeout(done, 30));
  const set = async (values) => {
    form.reset();
    await later();
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    form.dispatchEvent(new Event("input", { bubbles: true }));
    return { checks: visible("#checks tbody tr"), cases: visible("[data-case]"), lanes: visible("[data-lane-card]"),
      groups: visible("[data-group]"), shown: document.querySelector(".shown").textContent };
  };
  const seen = {};
  seen.none = await set({});
  seen.lane = await set({ lane: "tiny/fp16/reference/cpu" });
  seen.status = await set({ status: "fail" });
  seen.attention = await set({ status: "attention" });
  seen.metric = await set({ metric: "peak_memory_bytes" });
  await set({ status: "pass", lane: "tiny/fp16/reference/cpu" });
  seen.opened = all("details.passed").every((one) => one.open || one.hidden) && visible("details.passed table") === 10;
  seen.text = await set({ text: "GREY hair" });
  seen.nothing = await set({ text: "no such text" });
  await set({});
  const buttons = all("button.compare");
  const dialog = document.querySelector("dialog");
  const over = dialog.querySelector(".over");
  buttons[0].click();
  seen.dialog = { open: dialog.open, focus: document.activeElement.type, clip: over.style.clipPath,
    title: dialog.querySelector("h2").textContent, alt: over.alt,
    different: over.src !== dialog.querySelector(".under").src };
  const range = dialog.querySelector("input");
  range.value = 80;
  range.dispatchEvent(new Event("input"));
  seen.dialog.moved = over.style.clipPath;
  dialog.querySelector(".next").click();
  seen.dialog.next = dialog.querySelector("h2").textContent;
  dialog.querySelector(".close").click();
  seen.dialog.closed = !dialog.open;
  seen.buttons = buttons.length;
  seen.broken = all("img[src]").filter((image) => !image.complete || !image.naturalWidth).length;
  seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.resources = performance.getEntriesByType("resource").filter((one) => !one.name.startsWith("data:")).length;
  document.title = "seen" + JSON.stringify(seen);
});
"""


def dump(path: Path, profile: Path, *flags: str) -> str:
    """The document after its scripts ran."""
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        f"--user-data-dir={profile}", "--virtual-time-budget=8000", *flags, "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, timeout=120, check=False, env={**os.environ, "HOME": str(profile)}
    )
    document = done.stdout.decode("utf-8", errors="replace")
    assert "</html>" in document, done.stderr.decode(errors="replace")[-2000:]
    return document


@pytest.fixture(scope="module")
def page(bundle: Bundle, run: Run) -> str:
    return render_page(bundle, run)


def probed(page: str, probe: str) -> str:
    """The page with another script behind its own, and a policy that allows both."""
    style, script = (re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("style", "script"))
    assert style is not None
    assert script is not None
    longer = script[1] + probe
    old, new = content_security_policy(style[1], script[1]), content_security_policy(style[1], longer)
    escape: Callable[[str], str] = lambda text: text.replace("'", "&#39;")  # noqa: E731
    assert escape(old) in page
    return page.replace(escape(old), escape(new)).replace(script[1], longer)


@pytest.fixture(scope="module")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "page.html").write_text(probed(page, PROBE), encoding="utf-8")
    document = dump(folder / "page.html", folder / "profile", "--window-size=1280,900")
    found = re.search(r"<title>seen(.*?)</title>", document, re.DOTALL)
    assert found is not None, "the page's script did not run to its end"
    data: dict[str, Any] = json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    return data


def test_filters_show_what_was_asked_for(seen: dict[str, Any], run: Run) -> None:
    counts = run.counts()
    assert seen["none"]["checks"] == len(run.verdicts)
    assert seen["none"]["shown"] == f"{len(run.verdicts)} checks"
    assert seen["lane"]["checks"] == len(run.lanes[0].verdicts)
    assert seen["lane"]["lanes"] == 1
    assert seen["lane"]["groups"] == 0
    assert seen["status"]["checks"] == counts["fail"]
    assert seen["status"]["shown"] == f"{counts['fail']} of {len(run.verdicts)} checks"
    assert seen["attention"]["checks"] == len(run.verdicts) - counts["pass"]
    assert seen["metric"]["checks"] == 3
    assert (seen["metric"]["cases"], seen["metric"]["groups"]) == (0, 1)
    assert seen["opened"]  # checks that passed are folded away until they are asked for
    assert seen["text"]["cases"] == 1
    assert (seen["nothing"]["checks"], seen["nothing"]["cases"]) == (0, 0)


def test_pictures_can_be_compared_with_the_keyboard(seen: dict[str, Any], run: Run) -> None:
    dialog = seen["dialog"]
    assert seen["buttons"] == 3 * len(run.cases) - 1  # one candidate of the bundle is no picture
    assert dialog["open"]
    assert dialog["focus"] == "range"
    assert dialog["different"]
    assert dialog["alt"].startswith("golden of ")
    assert (dialog["clip"], dialog["moved"]) == ("inset(0px 50% 0px 0px)", "inset(0px 20% 0px 0px)")
    assert dialog["title"].endswith(f"(1 of {seen['buttons']})")
    assert dialog["next"].endswith(f"(2 of {seen['buttons']})")
    assert dialog["closed"]


def test_pictures_load_and_nothing_is_fetched(seen: dict[str, Any]) -> None:
    assert (seen["broken"], seen["resources"]) == (0, 0)


def test_the_page_does_not_scroll_sideways(seen: dict[str, Any]) -> None:
    assert seen["wide"] == 0


def test_the_policy_runs_this_script_and_no_other(page: str, tmp_path: Path) -> None:
    """Even if a flaw in the escaping let markup through, it could neither run nor load anything."""
    attack = (
        "<script>document.body.dataset.attacked = 'script'</script>"
        "<img src=x onerror=\"document.body.dataset.attacked = 'handler'\">"
        "<style>body { display: none }</style>"
    )
    (tmp_path / "page.html").write_text(page.replace('<main id="main">', '<main id="main">' + attack), encoding="utf-8")
    document = dump(tmp_path / "page.html", tmp_path / "profile")
    assert "data-attacked" not in document
    assert '<output class="shown" aria-live="polite">109 checks</output>' in document
