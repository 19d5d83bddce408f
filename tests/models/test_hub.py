from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.numpy import load, save_file

from sdqa import cli
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_USAGE, DigestMismatch, ModelError, ModelUnreachable
from sdqa.models import load_teacher
from sdqa.models.hub import HubModel
from tests.models.conftest import REPOSITORY, Hub
from tests.models.test_examination import TEXT, UNET, save_as
from tests.models.test_opening import SUITE

SOURCE = f"hub:{REPOSITORY}"


def test_model_is_downloaded_pinned_and_then_used_from_the_cache(hub: Hub, tmp_path: Path) -> None:
    lock = tmp_path / "sdqa.lock"
    teacher = load_teacher(SOURCE, lock=lock)
    assert teacher.source == SOURCE
    entry = json.loads(lock.read_text())["models"][SOURCE]
    assert entry["revision"] == hub.commit
    assert "unet/diffusion_pytorch_model.safetensors" in entry["files"]
    assert teacher.digest == load_teacher(f"folder:{hub.folder}").digest
    hub.requests.clear()
    again = load_teacher(SOURCE, lock=lock)
    assert (again.digest, hub.requests) == (teacher.digest, [])
    assert load_teacher(SOURCE, lock=lock, offline=True).digest == teacher.digest


def test_only_what_a_teacher_needs_is_downloaded(hub: Hub) -> None:
    (hub.folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (hub.folder / "pipeline.py").write_text("raise SystemExit")
    load_teacher(SOURCE)
    assert not [request for request in hub.requests if request.endswith((".bin", ".py"))]


def test_the_only_variant_is_downloaded(hub: Hub) -> None:
    save_as(hub.folder, "fp16")
    (hub.folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    shutil.copy(hub.folder / TEXT.replace("model.", "model.fp16."), hub.folder / TEXT)
    teacher = load_teacher(SOURCE)
    assert teacher.digest == load_teacher(f"folder:{hub.folder}").digest
    fetched = [request.rpartition("/")[2] for request in hub.requests if request.startswith("GET")]
    assert "diffusion_pytorch_model.fp16.safetensors" in fetched
    assert "model.safetensors" in fetched
    assert "model.fp16.safetensors" not in fetched, "where there are plain files, they are read"


def test_nothing_large_is_downloaded_of_what_cannot_be_read(hub: Hub) -> None:
    save_as(hub.folder, "fp16")
    shutil.copy(hub.folder / UNET.replace("model.", "model.fp16."), hub.folder / UNET.replace("model.", "model.bf16."))
    with pytest.raises(ModelError, match=r"unet has its weights in several variants \(bf16, fp16\)"):
        load_teacher(SOURCE)
    for path in (hub.folder / "unet").glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    with pytest.raises(ModelError, match=r"unet has no diffusion_pytorch_model\.safetensors, only .*\.bin"):
        load_teacher(SOURCE)
    assert not [request for request in hub.requests if request.endswith((".safetensors", ".bin"))]


def test_pinned_revision_stays_when_the_branch_moves(hub: Hub, tmp_path: Path) -> None:
    lock = tmp_path / "sdqa.lock"
    before = load_teacher(SOURCE, lock=lock)
    hub.commit = "f" * 40
    (hub.folder / "model_index.json").write_text("{}")
    assert load_teacher(SOURCE, lock=lock).digest == before.digest


def test_changed_cache_is_refused(hub: Hub, tmp_path: Path) -> None:
    lock = tmp_path / "sdqa.lock"
    folder = load_teacher(SOURCE, lock=lock).folder
    assert folder is not None
    path = folder / "scheduler" / "scheduler_config.json"
    content = path.read_text()
    path.unlink()
    path.write_text(content.replace("epsilon", "v_prediction"))
    with pytest.raises(DigestMismatch, match=r"scheduler/scheduler_config\.json"):
        load_teacher(SOURCE, lock=lock)


def test_unreachable_hub_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub: Hub) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnreachable, match="cannot be reached") as caught:
        load_teacher(SOURCE, lock=tmp_path / "sdqa.lock")
    assert caught.value.exit_code == EXIT_INFRASTRUCTURE
    assert not (tmp_path / "sdqa.lock").exists()


def test_unknown_repository_is_one_clear_error(hub: Hub) -> None:
    with pytest.raises(ModelUnreachable, match="does not give nobody/nothing"):
        load_teacher("hub:nobody/nothing")


def test_offline_without_cache_asks_nobody(hub: Hub) -> None:
    with pytest.raises(ModelUnreachable):
        load_teacher(SOURCE, offline=True)
    assert hub.requests == []


def test_network_is_left_closed_again(hub: Hub) -> None:
    before = constants.HF_HUB_OFFLINE
    load_teacher(SOURCE)
    assert before == constants.HF_HUB_OFFLINE


@pytest.mark.parametrize("text", ["noslash", "a/b/c", "a/b@", "../x/y", "a/..", ""])
def test_bad_names_are_refused(text: str) -> None:
    with pytest.raises(ModelError):
        HubModel.parse(text)


def test_garbled_lock_is_named(hub: Hub, tmp_path: Path) -> None:
    lock = tmp_path / "sdqa.lock"
    lock.write_text("{")
    with pytest.raises(ModelError, match=r"sdqa\.lock"):
        load_teacher(SOURCE, lock=lock)


def test_a_model_in_the_cache_is_examined_by_a_plan(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"hub:{REPOSITORY}"
    load_teacher(source, lock=tmp_path / "sdqa.lock")
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(source=source), "utf-8")
    capsys.readouterr()
    hub.requests.clear()
    assert cli.run(("plan", "--suite", str(suite))) == EXIT_PASS
    said = capsys.readouterr().out
    assert "weights  one: " in said
    assert "goldens" in said
    weights = next((tmp_path / "cache").rglob("unet/*.safetensors"))
    kept = weights.resolve().read_bytes()
    tensors = load(kept)
    weights.unlink()
    save_file({name: one for name, one in tensors.items() if name != "conv_in.bias"}, weights)
    assert cli.run(("plan", "--suite", str(suite))) == EXIT_USAGE
    assert "1 missing keys: conv_in.bias" in "".join(capsys.readouterr())
    weights.unlink()
    assert cli.run(("plan", "--suite", str(suite))) == EXIT_PASS
    said = capsys.readouterr().out
    assert f"the weights of {source} are not all on this machine" in said
    assert "sdqa fetch --suite" in said
    assert hub.requests == []
