"""A teacher from a model hub: its revision resolved once, its files recorded with digests, verified ever after."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sdqa import compat
from sdqa.errors import DigestMismatch, ModelError, ModelUnreachable
from sdqa.families import FAMILIES, Family, Part, tokenizer_parts
from sdqa.families.index import INDEX_FILE
from sdqa.models.folder import TOKENIZER_FILES, load_folder
from sdqa.models.lock import LockEntry, read_lock, record_in_lock
from sdqa.models.opening import Opening, examine_folder, open_folder
from sdqa.models.teacher import Teacher
from sdqa.models.tokens import read_tokenizer
from sdqa.models.weights import choose_variant, has_weights, weight_names
from sdqa.store import file_digest

_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
DEFAULT_REVISION = "main"


@dataclass(frozen=True)
class HubModel:
    """What a `hub:` source names."""

    repository: str
    revision: str
    """A branch, tag or commit; resolved to a commit."""

    @classmethod
    def parse(cls, text: str) -> HubModel:
        """`OWNER/NAME` or `OWNER/NAME@REVISION`.

        Raises:
            ModelError: it is neither.
        """
        match = _NAME.fullmatch(text)
        if match is None or ".." in text:
            raise ModelError(f"{text!r} does not name a hub model", hint="hub:OWNER/NAME or hub:OWNER/NAME@REVISION")
        return cls(match["repository"], match["revision"] or DEFAULT_REVISION)


def wanted_files() -> list[str]:
    """The files that a teacher is made of besides its weights: configurations and tokenizers."""
    tokenizers = [f"{part}/{name}" for part in tokenizer_parts() for name in TOKENIZER_FILES]
    return [*configuration_files(), *tokenizers]


def weight_files(family: Family, names: Sequence[str], source: str) -> list[str]:
    """Of a repository's files, the weights of a family's parts: where a part has only a variant, those of the variant.

    Raises:
        ModelError: a part has no weights in safetensors, or several variants and no plain ones.
    """
    found = []
    for part in family.weighted_parts:
        inside = [name.removeprefix(f"{part.name}/") for name in names if name.startswith(f"{part.name}/")]
        variant = choose_variant(part, inside, source)
        found += [f"{part.name}/{name}" for name in weight_names(part, inside, variant)]
    return found


def configuration_files() -> list[str]:
    """The files that say what a pipeline is, of any family."""
    parts = {part.name: part.configuration for family in FAMILIES.values() for part in family.parts}
    return [INDEX_FILE, *(f"{part}/{name}" for part, name in parts.items() if name)]


def load_hub(text: str, *, source: str, lock: Path | None, offline: bool) -> Teacher:
    """A teacher from a hub, or from its cache.

    Args:
        text: `OWNER/NAME[@REVISION]`.
        source: the whole source, for messages and as the key in the lock.
        lock: the lock file; None neither reads nor records.
        offline: use the cache only.

    Raises:
        ModelUnreachable: not in the cache, and the hub cannot be reached or does not have it.
        DigestMismatch: a file is not the one that the lock records.
        ModelError: the model is not a pipeline in safetensors.
        UnsupportedModel: it cannot be drawn; its weights are not fetched.
    """
    model = HubModel.parse(text)
    locked = read_lock(lock).get(source) if lock is not None else None
    commit = locked.revision if locked is not None else None
    folder, commit = _fetch(model, commit, source=source, offline=offline)
    files = {
        path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    if locked is not None:
        verify(locked.files, files, source=source)
    elif lock is not None:
        record_in_lock(lock, source, LockEntry(revision=commit, files=files))
    return load_folder(folder, source=source)


def look_at_hub(text: str, *, source: str, lock: Path | None) -> Opening | None:
    """What the cache knows of a hub model's pipeline, without asking the hub; None when it is not in the cache.

    Where its weights are there too, it is examined as a folder is.

    Raises:
        ModelError: a file is garbled, or as in `examine_folder`.
        UnsupportedModel: it cannot be drawn.
    """
    compat.prepare_hub_environment()
    from huggingface_hub import constants, try_to_load_from_cache

    model = HubModel.parse(text)
    locked = read_lock(lock).get(source) if lock is not None else None
    revision = locked.revision if locked is not None else model.revision
    index = try_to_load_from_cache(model.repository, INDEX_FILE, cache_dir=constants.HF_HUB_CACHE, revision=revision)
    if not isinstance(index, str):
        return None
    folder = Path(index).parent
    opened = open_folder(folder, source=source)
    tokenizers = [folder / one.tokenizer for one in opened.family.text_encoders]
    if not all((place / "tokenizer_config.json").is_file() for place in tokenizers):
        return opened  # what a teacher is made of is not all there yet
    if all(_has_weights(folder, part) for part in opened.family.weighted_parts):
        return examine_folder(folder, source=source)
    return replace(opened, tokenizer=lambda: read_tokenizer(tokenizers[0], source=source))


def _has_weights(folder: Path, part: Part) -> bool:
    """Whether the cache holds a file of a part's weights, or a name of one that leads to none."""
    place = folder / part.name
    return place.is_dir() and has_weights(part, [path.name for path in place.iterdir()])


def fetch_file(repository: str, names: Sequence[str], *, source: str, lock: Path | None) -> Path:
    """One file of a repository, downloaded unless it is in the cache: where the library that wants it will look.

    Args:
        names: what the file may be called; the first that is there counts.
        source: what it is for: the key in the lock, and for messages.
        lock: where its digest is recorded when it is first fetched, and verified after that.

    Raises:
        ModelUnreachable: it is not in the cache, and the hub cannot be reached or does not have it.
        DigestMismatch: it is not the file that the lock records.
    """
    path = cached_file(repository, names) or _download(repository, names, source)
    found = {path.name: file_digest(path)}
    locked = read_lock(lock).get(source) if lock is not None else None
    if locked is not None:
        verify(locked.files, found, source=source)
    elif lock is not None:
        record_in_lock(lock, source, LockEntry(revision=path.parent.name, files=found))
    return path


def cached_file(repository: str, names: Sequence[str]) -> Path | None:
    """The first of a repository's files that is in the cache, without asking the hub; None where none is."""
    compat.prepare_hub_environment()
    from huggingface_hub import constants, try_to_load_from_cache

    places = (try_to_load_from_cache(repository, name, cache_dir=constants.HF_HUB_CACHE) for name in names)
    return next((Path(place) for place in places if isinstance(place, str)), None)


def _download(repository: str, names: Sequence[str], source: str) -> Path:
    compat.prepare_hub()
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    endpoint = os.environ.get("HF_ENDPOINT")
    failures: tuple[type[Exception], ...] = (HfHubHTTPError, *_connection_errors())
    try:
        with compat.hub_online():
            for name in names:
                try:
                    found = huggingface_hub.hf_hub_download(
                        repository, name, cache_dir=constants.HF_HUB_CACHE, endpoint=endpoint
                    )
                    return Path(found)
                except EntryNotFoundError:
                    continue
    except failures as error:
        raise ModelUnreachable(
            f"the hub does not give {repository}",
            where=source,
            hint="connect once (and unset HF_HUB_OFFLINE), then run sdqa fetch again",
        ) from error
    raise ModelUnreachable(f"{repository} has none of {', '.join(names)}", where=source, hint="name another model")


def verify(recorded: dict[str, str], found: dict[str, str], *, source: str) -> None:
    """Refuse files that are not the recorded ones.

    Raises:
        DigestMismatch: with the names of those that differ, are missing or are new.
    """
    changed = sorted(name for name in recorded.keys() | found.keys() if recorded.get(name) != found.get(name))
    if changed:
        raise DigestMismatch(
            f"{len(changed)} file{'s are' if len(changed) > 1 else ' is'} not as recorded: {', '.join(changed[:5])}",
            where=source,
            hint="remove the damaged model from the cache, or its entry from sdqa.lock to accept the change",
        )


def _fetch(model: HubModel, commit: str | None, *, source: str, offline: bool) -> tuple[Path, str]:
    """The snapshot's folder in the cache and its commit; downloaded if it is not there and the hub is in reach."""
    compat.prepare_hub()
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    cached = _cached(model, commit or model.revision)
    if cached is not None and (offline or commit is not None):
        return cached, cached.name
    unreachable = ModelUnreachable(
        "the hub cannot be reached and the model is not in the cache",
        where=source,
        hint='connect once (and unset HF_HUB_OFFLINE), or name a local copy: source = "folder:PATH"',
    )
    if offline:
        raise unreachable
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        with compat.hub_online():
            if commit is None:
                api = huggingface_hub.HfApi(endpoint=endpoint)
                commit = str(api.model_info(model.repository, revision=model.revision).sha)
            download = partial(huggingface_hub.snapshot_download, model.repository, revision=commit, endpoint=endpoint)
            opened = open_folder(Path(download(allow_patterns=configuration_files())), source=source)
            names = huggingface_hub.HfApi(endpoint=endpoint).list_repo_files(model.repository, revision=commit)
            weights = weight_files(opened.family, names, source)  # gigabytes only of what can be drawn
            folder = Path(download(allow_patterns=[*wanted_files(), *weights]))
        return folder, commit
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        raise ModelUnreachable(
            f"the hub does not give {model.repository}@{model.revision} (status {status})",
            where=source,
            hint="check the name and revision; a gated model needs HF_TOKEN and accepted terms",
        ) from error
    except _connection_errors() as error:
        if cached is not None:
            return cached, cached.name
        raise unreachable from error


def _connection_errors() -> tuple[type[Exception], ...]:
    """What the HTTP client of huggingface_hub raises when a connection fails; which client depends on its version."""
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import _http

    clients: list[Any] = [getattr(_http, name, None) for name in ("httpx2", "httpx")]
    return (OSError, OfflineModeIsEnabled, *(client.HTTPError for client in clients if client is not None))


def _cached(model: HubModel, revision: str) -> Path | None:
    """The snapshot of a revision, if it is in the cache with all that a teacher needs."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                model.repository, revision=revision, local_files_only=True, allow_patterns=wanted_files()
            )
        )
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
    return folder if (folder / "model_index.json").is_file() else None
