"""A shared store in a bucket: s3fs against an S3 on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.store import Store, StorePlace, entries
from sdqa.store.shared import SharedStoreWarning

moto_server = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")
pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import s3fs

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "no_proxy": host,
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdirs("models", exist_ok=True)
    yield "s3://models/store"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_bucket_is_shared_by_machines(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    def machine(name: str, prefix: str = "") -> Store:
        monkeypatch.setattr(entries, "_verified", set())
        return Store(StorePlace.parse(bucket, prefix, folder=tmp_path / name))

    def build(folder: Path) -> None:
        (folder / "weights.bin").write_bytes(bytes(100_000))

    assert machine("one").memo("package", {"n": 1}, build).fresh
    for name, prefix in (("two", ""), ("three", "pr-1")):
        entry = machine(name, prefix).memo("package", {"n": 1}, build)
        assert not entry.fresh
        assert (entry.path / "weights.bin").read_bytes() == bytes(100_000)
    files = s3fs.S3FileSystem()
    [stored] = files.ls("models/store/main/objects")
    files.pipe_file(stored, b"something else")
    files.invalidate_cache()
    with pytest.warns(SharedStoreWarning, match="made again"):
        assert machine("four").memo("package", {"n": 1}, build).fresh
    assert not machine("five").memo("package", {"n": 1}, build).fresh


def test_a_bucket_that_is_not_there_is_said(bucket: str, tmp_path: Path) -> None:
    import s3fs

    store = Store(StorePlace.parse("s3://nowhere-at-all/store", folder=tmp_path / "here"))
    with pytest.warns(SharedStoreWarning, match="bucket"):
        assert store.memo("package", {"n": 1}, lambda folder: (folder / "x").touch()).fresh
    assert not s3fs.S3FileSystem().exists("nowhere-at-all")
