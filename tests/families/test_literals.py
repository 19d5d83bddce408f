"""What a pipeline is made of is written down in `sdqa/families` and nowhere else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sdqa.families import flow_order

PACKAGE = Path(__file__).parents[2] / "sdqa"

EXEMPT = {
    "faults/pairs.py": "the catalogue's own targets: which faults take turns in each place",
}


def listings(tree: ast.AST, names: frozenset[str]) -> list[int]:
    """Lines of tuples, lists, sets and dictionaries that write down two or more of the names."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(keys=items):
                words = {item.value for item in items if isinstance(item, ast.Constant)}
                if len(words & names) > 1:
                    found.append(node.lineno)
    return found


def test_components_are_listed_in_families_only() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        lines = listings(ast.parse(path.read_text("utf-8")), frozenset(flow_order()))
        if lines and not place.startswith("families/"):
            found[place] = lines
    assert found.keys() == EXEMPT.keys(), found


@pytest.mark.parametrize(
    "code",
    [
        '("unet", "vae_decoder")',
        '["text_encoder", x, "unet"]',
        '{"unet", "vae_encoder"}',
        '{"unet": 1, "vae_decoder": 2}',
    ],
)
def test_a_listing_would_be_found(code: str) -> None:
    names = frozenset(flow_order())
    assert listings(ast.parse(f"a = {code}"), names) == [1]
    assert listings(ast.parse('a = ("unet", "vae"); b = {"unet": 1}'), names) == []
