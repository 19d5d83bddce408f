"""The page's text: escaping, policy, no network, and what stands in it without a script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, JudgeChange, Provenance, Run
from sdqa.report.against import compare
from sdqa.report.assets import script
from sdqa.report.html import make_page, render_page
from sdqa.report.island import json_text
from sdqa.report.since import LISTED

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Tags(HTMLParser):
    """All elements of a page, and whether they nest properly."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(bundle: Bundle, run: Run) -> str:
    return render_page(bundle, run)


@pytest.fixture(scope="module")
def tags(page: str) -> Tags:
    return Tags(page)


def island(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_markup_is_sound(tags: Tags) -> None:
    assert not tags.crossed
    assert not tags.open
    ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for image in (one for one in tags.named("img") if one.get("src")):
        assert image["alt"]
        assert (image["width"], image["height"]) == ("64", "64")
    for chart in tags.named("svg"):
        assert chart["role"] == "img"
        assert chart["aria-label"]


def test_nothing_of_the_bundle_becomes_markup(page: str, tags: Tags, hostile: str) -> None:
    assert hostile[:20] not in page
    assert "&lt;script&gt;alert(" in page
    assert [one.get("type") for one in tags.named("script")] == ["application/json", None]
    assert not [a for _, attributes in tags.tags for a in attributes if a.startswith("on")]


def test_hostile_text_in_every_field_stays_text(bundle: Bundle, run: Run, hostile: str) -> None:
    hostile += "</script><!--\u2028\u2029\u202e"

    def poison(value: Any) -> Any:
        if isinstance(value, dict):
            return {f"{key}{hostile}": poison(inner) for key, inner in value.items()} | {
                key: poison(inner) for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [poison(inner) for inner in value]
        return hostile if isinstance(value, str) else value

    def poisoned(record: Any, *names: str) -> Any:
        return record.model_copy(update={name: poison(getattr(record, name)) for name in names})

    lane = run.lanes[2]
    samples = [
        s.model_copy(update={"images": {f"{kind}{hostile}": blob for kind, blob in s.images.items()}})
        for s in lane.samples
    ]
    lane = poisoned(lane, "id", "model", "variant", "runtime", "compute_unit", "reason", "fingerprint").model_copy(
        update={
            "packages": tuple(poisoned(p, "component", "name", "digest", "facts") for p in lane.packages),
            "verdicts": tuple(poisoned(v, "check", "metric", "case", "unit", "reason") for v in lane.verdicts),
            "samples": tuple(poisoned(s, "case", "facts") for s in samples),
            "measurements": tuple(poisoned(m, "metric", "unit", "reason") for m in lane.measurements),
            "failures": tuple(poisoned(f, "stage", "where", "code", "message") for f in lane.failures),
        }
    )
    names = ("suite", "fault", "sdqa_version", "created", "environment", "diagnosis", "sensitivity", "cases")
    said = Provenance(commit=hostile, ref=hostile, base=hostile, run_id=hostile, repository=hostile)
    page = render_page(bundle, poisoned(run, *names).model_copy(update={"lanes": (lane,), "provenance": said}))
    tags = Tags(page)
    assert not tags.crossed
    assert len(tags.named("script")) == 2
    assert not [i for i in tags.named("img") if not (i.get("src") or "data:image/").startswith("data:image/")]
    assert not [a for _, attributes in tags.tags for a in attributes if a.startswith("on")]
    assert "\u202e" not in page
    assert not set(page.split('id="data">')[1].split("</script>")[0]) & set("<>&\u2028\u2029")
    assert island(page)["rows"], "the island is still JSON"


def test_no_text_can_close_the_island() -> None:
    text = "</script><script>&<!--\u2028\u2029\ud800"
    coded = json_text({"a": [text, float("nan"), float("-inf")]})
    assert not set(coded) & set("<>&\u2028\u2029")
    assert coded.isascii()
    assert json.loads(coded) == {"a": [text, "NaN", "-Infinity"]}


def test_the_policy_allows_this_style_and_script_and_no_network(page: str, tags: Tags) -> None:
    policy = next(m["content"] for m in tags.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_nothing_is_fetched_and_no_text_becomes_code(page: str, tags: Tags) -> None:
    assert not tags.named("link")
    assert not tags.named("iframe")
    for _, attributes in tags.tags:
        assert "style" not in attributes  # the policy would drop it
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")
    for call in ("fetch(", "XMLHttpRequest", "import(", "@import", "WebSocket", "sendBeacon"):
        assert call not in page
    assert page.count("url(") == page.count('url("#'), "only to the page's own filter"
    for call in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function("):
        assert call not in script()


def test_the_script_is_small_and_its_files_too() -> None:
    from sdqa.report import assets

    assert len(script().encode()) <= 100_000
    folder = Path(assets.__file__).parent / "page"
    names = {path.stem for path in folder.glob("*.js")}
    assert names == set(assets.SCRIPTS)
    for path in folder.iterdir():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_the_verdict_comes_first_and_the_worst_pictures_with_it(page: str, run: Run) -> None:
    places = [page.index(mark) for mark in (">Fail</h1>", "A fault was planted", 'id="worst"', 'id="failed"')]
    assert places == sorted(places)
    worst = page[places[2] : places[3]]
    assert worst.count("<article") == 5
    assert "Explains 96 % of the LPIPS loss." in page
    assert page.index("not finite: fatal") < page.index("the interval lies beyond the tolerance")
    digest = run.lanes[0].samples[0].images["candidate"].sha256
    assert digest not in worst or page.count(f'"#{digest}"') == 1


def test_a_picture_is_in_the_page_once(page: str) -> None:
    uris = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert len(uris) == len(set(uris))


def test_a_figure_that_is_not_finite_shows_its_limit(page: str) -> None:
    data = island(page)
    rows = [row for row in data["rows"] if row[8] == "NaN"]
    assert rows
    assert all(row[13] is not None for row in rows)


def test_what_is_no_picture_is_said_in_words(page: str) -> None:
    assert sum("not a PNG, JPEG or WebP picture" in str(one) for one in island(page)["pictures"]) == 1
    assert "svg onload" not in page


def test_a_clean_run_has_no_banner_and_shows_what_is_closest(bundle: Bundle, clean_run: Run) -> None:
    page = render_page(bundle, clean_run)
    assert ">Pass</h1>" in page
    assert 'class="banner' not in page
    assert 'id="failed"' not in page
    assert "Closest to their limits" in page


def test_who_loosened_the_judge_stands_right_below_the_verdict(bundle: Bundle, run: Run, hostile: str) -> None:
    silent = JudgeChange(kind="limit", subject="lpips", what=hostile, looser=True)
    recorded = silent.model_copy(update={"subject": "psnr", "recorded": "measured again"})
    page = render_page(bundle, run.model_copy(update={"judge_changes": (recorded, silent)}))
    assert page.index('id="verdict"') < page.index("The judge changed.") < page.index("A fault was planted on purpose")
    assert "and nobody recorded why" in page
    assert "(measured again)" in page
    assert hostile not in page


def test_what_is_judged_is_named(bundle: Bundle, run: Run) -> None:
    said = Provenance(
        commit="ab" * 20, modified=True, ref="feature", base="main", run_id="77", attempt=2, repository="o/r"
    )
    page = render_page(bundle, run.model_copy(update={"provenance": said}))
    for words in ("abababababab, with changes", "feature into main", "77, attempt 2", "o/r", "Linux, x86_64"):
        assert words in page, words


def test_lanes_of_other_machines_are_told_apart_from_missing_ones(bundle: Bundle, clean_run: Run, run: Run) -> None:
    skipped = run.lanes[3]
    whole = clean_run.model_copy(update={"lanes": (*clean_run.lanes, skipped)})
    page = render_page(bundle, whole)
    assert "For other machines, not run here: tiny/fp16/coreml/cpu_and_ne." in page
    missing = render_page(bundle, whole.model_copy(update={"status": "incomplete", "exit_code": 4}))
    assert "For other machines" not in missing
    assert "<strong>tiny/fp16/coreml/cpu_and_ne</strong> did not run" in missing


def test_nothing_of_a_bundle_turns_the_pages_direction(bundle: Bundle, run: Run) -> None:
    page = render_page(bundle, run.model_copy(update={"suite": "a\u202egnp.exe\u2066", "fault": "\u202e<b>"}))
    assert not set(page) & {"\u202e", "\u2066"}
    assert "&lt;b&gt;" in page


def test_an_earlier_run_is_told_on_the_summary(bundle: Bundle, run: Run, clean_run: Run) -> None:
    page = make_page(bundle, run, compared=compare(clean_run, run)).html
    section = page.split('<section id="since"')[1].split("</section>")[0]
    assert "new failure" in section
    assert "more are in <code>comparison.json</code>" in section
    addresses = re.findall(r'href="(#/[^"]*)"', section)
    assert len(addresses) == LISTED
    assert any(one.startswith("#/case/") and "?lane=tiny/" in one for one in addresses)
    assert 'id="since"' not in render_page(bundle, run)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(page: str, theme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[theme]))
    pairs = [(text, ground) for text in ("ink", "quiet", "accent") for ground in ("page", "card", "wash")]
    pairs += [
        (tone, ground) for tone in ("pass", "fail", "suspicious", "unmeasured") for ground in (f"{tone}-soft", "card")
    ]
    pairs += [("ink", "suspicious-soft"), ("ink", "unmeasured-soft")]
    for text, ground in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
