"""The expressions of templates: how each is compiled, and what it makes of a request, the state and the clock.

Adding one is a function and a line in OPERATORS. Must not know: files, requests' bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Protocol

from mockserver.clock import LAST, parse_duration, timestamp
from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON
from mockserver.text.arithmetic import (
    TemplateError,
    all_true,
    any_true,
    compared,
    concatenated,
    divided,
    equal,
    is_number,
    length,
    list_of,
    merged,
    number_of,
    numeric,
    product,
    remainder,
    rounded,
    text_of,
    truth,
)
from mockserver.text.documents import parts_of
from mockserver.text.jsontext import copied
from mockserver.text.matchers import MISSING, show
from mockserver.text.references import Reference, parse_reference, parse_state
from mockserver.text.rendering import Place, Render, Scope, Sources


class Compiler(Protocol):
    """Compiles the parts of an expression, and hears what it refers to."""

    requests: list[tuple[Place, Reference]]
    tables: list[tuple[Place, str]]

    def compile(self, node: Any, place: Place) -> Render:
        """Compile a part."""


_Make = Callable[[Compiler, dict[str, Any], Place], Render]


def _request(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    reference = parse_reference(node["$request"])
    compiler.requests.append(((*place, "$request"), reference))
    return _part("request", reference, lambda sources: sources.request(reference))


def _response(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    reference = parse_reference(node["$response"], places=("body", "header", "status"))
    return _part("response", reference, lambda sources: sources.response(reference))


def _part(message: str, reference: Reference, read: Callable[[Sources], JSON]) -> Render:
    """A part of a message, which it must have."""

    def render(scope: Scope) -> JSON:
        value = read(scope.sources)
        if value is MISSING:
            raise TemplateError(f"the {message} has no {reference}")
        return copied(scope.taken(value))

    return render


def _state(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    said = node["$state"]
    if isinstance(said, dict):
        unknown = next((key for key in said if key not in ("of", "id", "at")), None)
        if unknown is not None or not isinstance(said.get("of"), str):
            raise UserError("write {$state: {of: orders, id: ..., at: /total}}; `id` and `at` may be left out")
        table, parts = said["of"], parts_of(str(said.get("at") or ""))
        key = compiler.compile(said["id"], (*place, "$state", "id")) if "id" in said else None
    else:
        short = parse_state(said)
        table, parts, key = short.table, short.parts, None
        if short.reference is not None:
            compiler.requests.append(((*place, "$state"), short.reference))
            key = _request_of(short.reference)
        elif short.id is not None:
            literal = short.id
            key = lambda scope: literal  # noqa: E731
    compiler.tables.append(((*place, "$state"), table))

    def render(scope: Scope) -> JSON:
        id = None if key is None else text_of(key(scope))
        value = scope.sources.state(table, id)
        if value is MISSING:
            raise TemplateError(f"{table} has no row {id!r}")
        return copied(scope.taken(_within(value, parts, f"{table}[{id}]" if id is not None else table)))

    return render


def _request_of(reference: Reference) -> Render:
    def render(scope: Scope) -> JSON:
        value = scope.sources.request(reference)
        if value is MISSING:
            raise TemplateError(f"the request has no {reference}")
        return value

    return render


def _within(value: JSON, parts: list[str], shown: str) -> JSON:
    for part in parts:
        shown += f"/{part}"
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise TemplateError(f"there is no {shown}")
    return value


def _item(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    pointer = node["$item"] or ""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise UserError(f"`$item` takes an RFC 6901 pointer into the item, such as /price, not {show(pointer)}")
    parts = parts_of(pointer)

    def render(scope: Scope) -> JSON:
        if scope.item is MISSING:
            raise TemplateError("there is an item only in the `each` of a `$map`")
        return copied(scope.taken(_within(scope.item, parts, "item")))

    return render


def _map(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    if "each" not in node:
        raise UserError("`$map` needs `each`: what becomes of every item")
    over = compiler.compile(node["$map"], (*place, "$map"))
    each = compiler.compile(node["each"], (*place, "each"))

    def render(scope: Scope) -> JSON:
        items, outer = list_of(over(scope)), (scope.item, scope.index)
        made = []
        try:
            for scope.index, scope.item in enumerate(items):
                made.append(each(scope))
        finally:
            scope.item, scope.index = outer
        return made

    return render


def _if(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    if "then" not in node:
        raise UserError("`$if` needs `then`, and may have `else`")
    test = compiler.compile(node["$if"], (*place, "$if"))
    then = compiler.compile(node["then"], (*place, "then"))
    other = compiler.compile(node.get("else"), (*place, "else"))
    return lambda scope: then(scope) if truth(test(scope)) else other(scope)


def _now(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    said = node["$now"]
    if isinstance(said, str):
        said = {"plus": said[1:]} if said[:1] == "+" else {"minus": said[1:]} if said[:1] == "-" else {"as": said}
    if not isinstance(said, dict | None) or any(key not in ("plus", "minus", "as") for key in said or {}):
        raise UserError("write {$now: }, {$now: +3d}, {$now: unix}, or {$now: {plus: 3d, as: date}}")
    said = said or {}
    form = said.get("as", "iso")
    if form not in _FORMS:
        raise UserError(f"`as` is one of {', '.join(_FORMS)}, not {show(form)}{did_you_mean(str(form), _FORMS)}")
    offset = parse_duration(str(said.get("plus", "0s"))) - parse_duration(str(said.get("minus", "0s")))
    write = _FORMS[form]
    return lambda scope: write(min(max(scope.sources.now + offset, 0.0), LAST))


_FORMS: dict[str, Callable[[float], JSON]] = {
    "iso": timestamp,
    "date": lambda epoch: timestamp(epoch)[:10],
    "unix": int,
    "unix_ms": lambda epoch: int(epoch * 1000),
    "http": lambda epoch: formatdate(epoch, usegmt=True),
}


def _random(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    said = node["$random"]
    if isinstance(said, dict) and said.keys() == {"of"} and isinstance(said["of"], list) and said["of"]:
        choices = [
            compiler.compile(choice, (*place, "$random", "of", number)) for number, choice in enumerate(said["of"])
        ]
        return lambda scope: choices[scope.sources.random.randrange(len(choices))](scope)
    is_range = isinstance(said, list) and len(said) == 2 and all(is_number(end) for end in said)
    if not is_range or said[0] > said[1]:
        raise UserError("write {$random: [1, 6]} for a number, or {$random: {of: [a, b]}} for one of several")
    low, high = said
    if isinstance(low, int) and isinstance(high, int):
        return lambda scope: scope.sources.random.randint(low, high)
    return lambda scope: scope.sources.random.uniform(low, high)


def _named(key: str, ask: Callable[[Sources, str], JSON], example: str) -> _Make:
    def make(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
        name = node[key]
        if not isinstance(name, str) or not name:
            raise UserError(f"`{key}` takes a name, such as {example}, not {show(name)}")
        if key == "$id":
            compiler.tables.append(((*place, key), name))
        return lambda scope: scope.taken(ask(scope.sources, name))

    return make


def _plain(key: str, ask: Callable[[Scope], JSON]) -> _Make:
    def make(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
        if node[key] is not None:
            raise UserError(f"`{key}` takes nothing; write {{{key}: }}")
        return ask

    return make


def _literal(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    value = node["$literal"]
    return lambda scope: copied(scope.taken(value))


def _default(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    known = len(compiler.requests)
    choices = _arguments(compiler, node, place, "$default", least=2)
    del compiler.requests[known:]  # what it asks for may be missing

    def render(scope: Scope) -> JSON:
        for choice in choices[:-1]:
            try:
                return choice(scope)
            except TemplateError:
                continue
        return choices[-1](scope)

    return render


def _has(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
    known = len(compiler.requests)
    inner = compiler.compile(node["$has"], (*place, "$has"))
    del compiler.requests[known:]

    def render(scope: Scope) -> JSON:
        try:
            inner(scope)
        except TemplateError:
            return False
        return True

    return render


def _arguments(
    compiler: Compiler, node: dict[str, Any], place: Place, key: str, least: int = 1, most: int = 1000
) -> list[Render]:
    said = node[key]
    if not isinstance(said, list) or not least <= len(said) <= most:
        count = str(least) if least == most else f"at least {least}"
        raise UserError(f"`{key}` takes a list of {count} value{'s' if least != 1 else ''}, not {show(said)}")
    return [compiler.compile(value, (*place, key, number)) for number, value in enumerate(said)]


def _of_many(key: str, work: Callable[..., JSON], least: int = 1, most: int = 1000) -> _Make:
    """An operator over several values; all are made first."""

    def make(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
        arguments = _arguments(compiler, node, place, key, least, most)
        return lambda scope: scope.taken(work(*[argument(scope) for argument in arguments]))

    return make


def _of_one(key: str, work: Callable[[JSON], JSON]) -> _Make:
    """An operator over one value."""

    def make(compiler: Compiler, node: dict[str, Any], place: Place) -> Render:
        argument = compiler.compile(node[key], (*place, key))
        return lambda scope: scope.taken(work(argument(scope)))

    return make


OPERATORS: dict[str, tuple[_Make, tuple[str, ...]]] = {
    "$request": (_request, ()),
    "$response": (_response, ()),
    "$state": (_state, ()),
    "$id": (_named("$id", lambda sources, name: sources.id(name), "orders"), ()),
    "$uuid": (_plain("$uuid", lambda scope: scope.sources.id("")), ()),
    "$seq": (_named("$seq", lambda sources, name: sources.number(name), "invoice"), ()),
    "$now": (_now, ()),
    "$random": (_random, ()),
    "$faker": (_named("$faker", lambda sources, name: sources.word(name), "city"), ()),
    "$item": (_item, ()),
    "$index": (_plain("$index", lambda scope: scope.index), ()),
    "$map": (_map, ("each",)),
    "$if": (_if, ("then", "else")),
    "$default": (_default, ()),
    "$has": (_has, ()),
    "$literal": (_literal, ()),
    "$concat": (_of_many("$concat", concatenated), ()),
    "$merge": (_of_many("$merge", merged), ()),
    "$len": (_of_one("$len", length), ()),
    "$text": (_of_one("$text", text_of), ()),
    "$number": (_of_one("$number", number_of), ()),
    "$sum": (_of_one("$sum", lambda value: numeric(lambda *all: sum(all))(*list_of(value))), ()),
    "$add": (_of_many("$add", numeric(lambda *all: sum(all))), ()),
    "$sub": (_of_many("$sub", numeric(lambda left, right: left - right), 2, 2), ()),
    "$mul": (_of_many("$mul", numeric(product)), ()),
    "$div": (_of_many("$div", numeric(divided), 2, 2), ()),
    "$mod": (_of_many("$mod", numeric(remainder), 2, 2), ()),
    "$round": (_of_many("$round", rounded, 1, 2), ()),
    "$min": (_of_many("$min", numeric(lambda *all: min(all))), ()),
    "$max": (_of_many("$max", numeric(lambda *all: max(all))), ()),
    "$eq": (_of_many("$eq", equal, 2, 2), ()),
    "$ne": (_of_many("$ne", lambda left, right: not equal(left, right), 2, 2), ()),
    "$lt": (_of_many("$lt", compared(lambda left, right: left < right), 2, 2), ()),
    "$le": (_of_many("$le", compared(lambda left, right: left <= right), 2, 2), ()),
    "$gt": (_of_many("$gt", compared(lambda left, right: left > right), 2, 2), ()),
    "$ge": (_of_many("$ge", compared(lambda left, right: left >= right), 2, 2), ()),
    "$and": (_of_many("$and", all_true), ()),
    "$or": (_of_many("$or", any_true), ()),
    "$not": (_of_one("$not", lambda value: not truth(value)), ()),
}
"""Every expression: how it is compiled, and the keys that may stand beside it."""
