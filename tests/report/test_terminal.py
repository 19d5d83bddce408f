"""The table on the terminal."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from sdqa.bundle import Run
from sdqa.report.terminal import console_for, print_run


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    """A stream that is no terminal."""

    encoding = "utf-8"


def printed(run: Run, stream: io.StringIO, **environment: str) -> str:
    print_run(run, console_for(stream, environment))
    return stream.getvalue()


def test_lanes_metrics_and_failing_checks_are_shown(run: Run) -> None:
    text = printed(run, Pipe())
    for lane in run.lanes[:3]:
        assert lane.variant in text
    assert "✕ fail tiny/palette2/reference/cpu/landscape-lake/lpips (worst of 10)\n    NaN, golden 0" in text
    assert "✕ Fail: 31 of 109 checks failed" in "\n".join(text.rstrip().splitlines()[-3:])


def test_colours_on_a_terminal_only(run: Run) -> None:
    assert "\x1b[" in printed(run, Terminal(), TERM="xterm-256color")
    assert "\x1b" not in printed(run, Pipe(), TERM="xterm-256color")


def test_no_color_is_honoured(run: Run) -> None:
    assert "\x1b" not in printed(run, Terminal(), NO_COLOR="1", TERM="xterm-256color")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_tables_keep_to_the_width(run: Run, columns: int) -> None:
    lines = printed(run, Pipe(), COLUMNS=str(columns)).splitlines()
    # Names of checks, addresses and the verdict are printed whole, so that they can be copied; the rest fits.
    assert all(line == line.rstrip() for line in lines if line.startswith("    ") and "NaN" in line)
    for line in lines:
        if not line.startswith(("✕ fail ", "! suspicious ", "? not measured ", "✕ Fail: ", "    index.html#/")):
            assert cell_len(line) <= columns, line


def test_control_characters_of_a_bundle_do_not_reach_the_terminal(run: Run) -> None:
    text = printed(run, Pipe())
    assert "SDQA-500" in text
    assert "\x1b" not in text
    assert "\x00" not in text


def test_a_stream_that_is_not_unicode_gets_the_table_too(run: Run) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_run(run, console_for(stream, {}))
    stream.flush()
    assert b"lpips" in raw.getvalue()


def test_text_of_a_bundle_is_no_command_of_a_ci_service(run: Run) -> None:
    lane = run.lanes[2]
    reason = "no\n::error::forged\n  ::add-mask::x\n##[error]forged"
    verdicts = tuple(v.model_copy(update={"reason": reason}) for v in lane.verdicts)
    forged = run.model_copy(update={"lanes": (lane.model_copy(update={"verdicts": verdicts}),)})
    lines = printed(forged, Pipe()).splitlines()
    assert any("forged" in line for line in lines)
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def test_failed_and_not_measured_differ_in_ascii_too(run: Run) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_run(run, console_for(stream, {}))
    stream.flush()
    lines = raw.getvalue().decode("ascii").splitlines()
    assert lines[-1].startswith("x Fail: ")
    assert any(line.startswith("x fail ") for line in lines)
    assert not any(line.startswith("? fail ") for line in lines)
