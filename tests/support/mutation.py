"""Damage to valid inputs. What a `Mutator` does depends on its seed alone."""

from __future__ import annotations

import contextlib
import json
from copy import deepcopy
from random import Random
from typing import Any

_INTERESTING_BYTES = [
    b"\x00",
    b"\xff",
    b"\x7f" * 8,
    b"\xff" * 8,
    b"\x00" * 8,
    b"\r\n",
    b"\xed\xa0\x80",
    b"%00",
    b"\xc3(",
]
_DEEP = "[" * 20_000 + "]" * 20_000


class _Raw(str):
    """Text that stands in a JSON document as it is."""


_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63), 1e308, -1e-308, float("nan"), float("inf"),
    -float("inf"), "", "0", "x" * 10_000, "\x00", "\ud800", "../../../etc/passwd", "'\"<script>", "é\u202e\U0001f600",
    [], {}, [[]], [None] * 300, {"": {}}, _Raw("1" * 4000), _Raw("1" * 5000), _Raw("1e999"), _Raw(_DEEP), _Raw("-"),
]  # fmt: skip


class Mutator:
    """``seed`` names the input: the same text always does the same."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    def damaged(self, data: bytes) -> bytes:
        """Some bytes changed, lost, doubled or added; JSON is as often changed in its structure."""
        if data[:1] in (b"{", b"[") and self.random.random() < 0.6:
            with contextlib.suppress(ValueError):  # it only looked like JSON
                return self.document(data)
        for _ in range(self.random.choice([1, 1, 1, 2, 4, 16])):
            data = self._step(data)
        return data

    def document(self, data: bytes) -> bytes:
        """A JSON document with some of its values replaced, left out or added."""
        root = [json.loads(data)]
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            self._change(root)
        return _dumped(root[0])

    def binary(self, most: int) -> bytes:
        return self.random.randbytes(self.random.randint(0, most))

    def value(self) -> bytes:
        """An odd JSON value."""
        return _dumped(self.random.choice(_VALUES))

    def _odd(self) -> Any:
        return deepcopy(self.random.choice(_VALUES))  # What is put into a document may be changed there.

    def _step(self, data: bytes) -> bytes:
        at = self.random.randint(0, len(data))
        upto = min(len(data), at + self.random.choice([1, 1, 2, 4, 8, 64]))
        match self.random.randrange(8):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + data[upto:]
            case 2:
                return data[:upto] + data[at:]
            case 3:
                return data[:at] + self.binary(16) + data[at:]
            case 4:
                odd = self.random.choice(_INTERESTING_BYTES)
                return data[:at] + odd + data[at + len(odd) :]
            case 5:
                return data[:at] + self.random.randbytes(upto - at) + data[upto:]
            case _:
                flipped = bytes(byte ^ 1 << self.random.randrange(8) for byte in data[at : at + 1])
                return data[:at] + flipped + data[at + 1 :]

    def _change(self, root: list[Any]) -> None:
        places = list(_places(root))
        holder, key = self.random.choice(places)
        match self.random.randrange(6):
            case 0 if holder is not root:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[self.random.choice(["", "version", "x" * 100, "\x00"])] = self._odd()
            case 2:
                other_holder, other_key = self.random.choice(places)
                holder[key] = json.loads(json.dumps(other_holder[other_key], default=str))
            case _:
                holder[key] = self._odd()


def _places(node: Any) -> Any:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(pairs):
        yield node, key
        yield from _places(child)


def _dumped(value: Any) -> bytes:
    raw: dict[str, str] = {}

    def marked(node: Any) -> Any:
        if isinstance(node, _Raw):
            raw[f"@raw{len(raw)}@"] = node
            return f"@raw{len(raw) - 1}@"
        if isinstance(node, dict):
            return {key: marked(child) for key, child in node.items()}
        return [marked(child) for child in node] if isinstance(node, list) else node

    text = json.dumps(marked(value))
    for mark, verbatim in raw.items():
        text = text.replace(f'"{mark}"', verbatim)
    return text.encode()
