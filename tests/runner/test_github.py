"""The API as it answers when all is well, and as it answers otherwise."""

from __future__ import annotations

import email.utils
import json
import time

import pytest

from sdqa.errors import GitHubError, UsageError
from sdqa.github import Token, check_address
from sdqa.runner.github import GitHub
from tests.runner.conftest import TOKEN
from tests.runner.github import RUNNERS, SCOPE, FakeGitHub


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def api(github: FakeGitHub, waited: list[float]) -> GitHub:
    return GitHub(SCOPE, Token(TOKEN), github.url, waited.append)


def message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


def test_a_runner_for_one_job(api: GitHub, github: FakeGitHub) -> None:
    made = api.configure("desk-1", ("self-hosted", "m4"))
    assert made.encoded == github.configurations[0]
    assert api.find(made.runner.id) == made.runner
    assert made.encoded not in repr(api)
    assert api.delete(made.runner.id)
    assert api.delete(made.runner.id)  # gone is gone
    assert api.find(made.runner.id) is None


def test_an_organisation_has_other_addresses(github: FakeGitHub) -> None:
    with pytest.raises(GitHubError, match="404"):
        list(GitHub("somebody", Token(TOKEN), github.url).runners())
    assert github.asked == [("GET", "/orgs/somebody/actions/runners?per_page=100&page=1")]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_page_is_read(api: GitHub, github: FakeGitHub, count: int) -> None:
    for number in range(count):
        github.add(f"r{number}")
    assert [one.name for one in api.runners()] == [f"r{number}" for number in range(count)]


def test_a_list_that_moves_while_it_is_read_gives_each_once(api: GitHub, github: FakeGitHub) -> None:
    for number in range(150):
        github.add(f"r{number}")
    listed = api.runners()
    first = next(listed)
    github.add("new", number=1)  # everything moves on by one
    assert len({one.id for one in [first, *listed]}) == 150


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        (401, "Bad credentials", "make a new one"),
        (403, "Resource not accessible by personal access token", "Administration: write"),
        (404, "Not Found", "may not see it"),
        (409, "Already exists", "another --name"),
        (422, "Invalid request", "--label"),
        (301, "Moved Permanently", "renamed"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    api: GitHub, github: FakeGitHub, waited: list[float], code: int, said: str, hint: str
) -> None:
    github.scripted = [(code, {"Location": f"{github.url}/elsewhere"}, message(said))]
    with pytest.raises(GitHubError, match=f"{code}: {said}") as caught:
        api.configure("desk-1", ("m4",))
    assert hint in caught.value.hint
    assert waited == []
    assert github.asked == [
        ("POST", f"{RUNNERS}/generate-jitconfig")
    ]  # a redirect is not followed: the token stays here


@pytest.mark.parametrize(
    ("headers", "code", "least", "most"),
    [
        ({"Retry-After": "7"}, 429, 7, 7),
        ({"Retry-After": "7"}, 403, 7, 7),
        ({"Retry-After": "a date"}, 429, 20, 40),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "a time"}, 403, 1, 31),
        ({}, 429, 1, 1),
        ({}, 502, 1, 1),
    ],
)
def test_what_can_be_waited_out_is(
    api: GitHub, github: FakeGitHub, waited: list[float], headers: dict[str, str], code: int, least: float, most: float
) -> None:
    later = {"a date": email.utils.formatdate(time.time() + 40, usegmt=True), "a time": str(int(time.time()) + 30)}
    headers = {name: later.get(value, value) for name, value in headers.items()}
    github.scripted = [(code, headers, message("slow down"))]
    assert api.configure("desk-1", ("m4",)).runner.name == "desk-1"
    assert len(waited) == 1
    assert least <= waited[0] <= most


def test_waiting_has_an_end(api: GitHub, github: FakeGitHub, waited: list[float]) -> None:
    github.scripted = [(503, {}, b"<html>")] * 10
    with pytest.raises(GitHubError, match="503") as caught:
        list(api.runners())
    assert waited == [1, 2, 4]
    assert "later" in caught.value.hint
    github.scripted = [(429, {"Retry-After": "86400"}, b"")]
    with pytest.raises(GitHubError, match="429") as caught:
        list(api.runners())
    assert "86400 s" in caught.value.hint
    assert waited == [1, 2, 4]


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"{}", b'{"runners": [{"id": "x"}]}', b'{"runners": [1]}', b'{"runners": {}}'],
)
def test_another_server_s_answer_is_no_list(api: GitHub, github: FakeGitHub, body: bytes) -> None:
    github.scripted = [(200, {}, body)]
    with pytest.raises(GitHubError, match="answer"):
        list(api.runners())


@pytest.mark.parametrize("encoded", [None, 3, "", "a b", "x\ny"])
def test_a_configuration_is_what_it_should_be(api: GitHub, github: FakeGitHub, encoded: object) -> None:
    runner = {"id": 1, "name": "a", "status": "offline", "busy": False, "labels": []}
    github.scripted = [(201, {}, json.dumps({"runner": runner, "encoded_jit_config": encoded}).encode())]
    with pytest.raises(GitHubError, match="just-in-time"):
        api.configure("a", ())


def test_nobody_there(waited: list[float]) -> None:
    with pytest.raises(GitHubError, match="cannot be reached"):
        list(GitHub(SCOPE, Token(TOKEN), "http://127.0.0.1:9", waited.append).runners())


@pytest.mark.parametrize(
    "address", ["http://api.github.com", "ftp://x", "https://user@host", "api.github.com", "https://h/?a=1"]
)
def test_a_token_crosses_no_network_in_the_clear(address: str) -> None:
    with pytest.raises(UsageError, match="address"):
        check_address(address)


@pytest.mark.parametrize("scope", ["", "a/b/c", "../x", "a/..", "a b/c", "-a/b", "a/b?x"])
def test_a_scope_is_a_repository_or_an_organisation(scope: str) -> None:
    with pytest.raises(UsageError, match="repository or organisation"):
        GitHub(scope, Token(TOKEN))


def test_a_token_is_not_spelt_out() -> None:
    assert TOKEN not in f"{Token(TOKEN)!r} {Token(TOKEN)}"
