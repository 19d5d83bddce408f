"""The comment on a pull request, written to a fake of GitHub's API on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sdqa.ci.comment import MARKER, MAX_COMMENT, comment, comment_text, read_brief, remembered
from sdqa.ci.github_api import BOT, Repository
from sdqa.cli import run as sdqa
from sdqa.errors import BundleError, GitHubError, UsageError
from sdqa.github import Token
from sdqa.report.brief import MAX_BYTES, Brief, BriefCheck, brief_of
from tests.builders import lane_record, run_record, verdicts_of
from tests.report.realistic import HOSTILE

HEAD = "ab" * 20
TOKEN = "a-token-of-this-test"


def pause(_: float) -> None:
    """Nobody waits here."""


class Fake(ThreadingHTTPServer):
    """Pull request 7 with comments, two a page."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = [{"number": 7, "state": "open", "head": {"sha": HEAD}}]
        self.asked: list[tuple[str, str]] = []
        self.refusal = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def say(self, body: str, login: str = BOT) -> None:
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"login": login}})


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, data: object, code: int = 200, **headers: str) -> None:
        body = json.dumps(data).encode()
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def respond(self) -> None:
        self.server.asked.append((self.command, self.path))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        path, _, query = self.path.partition("?")
        if self.server.refusal:
            self.answer({"message": "no"}, self.server.refusal)
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.answer({"message": "Bad credentials"}, 401)
        elif path == f"/repos/o/r/commits/{HEAD}/pulls":
            self.answer(self.server.pulls)
        elif path == "/repos/o/r/issues/7/comments" and self.command == "POST":
            self.server.say(body["body"])
            self.answer(self.server.comments[-1], 201)
        elif path == "/repos/o/r/issues/7/comments":
            page = int(query.partition("page=")[2].partition("&")[0]) if query.startswith("page=") else 1
            shown = self.server.comments[2 * page - 2 : 2 * page]
            more = 2 * page < len(self.server.comments)
            link = {"Link": f'<{self.server.url}{path}?page={page + 1}>; rel="next"'} if more else {}
            self.answer(shown, **link)
        elif self.command == "PATCH":
            [one] = [one for one in self.server.comments if path.endswith(f"/issues/comments/{one['id']}")]
            one["body"] = body["body"]
            self.answer(one)
        else:
            self.answer({"message": "Not Found"}, 404)

    do_GET = do_POST = do_PATCH = respond


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def brief(*checks: str, code: int = 1) -> Brief:
    return Brief(
        suite="embedded",
        title="Fail" if code else "Pass",
        sentence="1 of 3 checks failed.",
        exit_code=code,
        identity="0" * 12,
        checks=tuple(BriefCheck(check=check, status="fail") for check in checks),
        not_passed=len(checks),
    )


def test_one_comment_is_added_and_then_kept_up_to_date(fake: Fake) -> None:
    repository = Repository(fake.url, "o/r", Token(TOKEN), pause)
    for number in range(4):
        fake.say(f"something else {number}", login="somebody")
    assert comment(repository, brief("tiny/fp16/all/lpips", "tiny/fp16/all/psnr"), HEAD).endswith("added")
    assert "**New**\n\n- tiny/fp16/all/lpips" in fake.comments[4]["body"].replace("\\", "")
    assert comment(repository, brief("tiny/fp16/all/psnr", "tiny/fp16/all/ssim"), HEAD).endswith("brought up to date")
    assert len(fake.comments) == 5
    text = fake.comments[4]["body"].replace("\\", "")
    assert "**New**\n\n- tiny/fp16/all/ssim" in text
    assert "**Still**\n\n- tiny/fp16/all/psnr" in text
    assert "**Fixed**\n\n- tiny/fp16/all/lpips" in text


def test_a_comment_of_somebody_else_with_our_marker_stays(fake: Fake) -> None:
    fake.say(f"{MARKER} {{}} -->", login="somebody")
    comment(Repository(fake.url, "o/r", Token(TOKEN), pause), brief(code=0), HEAD)
    assert [one["user"]["login"] for one in fake.comments] == ["somebody", BOT]


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [{"number": 7, "state": "closed", "head": {"sha": HEAD}}],
        [{"number": 8, "state": "open", "head": {"sha": "cd"}}],
    ],
)
def test_without_an_open_pull_request_nothing_is_said(fake: Fake, pulls: list[dict[str, Any]]) -> None:
    fake.pulls = pulls
    assert "nothing to comment on" in comment(Repository(fake.url, "o/r", Token(TOKEN), pause), brief(), HEAD)
    assert {method for method, _ in fake.asked} == {"GET"}


@pytest.mark.parametrize("code", [401, 403, 404, 422, 429, 500])
def test_what_the_service_refuses_is_said_without_the_token(fake: Fake, code: int) -> None:
    fake.refusal = code
    with pytest.raises(GitHubError, match=str(code)) as raised:
        comment(Repository(fake.url, "o/r", Token(TOKEN), pause), brief(), HEAD)
    assert TOKEN not in str(raised.value)


def test_no_commit_is_asked_for_that_is_none(fake: Fake) -> None:
    with pytest.raises(UsageError, match="is no commit"):
        comment(Repository(fake.url, "o/r", Token(TOKEN), pause), brief(), "../../user")
    assert fake.asked == []


def test_the_verb_reads_everything_from_the_services_variables(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(brief("tiny/fp16/all/lpips").to_json()), encoding="utf-8")
    for name, value in (("GITHUB_REPOSITORY", "o/r"), ("GITHUB_TOKEN", TOKEN), ("GITHUB_API_URL", fake.url)):
        monkeypatch.setenv(name, value)
    assert sdqa(["ci", "comment", str(path), "--commit", HEAD, "--link", "https://example.org/run/1"]) == 0
    assert "pull request 7: comment added" in capsys.readouterr().out
    assert "(https://example.org/run/1)" in fake.comments[0]["body"]
    monkeypatch.delenv("GITHUB_TOKEN")
    assert sdqa(["ci", "comment", str(path), "--commit", HEAD]) == 2


def test_hostile_words_stay_words(hostile: str) -> None:
    bad = brief(hostile).model_copy(
        update={"sentence": hostile, "suite": hostile, "problems": (hostile, "@everybody", "--> <script>")}
    )
    text = comment_text(bad, link="javascript:alert(1)")
    assert "<script" not in text
    assert "javascript:" not in text.rpartition("](")[2]
    assert text.count("-->") == 1


def test_a_comment_is_never_too_long() -> None:
    text = comment_text(brief(*[f"lane/{number}/" + "x" * 150 for number in range(2_000)]))
    assert len(text) <= MAX_COMMENT
    assert MARKER in text


@pytest.mark.parametrize("text", ["", "no marker", f"{MARKER} not JSON -->", f'{MARKER} {{"checks": 3}} -->'])
def test_a_memory_that_cannot_be_read_is_none(text: str) -> None:
    assert remembered(text) == ()


@pytest.mark.parametrize(
    "content", ["{", "[]", json.dumps({"schema_version": 2}), '{"x": ' + " " * MAX_BYTES + "1}"], ids=range(4)
)
def test_a_brief_is_a_strangers_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "summary.json").write_text(content, encoding="utf-8")
    with pytest.raises(BundleError):
        read_brief(tmp_path / "summary.json")
    with pytest.raises(BundleError):
        read_brief(tmp_path / "nothing.json")


def test_a_runs_brief_is_small_whatever_the_run_says() -> None:
    lanes = [lane_record(f"{number}" + "ü" * 300, *verdicts_of("ü" * 300, *["fail"] * 50)) for number in range(40)]
    found = brief_of(run_record(*lanes, suite=HOSTILE * 100))
    assert len(json.dumps(found.to_json())) < MAX_BYTES
    assert found.not_passed == 2_000
    assert found.checks
