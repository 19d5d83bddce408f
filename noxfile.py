"""The project's sessions: `nox -s qa` is the main job. Arguments after `--` go through to the command.

torch and torchvision are pinned together and installed first, so that no other requirement brings in another build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests", "qa"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

TORCH = ("torch==2.13.0", "torchvision==0.28.0")
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def prepare(session: nox.Session, *extras: str) -> None:
    """The product and its optional requirements, from the source tree, in the session's own environment.

    What is installed is remembered in the environment, so that a second run does not ask the index again.
    """
    names = f"[{','.join(extras)}]" if extras else ""
    wanted = hashlib.sha256(Path("pyproject.toml").read_bytes() + repr((TORCH, names)).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "sdqa-installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        session.install("-q", *TORCH, "-e", f".{names}")
        stamp.write_text(wanted)


def sdqa(session: nox.Session, *arguments: str) -> None:
    """Install and run a verb of the command line; its exit code is the session's."""
    prepare(session)
    command(session, "-m", "sdqa", *arguments, *session.posargs, env=ENVIRONMENT)


def command(session: nox.Session, *arguments: str, env: dict[str, str]) -> None:
    """Run Python; nox would turn every failure into exit code 1, but sdqa's codes are part of its contract."""
    python = shutil.which("python", path=session.bin)
    process = subprocess.Popen([str(python), *arguments], env={**os.environ, **env})
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:  # the process got it too, and is writing the bundle of what ran
            continue
    if code:
        sys.exit(code)


@nox.session
def qa(session: nox.Session) -> None:
    """The main job: convert, generate, score, gate and report."""
    sdqa(session, "qa")


@nox.session
def tests(session: nox.Session) -> None:
    """The project's own tests but the long ones; `-- --all` is everything, `-- --fast` leaves out the slow ones too."""
    prepare(session, "test")
    chosen = [argument for argument in session.posargs if argument not in ("--fast", "--all")]
    left_out = [] if "--all" in session.posargs else ["-m", "not slow" if "--fast" in session.posargs else "not long"]
    session.run("python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *left_out, *chosen, env=ENVIRONMENT)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff and mypy, strict; of what runs on GitHub zizmor, without a network, and the schemas."""
    prepare(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("zizmor", "--offline", "--min-severity", "medium", "-q", ".github")
    for kind, pattern in (("workflows", "workflows/*.yml"), ("actions", "actions/*/action.yml")):
        files = sorted(str(path) for path in Path(".github").glob(pattern))
        session.run("check-jsonschema", "--builtin-schema", f"vendor.github-{kind}", *files)


@nox.session
def build(session: nox.Session) -> None:
    """The wheel and the source distribution, in dist/."""
    session.install("-q", "build>=1.2,<2")
    session.run("python", "-m", "build", "--outdir", "dist", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, in build/site; a broken link is an error. `-- --serve` shows it as it grows."""
    prepare(session, "docs")
    if "--serve" in session.posargs:
        session.run("python", "-m", "mkdocs", "serve")
    else:
        session.run("python", "-m", "mkdocs", "build", "--strict", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """The README's pictures of the page, from a run with a planted fault; needs a Chromium."""
    prepare(session, "test")
    bundle = "build/red"
    planted = ("-m", "sdqa", "qa", "--fault", "unet-2bit", "--output", bundle)
    session.run("python", *planted, env=ENVIRONMENT, success_codes=[1])  # the gate has to fail
    command(session, "-m", "docs.screenshots", bundle, env=ENVIRONMENT)


@nox.session
def convert(session: nox.Session) -> None:
    """The convert stage alone."""
    sdqa(session, "convert")


@nox.session
def generate(session: nox.Session) -> None:
    """The generate stage alone."""
    sdqa(session, "generate")


@nox.session
def score(session: nox.Session) -> None:
    """The score stage alone."""
    sdqa(session, "score")


@nox.session
def gate(session: nox.Session) -> None:
    """The verdicts of a bundle again, with today's tolerances."""
    sdqa(session, "gate")


@nox.session
def report(session: nox.Session) -> None:
    """The page of a bundle again."""
    sdqa(session, "report")


@nox.session
def goldens(session: nox.Session) -> None:
    """Record the references from the PyTorch teacher; `-- --reason '…'` where one changes."""
    sdqa(session, "goldens")


@nox.session
def diagnose(session: nox.Session) -> None:
    """Name the component, the stage and the operation that broke a candidate."""
    sdqa(session, "diagnose")


@nox.session
def faults(session: nox.Session) -> None:
    """Plant every fault and show what the gate catches; `-- --quick` for the short list."""
    prepare(session, "yardstick")
    command(session, "-m", "sdqa", "faults", "run", *session.posargs, env=ENVIRONMENT)


@nox.session(name="held-out")
def held_out(session: nox.Session) -> None:
    """Faults and harmless changes that the catalogue does not have: caught, blamed, silent? Half an hour."""
    prepare(session, "yardstick", "test")
    command(session, "-m", "tests.faults.held_out", *session.posargs, env=ENVIRONMENT)


@nox.session
def honesty(session: nox.Session) -> None:
    """How often the gate fails a sound lane from noise that no tolerance was measured with; `-- --runs N`."""
    sdqa(session, "faults", "honesty")


@nox.session
def calibrate(session: nox.Session) -> None:
    """Measure harmless noise and the nearest visible faults, and place the tolerances between them."""
    sdqa(session, "calibrate")


@nox.session
def conformance(session: nox.Session) -> None:
    """coremltools' own tests, predicted by the reference runtime."""
    prepare(session, "test")
    command(session, "-m", "sdqa.mil.conformance", *session.posargs, env=ENVIRONMENT)


@nox.session
def bench(session: nox.Session) -> None:
    """The reference runtime against torch eager; prints a table, asserts nothing."""
    prepare(session)
    command(session, "-m", "sdqa.mil.bench", *session.posargs, env=ENVIRONMENT)


@nox.session(name="bench-service")
def bench_service(session: nox.Session) -> None:
    """What shares buy on this machine, and how well the plan foretells it; prints a table, asserts nothing."""
    prepare(session, "test")
    command(session, "-m", "tests.service.bench", *session.posargs, env=ENVIRONMENT)


@nox.session
def runner(session: nox.Session) -> None:
    """A machine of your own that runs CI jobs: `-- doctor | setup | status | drain | remove`; installs no torch."""
    engine = ("coremltools>=9.0,<10",) if sys.platform == "darwin" else ()  # says whether there is a Neural Engine
    session.install("-q", "click>=8.1,<9", *engine)
    session.install("-q", "--no-deps", "-e", ".")
    command(session, "-m", "sdqa", "runner", *session.posargs, env=ENVIRONMENT)


@nox.session
def oracle(session: nox.Session) -> None:
    """The reference runtime and Core AI on the same components; a disagreement beyond rounding is an error."""
    prepare(session, "coreai")
    command(session, "-m", "sdqa", "oracle", *session.posargs, env=ENVIRONMENT)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Mutated packages against the reference runtime, bounded in number and time."""
    prepare(session, "test")
    fuzz = ("-X", "faulthandler", "-m", "pytest", "-q", "-s", "tests/mil/fuzz_packages.py")
    command(session, *fuzz, *session.posargs, env=ENVIRONMENT)


@nox.session
def dashboard(session: nox.Session) -> None:
    """A static site over the runs in .sdqa/history, in site/; `-- --demo` makes one of 120 runs that really ran."""
    prepare(session, "dashboard")
    if "--demo" in session.posargs:
        rest = [argument for argument in session.posargs if argument != "--demo"]
        command(session, "-m", "tests.dashboard.demo", *rest, env=ENVIRONMENT)
    else:
        command(session, "-m", "sdqa", "dashboard", *session.posargs, env=ENVIRONMENT)


@nox.session(name="train-tiny")
def train_tiny(session: nox.Session) -> None:
    """Train or evaluate the embedded model; resumes where it was stopped."""
    prepare(session, "test")
    threads = {**ENVIRONMENT, "OMP_NUM_THREADS": "2"}
    command(session, "-m", "training", *session.posargs, env=threads)
