"""A store that machines share saves work and never changes a result: what is not whole there is a miss, and said."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from sdqa.cli import run
from sdqa.errors import EXIT_PASS, EXIT_USAGE, StoreError, UsageError
from sdqa.store import Entry, Store, StorePlace, entries
from sdqa.store.shared import SharedStoreWarning

KEY = {"teacher": "0" * 64, "case": "portrait"}
Machine = Callable[..., Store]


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path}/shared/store"
        return
    yield "memory://bucket/store"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def machine(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes machines: each has a folder of its own, and none has checked a file yet."""
    made = iter(range(100))

    def make(prefix: str = "", *, read_only: bool = False) -> Store:
        monkeypatch.setattr(entries, "_verified", set())
        folder = tmp_path / f"machine-{next(made)}"
        return Store(StorePlace.parse(url, prefix, read_only=read_only, folder=folder))

    return make


def build(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "weights.bin").write_bytes(bytes(range(256)) * 50)
    (folder / "facts.json").write_text("{}", encoding="utf-8")
    (folder / "empty").touch()


def unbuilt(folder: Path) -> None:
    raise AssertionError("it was made again")


def files(entry: Entry) -> dict[str, bytes]:
    return {
        path.relative_to(entry.path).as_posix(): path.read_bytes() for path in entry.path.rglob("*") if path.is_file()
    }


def objects(url: str) -> dict[str, bytes]:
    """Everything that lies in the shared store, by its name there."""
    filesystem, root = fsspec.core.url_to_fs(url)
    return {name[len(root) :].lstrip("/"): filesystem.cat_file(name) for name in filesystem.find(root)}


def put(url: str, name: str, data: bytes | None) -> None:
    filesystem, root = fsspec.core.url_to_fs(url)
    if data is None:
        filesystem.rm_file(f"{root}/{name}")
    else:
        filesystem.pipe_file(f"{root}/{name}", data)


def test_what_one_machine_made_another_copies(machine: Machine, url: str) -> None:
    first = machine().memo("sample", KEY, build)
    second = machine().memo("sample", KEY, unbuilt)
    assert (first.fresh, second.fresh) == (True, False)
    assert first.path != second.path
    assert files(first) == files(second)
    assert first.content == second.content
    third = machine().find("sample", KEY)
    assert third is not None
    assert files(third) == files(first)
    assert machine().find("sample", {"a": 1}) is None
    assert machine().find("trace", KEY) is None
    kinds = {name.split("/")[1] for name in objects(url)}
    assert {name.split("/")[0] for name in objects(url)} == {"main"}
    assert kinds == {"objects", "entries"}


def test_a_copy_is_read_once_and_then_the_folder_serves(machine: Machine, url: str) -> None:
    machine().memo("sample", KEY, build)
    here = machine()
    here.memo("sample", KEY, unbuilt)
    for name in objects(url):
        put(url, name, None)
    assert here.memo("sample", KEY, unbuilt).fresh is False


def test_pull_requests_read_main_and_write_their_own(machine: Machine, url: str) -> None:
    machine().memo("sample", KEY, build)
    before = objects(url)
    request = machine("pr-12")
    assert request.memo("sample", KEY, unbuilt).fresh is False
    assert objects(url) == before  # what main has is not kept twice
    request.memo("sample", {"case": "night"}, build)
    added = set(objects(url)) - set(before)
    assert {name.split("/")[0] for name in added} == {"pr-12"}
    assert machine("pr-12").find("sample", {"case": "night"}) is not None
    assert machine("pr-13").find("sample", {"case": "night"}) is None
    assert machine().find("sample", {"case": "night"}) is None  # main reads nothing that it did not write


def test_forks_read_only(machine: Machine, url: str) -> None:
    machine().memo("sample", KEY, build)
    before = objects(url)
    fork = machine("pr-99", read_only=True)
    assert fork.memo("sample", KEY, unbuilt).fresh is False
    assert fork.memo("sample", {"case": "night"}, build).fresh
    assert objects(url) == before


def test_an_object_is_written_once_and_the_manifest_last(
    machine: Machine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sdqa.store.shared import Shared

    written: list[str] = []
    real = Shared._write

    def note(self: Shared, where: str, data: bytes | Path) -> None:
        written.append(where.split("/store/")[1].split("/")[1])
        real(self, where, data)

    monkeypatch.setattr(Shared, "_write", note)
    machine().memo("sample", KEY, build)
    assert written == ["objects", "objects", "objects", "entries"]
    machine().memo("sample", {"case": "same files"}, build)
    assert written[4:] == ["entries"]


def test_two_machines_that_build_the_same_at_once_leave_a_whole_entry(machine: Machine) -> None:
    """Without a lock: their files may differ (times are in some), and each manifest names its own."""
    one, other = machine(), machine()

    def slow(folder: Path) -> None:
        other.memo("sample", KEY, lambda inner: (inner / "facts.json").write_text("other") and None)
        (folder / "facts.json").write_text("one")

    one.memo("sample", KEY, slow)
    assert files(machine().memo("sample", KEY, unbuilt))["facts.json"] in (b"one", b"other")


DAMAGE: dict[str, Callable[[str, bytes], bytes | None]] = {
    "truncated": lambda name, data: data[:-1],
    "longer": lambda name, data: data + b"x",
    "changed": lambda name, data: data[:-1] + b"x",
    "lost": lambda name, data: None,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_object_is_a_miss_and_is_mended(machine: Machine, url: str, damage: str) -> None:
    whole = files(machine().memo("sample", KEY, build))
    name = max((name for name in objects(url) if "/objects/" in name), key=lambda name: len(objects(url)[name]))
    put(url, name, DAMAGE[damage](name, objects(url)[name]))
    here = machine()
    with pytest.warns(SharedStoreWarning, match="made again"):
        assert here.find("sample", KEY) is None
    assert list((here.root / "sample").glob(".*")) == []  # nothing half copied is left
    with pytest.warns(SharedStoreWarning, match="made again"):
        entry = here.memo("sample", KEY, build)
    assert entry.fresh
    assert files(entry) == whole
    assert files(machine().memo("sample", KEY, unbuilt)) == whole  # who made it again put it right for all


def manifest_of(url: str) -> tuple[str, dict[str, Any]]:
    [name] = [name for name in objects(url) if "/entries/" in name]
    return name, json.loads(objects(url)[name])


@pytest.mark.parametrize(
    "tamper",
    [
        lambda manifest: b"{",
        lambda manifest: b"[]",
        lambda manifest: b"",
        lambda manifest: {**manifest, "schema": 2},
        lambda manifest: {**manifest, "key": {"another": "entry"}},
        lambda manifest: {**manifest, "files": []},
        lambda manifest: {**manifest, "files": {"../evil": next(iter(manifest["files"].values()))}},
        lambda manifest: {**manifest, "files": {"/tmp/evil": next(iter(manifest["files"].values()))}},
        lambda manifest: {**manifest, "files": {"a//b": next(iter(manifest["files"].values()))}},
        lambda manifest: {**manifest, "files": {"a": {"bytes": -1, "sha256": "0" * 64}}},
        lambda manifest: {**manifest, "files": {"a": {"bytes": 2**50, "sha256": "0" * 64}}},
        lambda manifest: {**manifest, "files": {"a": {"bytes": True, "sha256": "0" * 64}}},
        lambda manifest: {**manifest, "files": {"a": {"bytes": 1, "sha256": "../../x"}}},
        lambda manifest: {**manifest, "files": {"a": 3}},
        lambda manifest: {key: value for key, value in manifest.items() if key != "files"},
    ],
)
def test_a_manifest_that_is_none_or_another_s_is_a_miss(
    machine: Machine, url: str, tmp_path: Path, tamper: Any
) -> None:
    machine().memo("sample", KEY, build)
    name, manifest = manifest_of(url)
    changed = tamper(manifest)
    put(url, name, changed if isinstance(changed, bytes) else json.dumps(changed).encode())
    with pytest.warns(SharedStoreWarning, match="manifest"):
        assert machine().memo("sample", KEY, build).fresh
    assert not Path("/tmp/evil").exists()
    assert machine().memo("sample", KEY, unbuilt).fresh is False


def test_without_its_manifest_there_is_no_entry(machine: Machine, url: str) -> None:
    """As an upload leaves it that was killed."""
    machine().memo("sample", KEY, build)
    put(url, manifest_of(url)[0], None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert machine().find("sample", KEY) is None
        assert machine().memo("sample", KEY, build).fresh
    assert machine().memo("sample", KEY, unbuilt).fresh is False


@pytest.mark.parametrize(
    "error", [OSError("no route"), PermissionError("403"), TimeoutError(), RuntimeError("backend")]
)
def test_a_store_that_cannot_be_reached_is_a_miss_that_is_said_and_then_left_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store = machine()
    tried: list[str] = []

    def refuse(path: str, *_: object, **__: object) -> io.BytesIO:
        tried.append(path)
        raise error

    assert store._shared is not None
    monkeypatch.setattr(store._shared._files, "open", refuse)
    monkeypatch.setattr(store._shared._files, "exists", refuse)
    with pytest.warns(SharedStoreWarning) as said:
        made = [store.memo("sample", {"n": number}, build).fresh for number in range(10)]
    assert made == [True] * 10
    assert len(tried) == len(said) == 3
    assert type(error).__name__ in str(said[0].message)
    assert "left alone" in str(said[-1].message)


def test_an_interruption_while_it_is_copied_leaves_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdqa.store.shared import Shared

    machine().memo("sample", KEY, build)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    store = machine()
    monkeypatch.setattr(Shared, "_copy", stop)
    with pytest.raises(KeyboardInterrupt):
        store.memo("sample", KEY, unbuilt)
    assert [path for path in (store.root / "sample").iterdir() if path.is_dir()] == []
    monkeypatch.undo()
    assert store.memo("sample", KEY, unbuilt).fresh is False


@pytest.mark.parametrize(
    ("written", "prefix", "read_only", "said"),
    [
        ("s3://", "../main", False, "prefix"),
        ("s3://bucket/x", "a/b", False, "prefix"),
        ("folder", "pr-1", False, "a folder has no prefixes"),
        ("folder", "", True, "a folder has no prefixes"),
        ("S3 ://x", "", False, "address"),
    ],
)
def test_what_cannot_be_a_store_is_refused(written: str, prefix: str, read_only: bool, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        StorePlace.parse(written, prefix, read_only=read_only)


def test_a_kind_of_place_that_is_not_there_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        Store(StorePlace.parse("nonsense://x"))

    def missing(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(StoreError, match="s3://") as caught:
        Store(StorePlace.parse("s3://bucket/x"))
    assert "pip install s3fs" in caught.value.hint


def test_options_mean_the_same_when_they_are_passed_on() -> None:
    for place in (
        StorePlace(Path("a folder")),
        StorePlace.parse("s3://bucket/store/"),
        StorePlace.parse("s3://bucket/store", "pr-1", read_only=True),
    ):
        options = dict(option.partition("=")[::2] for option in place.options("--store"))
        prefix = options.get("--store-prefix", "")
        again = StorePlace.parse(options["--store"], prefix, read_only="--store-read-only" in options)
        assert again == place


def test_the_verbs_take_a_shared_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Store(StorePlace.parse(f"file://{tmp_path}/shared")).memo("sample", KEY, build)
    assert (
        run(["store", "size", "--store", f"file://{tmp_path}/shared", "--store-prefix", "pr-1", "--json"]) == EXIT_PASS
    )
    assert json.loads(capsys.readouterr().out)["kinds"][0]["entries"] == 1  # of the copies here
    assert run(["store", "size", "--store", "folder", "--store-read-only"]) == EXIT_USAGE
    monkeypatch.setenv("SDQA_STORE_PREFIX", "pr-1")
    monkeypatch.setenv("SDQA_STORE_READ_ONLY", "1")
    assert run(["store", "size", "--store", "folder"]) == EXIT_PASS  # what the environment says is of shared stores
    assert run(["store", "size", "--store", f"file://{tmp_path}/shared"]) == EXIT_PASS
    monkeypatch.setenv("SDQA_STORE_PREFIX", "../x")
    assert run(["store", "size", "--store", f"file://{tmp_path}/shared"]) == EXIT_USAGE
