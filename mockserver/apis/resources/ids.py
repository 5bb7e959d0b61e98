"""Ids of rows: how their texts are made, and how the text of a path is written as a member of a row.

Must not know: stores, requests.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from mockserver.apis.base import derived_uuid, numbered_uuid
from mockserver.apis.resources.model import Resource
from mockserver.contract import Contract
from mockserver.contract.outline import Outline, Place

Accepts = Callable[[Any], bool]
"""Whether a text, as an id, passes the schemas of every place that shows it."""

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LETTERS = 8
"""Letters of an id that may have nothing else."""
FIRST = 1000
"""Numbers that are ids begin above this one, so that no id that a test makes up is taken."""
_TRIED = (*range(1, 65), 345)
"""Numbers that a way to make ids is tried with: so many that one which fits by chance is found out."""


def text_of(value: Any) -> str:
    """The id that a member or a variable of a path holds, as the text that rows are kept by."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def ids_in(resource: Resource, key: str) -> list[str]:
    """The id in the key of a row, or its parts where it has several."""
    return key.split("/") if len(resource.variables) > 1 else [key]


def value_of(text: str, outline: Outline) -> Any:
    """An id as a value of the type that a member has; the text where it spells no such value."""
    text = str(text)  # not a text of a class of its own, such as one that was decoded
    if "string" in outline.types or not outline.types:
        return text
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 19 and outline.types & {"integer", "number"}:
        return int(text)
    return text


class Maker(NamedTuple):
    """Makes ids."""

    make: Callable[[int], str]
    """The id of a number."""
    may_repeat: bool
    """Whether two numbers may have the same one, so that it has to be seen whether an id is free."""


def maker(seed: int, table: str, accepts: Accepts, example: str, draw: Callable[[Random], Any]) -> Maker:
    """How ids are made: different ones for different numbers, where a way to do that passes the schema.

    Args:
        seed: what ids are made from.
        table: the kind of row.
        accepts: whether the contract takes a text as an id.
        example: an id as the document shows one; a prefix such as `ord_` is kept.
        draw: a value of the id's schema, from random numbers; for ids of a pattern of their own.
    """
    prefix = example[: max(example.rfind("_"), example.rfind("-")) + 1] if "_" in example or "-" in example else ""
    scrambled = len(example.removeprefix(prefix)) or 8

    def short(number: int) -> str:
        return prefix + _base36(number * 0x9E3779B1 % 36**scrambled, scrambled)

    def drawn(number: int) -> str:
        return text_of(draw(Random(f"{seed} {table} {number}")))

    ways: list[Callable[[int], str]] = [lambda number: str(FIRST + number), lambda number: numbered_uuid(seed, number)]
    if example.isdigit() or not example:
        order = ways if example else [ways[1], ways[0]]
    elif _is_uuid(example):
        order = [ways[1], short, ways[0]]
    else:
        order = [short, ways[1], ways[0]]
    others: list[Callable[[int], str]] = [
        str,
        lambda number: derived_uuid(seed, table, number).replace("-", ""),
        lambda number: _letters(number * 0x9E3779B1 % 26**_LETTERS),
    ]
    for way in [*order, *others]:
        if all(accepts(way(number)) for number in _TRIED):
            return Maker(way, may_repeat=False)
    return Maker(drawn, may_repeat=True)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def _base36(number: int, length: int) -> str:
    text = ""
    while len(text) < length:
        number, pair = divmod(number, 1296)
        text = _PAIRS[pair] + text
    return text[-length:]


def _letters(number: int) -> str:
    text = ""
    for _ in range(_LETTERS):
        number, letter = divmod(number, 26)
        text += chr(ord("a") + letter)
    return text


def acceptance(contract: Contract, places: list[tuple[Place, Outline]]) -> Accepts:
    """Whether all the places where an id stands take a text, as the type that each has."""

    def accepts(text: str) -> bool:
        return all(contract.accepts(place, value_of(text, outline)) for place, outline in places)

    return accepts


def quoted(text: str) -> str:
    """An id as a segment of a path."""
    return quote(text, safe="~!$&'()*+,;=:@")


__all__ = ["Accepts", "Maker", "acceptance", "ids_in", "maker", "quoted", "text_of", "value_of"]
