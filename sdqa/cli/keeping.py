"""Verbs over the store: how much it holds, and how it is made smaller."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sdqa.cli.options import json_option, store_option
from sdqa.errors import UsageError
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    from sdqa.store.housekeeping import Item


@click.group()
def store() -> None:
    """How much the store holds, and how it is made smaller."""


@store.command()
@store_option
@json_option
def size(store: StorePlace, as_json: bool) -> None:
    """Entries, bytes, oldest and newest use of each kind; what is no whole entry is named."""
    from sdqa.plan.quantity import show_bytes
    from sdqa.store.housekeeping import items, sizes

    found = items(store.folder)
    kinds, broken = sizes(found), [item for item in found if item.state != "entry"]
    if as_json:
        data = {
            "store": str(store),
            "bytes": sum(item.bytes for item in found),
            "kinds": [
                {"kind": one.kind, "entries": one.entries, "bytes": one.bytes}
                | {"oldest": _date(one.oldest), "newest": _date(one.newest)}
                for one in kinds
            ],
            "broken": [_data(item) for item in broken],
        }
        click.echo(json.dumps(data, indent=1, sort_keys=True))
        return
    for one in kinds:
        used = f"used {_date(one.oldest)} to {_date(one.newest)}"
        click.echo(f"{one.kind:20} {one.entries:6} entries {show_bytes(one.bytes):>9}  {used}")
    click.echo(f"{'total':20} {len(found):6} entries {show_bytes(sum(item.bytes for item in found)):>9}")
    for item in broken:
        click.echo(f"{item.state:20} {item.name} ({show_bytes(item.bytes)}): sdqa store prune removes it")


@store.command()
@store_option
@click.option("--max", "most", default=None, metavar="SIZE", help="What the store may hold afterwards, such as 8GB.")
@click.option("--older-than", "age", default=None, metavar="AGE", help="Remove what was not used for so long: 30d.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def prune(store: StorePlace, most: str | None, age: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove what is no whole entry, then the least recently used entries; never one that is in use."""
    from sdqa.plan.quantity import parse_age, parse_bytes, show_bytes
    from sdqa.store.housekeeping import prune as remove

    try:
        limit = None if most is None else int(str(parse_bytes(most)))
        seconds = None if age is None else parse_age(age)
    except ValueError as error:
        raise UsageError(str(error), where="sdqa store prune") from error
    done = remove(store.folder, most_bytes=limit, older_than_s=seconds, dry_run=dry_run)
    if as_json:
        data = {
            "store": str(store),
            "dry_run": dry_run,
            "removed": [_data(item) for item in done.removed],
            "kept_in_use": [_data(item) for item in done.kept_in_use],
            "bytes_before": done.bytes_before,
            "bytes_after": done.bytes_after,
        }
        click.echo(json.dumps(data, indent=1, sort_keys=True))
        return
    verb = "would remove" if dry_run else "removed"
    for item in done.removed:
        what = f"last used {_date(item.used)}" if item.state == "entry" else item.state
        click.echo(f"{verb}  {item.name} ({show_bytes(item.bytes)}, {what})")
    for item in done.kept_in_use:
        click.echo(f"in use  {item.name} ({show_bytes(item.bytes)})")
    click.echo(f"{show_bytes(done.bytes_before)} before, {show_bytes(done.bytes_after)} after")


def _date(used: int) -> str:
    return datetime.fromtimestamp(used / 1e9, UTC).isoformat(timespec="seconds")


def _data(item: Item) -> dict[str, str | int]:
    return {"name": item.name, "state": item.state, "bytes": item.bytes, "used": _date(item.used)}
