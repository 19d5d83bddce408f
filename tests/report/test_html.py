"""The offline page: escaping, policy, no network, pictures, what comes first."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Blob, Bundle, JudgeChange, Run
from sdqa.report.html import render_page
from sdqa.report.pictures import Album

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


def test_elements_nest_properly(tags: Tags) -> None:
    assert not tags.crossed
    assert not tags.open


def test_ids_are_unique_and_links_lead_somewhere(tags: Tags) -> None:
    ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(a["href"]).removeprefix("#") for a in tags.named("a")} <= set(ids)


def test_nothing_of_the_bundle_becomes_markup(page: str, tags: Tags, hostile: str) -> None:
    assert hostile[:20] not in page
    assert "&lt;script&gt;alert(" in page
    assert len(tags.named("script")) == 1
    assert not [a for _, attributes in tags.tags for a in attributes if a.startswith("on")]


def test_hostile_text_in_every_field_stays_text(bundle: Bundle, run: Run, hostile: str) -> None:
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
    tags = Tags(render_page(bundle, poisoned(run, *names).model_copy(update={"lanes": (lane,)})))
    assert not tags.crossed
    assert len(tags.named("script")) == 1
    assert not [i for i in tags.named("img") if not (i.get("src") or "data:image/").startswith("data:image/")]
    assert not [a for _, attributes in tags.tags for a in attributes if a.startswith("on")]


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


def test_nothing_is_fetched(page: str, tags: Tags) -> None:
    assert not tags.named("link")
    assert not tags.named("iframe")
    for _, attributes in tags.tags:
        assert "style" not in attributes  # the policy would drop it
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")
    for call in ("fetch(", "XMLHttpRequest", "import(", "url(", "@import", "WebSocket", "sendBeacon"):
        assert call not in page


def test_failures_come_before_everything_else(page: str) -> None:
    places = [page.index(f'<section id="{name}"') for name in ("attention", "lanes", "cases", "overview", "checks")]
    assert places == sorted(places)
    assert page.index(">Fail</h1>") < page.index("A fault was planted") < places[0]
    first = page[places[0] :].index('data-status="fail"')
    assert first < page[places[0] :].index('data-status="suspicious"')


def test_every_picture_has_a_text_and_a_size(tags: Tags) -> None:
    shown = [image for image in tags.named("img") if image.get("src")]
    assert shown
    for image in shown:
        assert image["alt"]
        assert (image["width"], image["height"]) == ("64", "64")
        assert "pixelated" in str(image["class"])
    for chart in tags.named("svg"):
        assert chart["role"] == "img"
        assert chart["aria-label"]


def test_a_picture_is_embedded_once_however_many_lanes_have_it(page: str, run: Run) -> None:
    golden = run.lanes[0].samples[0].images["golden"].sha256
    assert page.count(f'data-digest="{golden}"') == 1


def test_what_is_no_picture_is_not_shown(page: str) -> None:
    assert page.count("not a PNG, JPEG or WebP picture") == 1
    assert "svg onload" not in page


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"GIF89a", "not a PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>", "damaged"),
        (b"RIFF\x00\x00\x00\x00AVI ", "not a PNG, JPEG or WebP"),
        (b"\xff\xd8\xff<html>", "damaged"),
        (b"", "not a PNG, JPEG or WebP"),
    ],
)
def test_damaged_pictures_become_a_note(tmp_path: Path, data: bytes, note: str) -> None:
    bundle = Bundle(tmp_path)
    picture = Album(bundle).picture("candidate", "alt", bundle.add_blob(data, "image/png"))
    assert note in picture.note
    assert not picture.uri


def test_a_truncated_picture_becomes_a_note(tmp_path: Path, drawn: Callable[..., bytes]) -> None:
    bundle = Bundle(tmp_path)
    picture = Album(bundle).picture("candidate", "alt", bundle.add_blob(drawn("portrait")[:-30], "image/png"))
    assert "damaged" in picture.note


def test_a_missing_or_altered_blob_becomes_a_note(tmp_path: Path, drawn: Callable[..., bytes]) -> None:
    bundle = Bundle(tmp_path)
    blob = bundle.add_blob(drawn("portrait"), "image/png")
    (tmp_path / blob.path).write_bytes(drawn("portrait", 2))
    assert f"a blob is larger than {blob.bytes} bytes" in Album(bundle).picture("golden", "alt", blob).note
    (tmp_path / blob.path).write_bytes(bytes(blob.bytes))
    assert "digest does not match" in Album(bundle).picture("golden", "alt", blob).note
    (tmp_path / blob.path).unlink()
    assert "missing" in Album(bundle).picture("golden", "alt", blob).note
    outside = Blob(sha256="../../etc/passwd", bytes=1, media_type="image/png")
    assert "is not a digest" in Album(bundle).picture("golden", "alt", outside).note


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path, drawn: Callable[..., bytes]) -> None:
    bundle = Bundle(tmp_path)
    bomb = drawn("portrait", size=(9000, 2))
    assert "too many" in Album(bundle).picture("golden", "alt", bundle.add_blob(bomb, "image/png")).note


def test_a_page_has_room_for_so_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: Callable[..., bytes]
) -> None:
    monkeypatch.setattr("sdqa.report.pictures.MAX_PAGE_BYTES", 5000)
    bundle = Bundle(tmp_path)
    album = Album(bundle)
    pictures = [album.picture("golden", "alt", bundle.add_blob(drawn("landscape", i), "image/png")) for i in range(9)]
    assert pictures[0].uri
    assert "the page is full" in pictures[-1].note


def test_a_clean_run_has_neither_banner_nor_list_of_trouble(bundle: Bundle, clean_run: Run) -> None:
    page = render_page(bundle, clean_run)
    assert ">Pass</h1>" in page
    assert 'class="banner' not in page
    assert 'id="attention"' not in page


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(page: str, theme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[theme]))
    pairs = [(text, ground) for text in ("ink", "quiet", "accent") for ground in ("page", "card")]
    pairs += [
        (tone, ground) for tone in ("pass", "fail", "suspicious", "unmeasured") for ground in (f"{tone}-soft", "card")
    ]
    pairs += [("ink", "suspicious-soft"), ("ink", "unmeasured-soft")]
    for text, ground in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_who_loosened_the_judge_stands_right_below_the_verdict(bundle: Bundle, run: Run, hostile: str) -> None:
    silent = JudgeChange(kind="limit", subject="lpips", what=hostile, looser=True)
    recorded = silent.model_copy(update={"subject": "psnr", "recorded": "measured again"})
    page = render_page(bundle, run.model_copy(update={"judge_changes": (recorded, silent)}))
    assert page.index('id="verdict"') < page.index("The judge changed.") < page.index("A fault was planted on purpose")
    assert "and nobody recorded why" in page
    assert "(measured again)" in page
    assert hostile not in page


def test_nothing_of_a_bundle_turns_the_pages_direction(bundle: Bundle, run: Run) -> None:
    page = render_page(bundle, run.model_copy(update={"suite": "a\u202egnp.exe\u2066", "fault": "\u202e<b>"}))
    assert not set(page) & {"\u202e", "\u2066"}
    assert "&lt;b&gt;" in page
