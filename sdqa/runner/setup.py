"""Set a machine up, and arm its next life: everything as actions, so that a second run only does what is missing."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sdqa.errors import UsageError
from sdqa.runner import archive, doctor, host, service, texts, users
from sdqa.runner.actions import Action
from sdqa.runner.github import Configured, GitHub
from sdqa.runner.place import RunnerFolder, RunnerState
from sdqa.store import write_atomically

SYSTEMS = {"macos": ("osx", "macOS"), "linux": ("linux", "Linux")}
"""What GitHub calls a system in its list of downloads, and as a label."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,50}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class ApplicationSource:
    """Where the runner application comes from."""

    archive: Path | None = None
    sha256: str = ""
    download: bool = False


def default_labels() -> tuple[str, ...]:
    """What a just-in-time runner has to name itself, where another is given it: system and processor."""
    return ("self-hosted", SYSTEMS[host.system()][1], host.architecture().upper())


def labels_of(place: RunnerFolder, more: tuple[str, ...]) -> tuple[str, ...]:
    """All labels of the runner, each once; while it works the machine is not looked over again, that would disturb it.

    Raises:
        UsageError: one of them cannot be a label.
    """
    known = place.read()
    if known is not None and service.service_of(place, known).is_running():
        return _checked((*known.labels, *more))
    return _checked((*default_labels(), *doctor.own_labels(), *more))


def check_name(name: str) -> str:
    """A runner's name.

    Raises:
        UsageError: GitHub, launchd or systemd would not take it.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:80]!r} cannot be a runner's name", where="--name", hint="letters, digits, dots, dashes"
        )
    return name


def _checked(labels: tuple[str, ...]) -> tuple[str, ...]:
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise UsageError(f"{label[:80]!r} cannot be a label", where="--label", hint="letters, digits, dots, dashes")
    return tuple(dict.fromkeys(labels))


def check_user(user: str) -> None:
    """Jobs never run as root.

    Raises:
        UsageError: they would; or another user is named, and this one may not set up for them.
    """
    root = os.geteuid() == 0
    if root and user in ("", "root"):
        raise UsageError("jobs do not run as root", hint="--user NAME: a user of their own, made where there is none")
    if user and not root:
        raise UsageError("only root sets up for another user", where="--user", hint="run this with sudo")


def actions(
    place: RunnerFolder, wanted: RunnerState, source: ApplicationSource, github: GitHub | None, *, resume: bool = False
) -> list[Action]:
    """All that setting up does, in order.

    Args:
        github: None for a dry run that has no token.

    Raises:
        UsageError: another runner is set up there, it is drained, or there is nothing to unpack.
    """
    known = place.read()
    if known is not None and (known.name, known.scope, known.user) != (wanted.name, wanted.scope, wanted.user):
        hint = "sdqa runner remove, or another --root"
        raise UsageError(f"{known.name} of {known.scope} is set up there", where=str(place.root), hint=hint)
    if place.drained.exists() and not resume:
        raise UsageError("this runner was drained", where=str(place.root), hint="setup --resume lets it work again")
    if known is None and source.archive is None and not source.download:
        hint = "--archive FILE --sha256 DIGEST, or --download"
        raise UsageError("there is no runner application to set up with", hint=hint)
    runs = service.service_of(place, wanted)
    steps = [users.creation(wanted.user)] if wanted.user else []
    steps += [*_folder(place, wanted, known), *_application(place, source, github), *files(_files(place, wanted))]
    if place.drained.exists():
        steps.append(Action(f"remove {place.drained}", place.drained.unlink))
    steps += runs.install()
    if wanted.service != "foreground":  # there the loop registers each life
        steps.append(_configuration(place, wanted, runs, github))
    return [*steps, runs.start()]


def arm(place: RunnerFolder, github: GitHub) -> Configured:
    """Register the next life, and remember its number; a registration that nobody lives any more is taken back.

    Raises:
        GitHubError: GitHub refuses.
        RunnerError: nothing is set up here.
    """
    state = _state(place)
    if state.runner:
        github.delete(state.runner)
    configured = github.configure(f"{state.name}-{secrets.token_hex(4)}", state.labels, state.group)
    try:
        place.write(replace(state, runner=configured.runner.id))
    except BaseException:
        github.delete(configured.runner.id)
        raise
    return configured


def _state(place: RunnerFolder) -> RunnerState:
    state = place.read()
    if state is None:
        raise UsageError(
            "no runner is set up here", where=str(place.root), hint="sdqa runner setup --scope OWNER/NAME --download"
        )
    return state


def _folder(place: RunnerFolder, wanted: RunnerState, known: RunnerState | None) -> list[Action]:
    made_user = known.made_user if known else bool(wanted.user) and users.number_of(wanted.user) is None
    kept = (known.sha256, known.version, known.runner) if known else ("", "", 0)
    state = replace(wanted, made_user=made_user, sha256=kept[0], version=kept[1], runner=kept[2])

    def make_work() -> None:
        place.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        users.give(place.work, wanted.user)

    return [
        Action(f"remember what is set up in {place.state_file}", lambda: place.write(state), lambda: known == state),
        Action(f"create folder {place.work}", make_work, lambda: users.owner_is(place.work, wanted.user)),
    ]


def _application(place: RunnerFolder, source: ApplicationSource, github: GitHub | None) -> list[Action]:
    def unpacked(digest: str) -> bool:
        state = place.read()
        return state is not None and state.sha256 == digest and (place.application / archive.START).is_file()

    def unpack(path: Path, digest: str, name: str) -> None:
        archive.unpack(path, digest, place.application)
        place.write(replace(_state(place), sha256=digest, version=archive.version_of(name)))

    if source.archive is not None:
        path, digest = source.archive, archive.check_digest(source.sha256)
        what = f"unpack {path} (sha256 {digest[:12]}…) into {place.application}"
        return [Action(what, lambda: unpack(path, digest, path.name), lambda: unpacked(digest))]
    if not source.download:
        return []
    kind = (SYSTEMS[host.system()][0], host.architecture())

    def download() -> None:
        assert github is not None
        published = github.download(*kind)
        with tempfile.TemporaryDirectory() as folder:
            unpack(archive.fetch(published, Path(folder)), published.sha256, published.filename)

    what = (
        f"download the runner published for {' '.join(kind)}, hold it to its sha256, unpack it into {place.application}"
    )
    return [Action(what, download, lambda: github is not None and unpacked(github.download(*kind).sha256), asks=True)]


def _files(place: RunnerFolder, state: RunnerState) -> dict[Path, tuple[str, int]]:
    return {
        place.script: (texts.one_life(place, state), 0o755),
        place.hook: (texts.hook(), 0o755),
        place.hook.with_name("pre_job.py"): (texts.hook_program(), 0o644),
    }


def files(wanted: Mapping[Path, tuple[str, int]]) -> list[Action]:
    """Write files: path → text and mode."""
    return [_file(path, text.encode(), mode) for path, (text, mode) in wanted.items()]


def _file(path: Path, data: bytes, mode: int) -> Action:
    def write() -> None:
        write_atomically(path, data)
        path.chmod(mode)

    def is_there() -> bool:
        return path.is_file() and path.read_bytes() == data and path.stat().st_mode & 0o777 == mode

    return Action(f"write {path}", write, is_there)


def _configuration(place: RunnerFolder, wanted: RunnerState, runs: service.Service, github: GitHub | None) -> Action:
    def is_armed() -> bool:
        state = place.read()
        if github is None or state is None or not state.runner:
            return False
        return (place.once.exists() or runs.is_running()) and github.find(state.runner) is not None

    def configure() -> None:
        assert github is not None
        configured = arm(place, github)
        try:
            place.once.unlink(missing_ok=True)
            handle = os.open(place.once, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(configured.encoded)
            users.give(place.once, wanted.user)
        except BaseException:
            github.delete(configured.runner.id)
            raise

    what = (
        f"register one job's runner with {wanted.scope} ({', '.join(wanted.labels)}), its configuration in {place.once}"
    )
    return Action(what, configure, is_armed, asks=True)
