"""Addresses of the page."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdqa.report.links import PAGE, VARIABLE, case_address, check_address, page_of, published


def test_an_address_reads_as_it_is_written_down() -> None:
    assert case_address("portrait-hat", "tiny/fp16") == "index.html#/case/portrait-hat?lane=tiny/fp16"
    assert case_address("portrait-hat") == "index.html#/case/portrait-hat"
    assert check_address("", "a/b", "a/b/all/lpips") == "index.html#/checks?q=a/b/all/lpips"
    assert check_address("c", "a/b", "a/b/c/lpips") == case_address("c", "a/b")


@given(st.text(), st.text(min_size=1))
def test_whatever_a_name_holds_comes_back_and_breaks_nothing(case: str, lane: str) -> None:
    address = case_address(case, lane)
    fragment = urlsplit(address).fragment
    path, _, query = fragment.partition("?")
    readable = (text.encode("utf-8", "replace").decode() for text in (case, lane))
    assert (unquote(path.removeprefix("/case/")), parse_qs(query)["lane"][0]) == tuple(readable)
    assert not set(address) & set(" \"'<>()[]|\n\r@&\\")


@pytest.mark.parametrize(
    ("stated", "page"),
    [
        ("", PAGE),
        ("https://example.org/runs/7", "https://example.org/runs/7/index.html"),
        ("https://example.org/runs/7/", "https://example.org/runs/7/index.html"),
        ("https://example.org/report.html", "https://example.org/report.html"),
        ("javascript:alert(1)", PAGE),
        ("https://user:secret@example.org/", PAGE),
        ("https://example.org/?token=1", PAGE),
        ("https://example.org/a b", PAGE),
        ("https://example.org/)[x](https://evil", PAGE),
        ("https://[broken", PAGE),
        ("https://example.org/" + "x" * 3000, PAGE),
    ],
)
def test_a_published_page_is_named_by_a_plain_address(stated: str, page: str) -> None:
    assert page_of({VARIABLE: stated}) == page
    assert published(page) is (page != PAGE)
