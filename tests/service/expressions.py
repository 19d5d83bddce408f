"""GitHub's expressions, as far as this project's workflows use them: contexts, comparisons, and a few functions."""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<op>&&|\|\||==|!=|!|\(|\)|,)|'(?P<text>(?:[^']|'')*)'|(?P<number>\d+)|(?P<name>[\w.*-]+))"
)
WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Expression:
    """One expression over contexts; `workspace` is where `hashFiles` looks."""

    def __init__(self, text: str, contexts: Mapping[str, Any], workspace: Path) -> None:
        self.contexts, self.workspace = contexts, workspace
        self.tokens: list[tuple[str, str]] = []
        place = 0
        text = text.strip()
        while place < len(text):
            match = TOKEN.match(text, place)
            assert match, f"cannot be read: {text[place:]}"
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind].replace("''", "'") if kind == "text" else match[kind]))
            place = match.end()

    def value(self) -> Any:
        found = self._or()
        assert not self.tokens, self.tokens
        return found

    def _take(self, *operators: str) -> str:
        if self.tokens and self.tokens[0][0] == "op" and self.tokens[0][1] in operators:
            return self.tokens.pop(0)[1]
        return ""

    def _or(self) -> Any:
        found = self._and()
        while self._take("||"):
            other = self._and()
            found = found or other
        return found

    def _and(self) -> Any:
        found = self._compared()
        while self._take("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._single()
        while operator := self._take("==", "!="):
            other = self._single()
            same = str(plain(found)).lower() == str(plain(other)).lower()
            found = same if operator == "==" else not same
        return found

    def _single(self) -> Any:
        if self._take("!"):
            return not self._single()
        if self._take("("):
            found = self._or()
            assert self._take(")")
            return found
        kind, word = self.tokens.pop(0)
        if kind == "text":
            return word
        if kind == "number":
            return int(word)
        if not self._take("("):
            return {"true": True, "false": False}[word] if word in ("true", "false") else self._looked_up(word)
        arguments = []
        while not self._take(")"):
            arguments.append(self._or())
            self._take(",")
        return self._called(word, arguments)

    def _looked_up(self, name: str) -> Any:
        root, *keys = name.split(".")
        assert root in self.contexts, f"no context {root}"
        found: Any = self.contexts[root]
        for number, key in enumerate(keys):
            if key == "*":  # of every one
                rest = keys[number + 1 :]
                every = found.values() if isinstance(found, Mapping) else found
                return [functools.reduce(_inside, rest, one) for one in every]
            found = _inside(found, key)
        return found

    def _called(self, name: str, arguments: list[Any]) -> Any:
        match name, arguments:
            case "toJSON", [data]:
                return json.dumps(data)
            case "fromJSON", [str() as text]:
                return json.loads(text)
            case "contains", [list() as data, item]:
                return item in data
            case "contains", [str() as text, part]:
                return str(part).lower() in text.lower()
            case "join", [list() as data, str() as gap]:
                return gap.join(map(str, data))
            case "always", []:
                return True
            case "hashFiles", patterns:
                files = [
                    path for path in sorted(self.workspace.rglob("*"))
                    if path.is_file() and any(fnmatch.fnmatch(path.name, str(one)) for one in patterns)
                ]  # fmt: skip
                return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest() if files else ""
        raise AssertionError(f"no function {name}({arguments})")


def _inside(found: Any, key: str) -> Any:
    return found.get(key, "") if isinstance(found, Mapping) else ""


def plain(value: Any) -> Any:
    """How GitHub writes a value into text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def evaluated(value: Any, contexts: Mapping[str, Any], workspace: Path) -> Any:
    """A value of the YAML with every `${{ }}` replaced; one that is nothing else keeps its type."""
    if isinstance(value, dict):
        return {key: evaluated(one, contexts, workspace) for key, one in value.items()}
    if isinstance(value, list):
        return [evaluated(one, contexts, workspace) for one in value]
    if not isinstance(value, str):
        return value
    alone = re.fullmatch(r"\$\{\{(.*?)\}\}", value.strip(), re.DOTALL)
    if alone and "${{" not in alone[1]:
        return Expression(alone[1], contexts, workspace).value()
    return WHOLE.sub(lambda found: str(plain(Expression(found[1], contexts, workspace).value())), value)
