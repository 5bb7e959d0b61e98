"""Sample responses of the operations of one document, and what stands in their way.

What does not vary is made once: a sample is kept by operation, status and example, and copied for each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, NamedTuple

import orjson

from mockserver.contract.accept import choose, concrete
from mockserver.contract.binary_samples import is_file, member_of, sample_file
from mockserver.contract.bodies import Reading
from mockserver.contract.events import EVENTS
from mockserver.contract.json_text import parse_json
from mockserver.contract.media_types import LINES, essence, is_json
from mockserver.contract.operation import Operation
from mockserver.contract.outline import Place
from mockserver.contract.references import Refs, escape
from mockserver.contract.responses import FRAMING, DeclaredResponse
from mockserver.contract.sample_errors import SampleFault, Unsatisfiable, UnusableExample
from mockserver.contract.samples import Sampler
from mockserver.contract.samples.words import MOMENT
from mockserver.contract.schemas import Schemas
from mockserver.errors import ContractError
from mockserver.messages import JSON, Response
from mockserver.text.documents import pointer_of
from mockserver.text.jsontext import copied, to_json

BODILESS = (204, 205, 304)
"""Statuses whose responses have no body by HTTP's rules."""
_SHAPING = {"$ref", "properties", "items", "allOf", "anyOf", "oneOf", "enum", "const", "additionalProperties"}
"""Keywords that describe a value, also without `type`."""
_MISSING = object()


class _NoValue(NamedTuple):
    """What stands for the value of a schema for which none was found, with the reason."""

    reason: str


class Sampling:
    """Makes samples for the operations of one document."""

    def __init__(self, refs: Refs, schemas: Schemas) -> None:
        self._refs = refs
        self._schemas = schemas
        self._plain = Sampler(refs)
        self._kept: dict[tuple[str, int, str, str], tuple[Response, bool]] = {}
        self._values: dict[bytes, Any] = {}
        """By schema: many responses of a large document have the same one."""

    def response(
        self,
        operation: Operation,
        status: int,
        example: str = "",
        rng: Random | None = None,
        values: Mapping[str, str] | None = None,
        now: datetime | None = None,
        accept: str = "",
    ) -> Response:
        """See Contract.sample."""
        chosen = self._choose(operation, status, example, accept)
        if rng is not None:
            made, declared = self._made(Sampler(self._refs, rng, now=now or MOMENT), operation, status, example, chosen)
        elif now is not None:
            made, declared = self._made(Sampler(self._refs, now=now), operation, status, example, chosen)
        else:
            key = operation.id, status, example, chosen[1]
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = self._made(self._plain, operation, status, example, chosen)
            made, declared = kept
        # A copy: the document's own example must not change with the response.
        response = Response(made.status, copied(made.data), dict(made.headers), made.media_type)
        if values and not declared:
            _agree(operation, response, values)
        return response

    def value(self, place: Place, rng: Random) -> Any:
        """See Contract.value."""
        return Sampler(self._refs, rng).value(self._follow({"$ref": escape(place.pointer)}))

    def _choose(self, operation: Operation, status: int, example: str, accept: str) -> tuple[str, str]:
        """The declared media type to send, and the one that is sent where that is a range; "" for no body."""
        declared_response = operation.response(status)
        if declared_response is None:
            if not operation.declared and not example:
                return "", ""
            raise KeyError(str(status))
        content = declared_response.node.get("content") or {}
        if not content or status in BODILESS:
            if example:
                raise KeyError(example)
            return "", ""
        declared = self._media_type(content, example, accept)
        return declared, _member_of(declared, accept, self._follow(content[declared]).get("schema", {}))

    def _made(
        self, sampler: Sampler, operation: Operation, status: int, example: str, chosen: tuple[str, str]
    ) -> tuple[Response, bool]:
        """A response with a media type as `_choose` tells it, and whether its body is an example or a file."""
        declared_response = operation.response(status)
        if declared_response is None:
            return Response(status, media_type=None), True
        response = Response(status, None, self._headers(sampler, declared_response), None)
        declared, response.media_type = chosen[0], chosen[1] or None
        if response.media_type is None:
            return response, True
        content = declared_response.node["content"]
        media, at = self._refs.follow(content[declared], declared_response.pointer + pointer_of(["content", declared]))
        schema = media.get("schema", {})
        reading = declared_response.bodies[response.media_type]
        if example:
            response.data = self._named(media, example, reading, operation, status)
            return response, True
        if sampler.takes_examples:
            for _, value, _ in self._examples(media, at):
                if value is not _MISSING and _passes(reading, value):
                    response.data = value
                    return response, True
        if is_file(essence(response.media_type)) and _may_be_file(schema):
            response.data = sample_file(essence(response.media_type))
            return response, True
        try:
            response.data = self._body(sampler, media, at, response.media_type, reading)
        except Unsatisfiable as error:
            place = f"{at}/schema"  # not that of another response, whose schema says the same
            raise Unsatisfiable(place, error.reason, f"{operation.id} {status}") from None
        return response, False

    def _body(self, sampler: Sampler, media: dict[str, Any], at: str, media_type: str, reading: Reading | None) -> JSON:
        """A value for a body. One of a sequence is a list of items, each by the schema where that describes an item."""
        schema, kind = media.get("schema", {}), essence(media_type)
        if kind not in LINES and kind != EVENTS:
            return self._value(sampler, schema, f"{at}/schema", reading)
        if "itemSchema" in media:  # 3.2, Media Type Object
            schema, at = media["itemSchema"], f"{at}/itemSchema"
        else:
            at = f"{at}/schema"
            types = self._follow(schema).get("type")
            if types == "array" or types == "string":
                return self._value(sampler, schema, at, reading)
        if not media.keys() & {"schema", "itemSchema"}:
            return []
        item = Reading(parse_json, self._schemas.validator(self._schemas.reference(at, "response")))
        return [self._value(sampler, schema, at, item)]

    def _value(self, sampler: Sampler, schema: Any, pointer: str, reading: Reading | None) -> Any:
        if sampler is not self._plain:
            reference = self._schemas.reference(pointer, "response")
            compiled = partial(self._schemas.validator, reference)
            return sampler.valid(schema, partial(_passes, reading), compiled, pointer)
        key = to_json(schema)
        value = self._values.get(key, _MISSING)
        if type(value) is _NoValue:
            raise Unsatisfiable(pointer, value.reason)
        if value is _MISSING or not _passes(reading, value):
            reference = self._schemas.reference(pointer, "response")
            compiled = partial(self._schemas.validator, reference)
            try:
                value = sampler.valid(schema, partial(_passes, reading), compiled, pointer)
            except Unsatisfiable as error:
                self._values[key] = _NoValue(error.reason)  # not itself: it holds on to all that was at work
                raise
            self._values[key] = value
        return value

    def _media_type(self, content: dict[str, Any], example: str, accept: str) -> str:
        """The media type to send: one that has the example, and of these the one that the client prefers.

        When nothing is acceptable, or all of it alike, JSON comes first, then the first.
        """
        names = list(content)
        if example:
            names = [name for name in names if example in (self._follow(content[name]).get("examples") or {})]
            if not names:
                raise KeyError(example)
        names.sort(key=lambda name: not is_json(essence(name)))  # stable: the document's order otherwise
        return (choose(accept, names) if accept else None) or names[0]

    def _named(
        self, media: dict[str, Any], example: str, reading: Reading | None, operation: Operation, status: int
    ) -> Any:
        node = self._follow(media["examples"][example])
        value = _value_of(node)
        name = f"The example {example[:60]!r} of {operation.id} {status}"
        if value is _MISSING:
            outside = node.get("externalValue")
            why = f"stands elsewhere, at {outside!r}" if outside else "has no value"
            raise UnusableExample(f"{name} {why}; ask for another one.")
        if not _passes(reading, value):
            violations = reading.explain(value, "server") if reading is not None else []
            why = str(violations[0]) if violations else "it is not what is declared"
            raise UnusableExample(f"{name} breaks its own schema, so it cannot be sent: {why}.")
        return value

    def _examples(self, media: dict[str, Any], at: str) -> Iterator[tuple[str, Any, str]]:
        """The examples of a media type: name, value (_MISSING for none) and where it stands."""
        if "example" in media:
            yield "", media["example"], f"{at}/example"
        for name, node in (media.get("examples") or {}).items():
            node = self._follow(node)
            key = next((k for k in ("value", "dataValue", "serializedValue") if k in node), "externalValue")
            yield name, _value_of(node), at + pointer_of(["examples", name, key])

    def _follow(self, node: Any) -> dict[str, Any]:
        try:
            target, _ = self._refs.follow(node, "")
        except KeyError:
            return {}
        return target if isinstance(target, dict) else {}

    def _headers(self, sampler: Sampler, declared_response: DeclaredResponse) -> dict[str, str]:
        """The headers that are required, and those that the document has an example or a default for."""
        headers = {}
        for name, node in (declared_response.node.get("headers") or {}).items():
            header = self._follow(node)
            media = next(map(self._follow, (header.get("content") or {}).values()), header)
            schema = self._follow(media.get("schema", {}))
            given = [value for _, value, _ in self._examples(media, "") if value is not _MISSING]
            given += [schema[key] for key in ("example", "default") if key in schema]
            given += schema["examples"][:1] if isinstance(schema.get("examples"), list) else []
            if name.lower() in FRAMING or not (header.get("required") or given):
                continue
            values = [*(given if sampler.takes_examples else ()), sampler.value(media.get("schema", {}), name)]
            text = _header_text(values[0], header) if media is header else to_json(values[0]).decode()
            headers[name.lower()] = text
        return {name: text for name, text in headers.items() if text.isprintable() and text.isascii()}

    def unsatisfiable(self, operations: Iterable[Operation]) -> Iterator[SampleFault]:
        """The declared responses for which no valid body was found. It makes a sample of each, which takes a while."""
        for operation in operations:
            for key in operation.declared:
                try:
                    self.response(operation, status_of(key, operation.declared))
                except Unsatisfiable as error:
                    yield SampleFault(operation.id, key, error.pointer, f"no value was found: {error.reason}")
                except ContractError as error:
                    yield SampleFault(operation.id, key, "", str(error))

    def broken_examples(self, operations: Iterable[Operation]) -> Iterator[SampleFault]:
        """The examples of responses that are not used, because they have no value or break their schema."""
        for operation in operations:
            for key in operation.declared:
                declared_response = operation.response(status_of(key, operation.declared))
                if declared_response is None:
                    continue
                for declared, node in (declared_response.node.get("content") or {}).items():
                    media, at = self._refs.follow(node, declared_response.pointer + pointer_of(["content", declared]))
                    reading = declared_response.bodies[_member_of(declared, "", media.get("schema", {}))]
                    for _, value, pointer in self._examples(media, at):
                        if value is _MISSING:
                            yield SampleFault(operation.id, key, pointer, "the example has no value that can be sent")
                        elif not _passes(reading, value):
                            found = reading.explain(value, "server") if reading is not None else []
                            why = f"the example breaks its schema: {found[0]}" if found else "the example is not valid"
                            yield SampleFault(operation.id, key, pointer, why)


def status_of(key: str, declared: Iterable[str] = ()) -> int:
    """A status that a key of `responses` covers: itself, the first of a range, 200 or else 500 for `default`."""
    if key.isdigit():
        return int(key)
    if key[:1].isdigit():
        return int(key[0]) * 100
    taken = {other[:1] for other in declared if other != key}
    return 200 if "2" not in taken else 500


def _passes(reading: Reading | None, value: Any) -> bool:
    try:
        return reading is not None and reading.is_valid(value)
    except ValueError:
        return False  # no JSON value at all, for example one from a YAML date


def _value_of(example: dict[str, Any]) -> Any:
    """The value of an Example Object; _MISSING when it has none (3.2 has three ways to give one)."""
    for key in ("value", "dataValue"):
        if key in example:
            return example[key]
    text = example.get("serializedValue", _MISSING)
    if isinstance(text, str):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return _MISSING


def _member_of(declared: str, accept: str, schema: Any) -> str:
    """A media type that a declared one covers: itself, or for a range the one that the client names, or one in it."""
    if "*" not in declared:
        return declared
    named = concrete(declared, accept)
    if named != declared:
        return named
    kind = declared.partition("/")[0].strip()
    if kind in ("*", "application") and not _is_binary(schema):
        return "application/json"
    return member_of(declared)


def _is_binary(schema: Any) -> bool:
    """Whether a schema says that a body is bytes (3.0.3, `format: binary`; 3.1, `contentMediaType`)."""
    return isinstance(schema, dict) and (schema.get("format") == "binary" or "contentMediaType" in schema)


def _may_be_file(schema: Any) -> bool:
    """Whether a schema leaves open that a body is bytes: it has no type, or is a string."""
    if not isinstance(schema, dict):
        return True
    types = schema.get("type", "string" if not (schema.keys() & _SHAPING) else "object")
    return types == "string" or (isinstance(types, list) and "string" in types)


def _header_text(value: Any, header: dict[str, Any]) -> str:
    """A value in the `simple` style of headers."""
    if isinstance(value, list):
        return ",".join(_scalar(item) for item in value)
    if isinstance(value, dict):
        glue = "=" if header.get("explode") else ","
        return ",".join(f"{name}{glue}{_scalar(member)}" for name, member in value.items())
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _agree(operation: Operation, response: Response, values: Mapping[str, str]) -> None:
    """Let members that repeat a variable of the path say what the path says, as far as the schema lets them."""
    data = response.data
    if not isinstance(data, dict) or not 200 <= response.status < 300:
        return
    inner = [member for member in data.values() if isinstance(member, dict)]
    last = operation.path.rstrip("/").rpartition("/")[2].strip("{}") if operation.path.rstrip("/").endswith("}") else ""
    for row in (data, *(inner if len(inner) == 1 else ())):
        for variable, text in values.items():
            names = {_folded(variable), "id"} if variable == last else {_folded(variable)}
            if variable == last and _folded(variable) == "id":
                segments = operation.path.rstrip("/").split("/")
                owner = segments[-2] if len(segments) > 1 else ""
                names.add(_folded(owner.removesuffix("s")) + "id")
            for name, member in row.items():
                if _folded(name) in names:
                    _put(operation, response, row, name, _like(member, text))


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _like(member: Any, text: str) -> Any:
    """The text of a path as a value of the type that a member has."""
    if isinstance(member, bool) or not isinstance(member, int):
        return text if isinstance(member, str) else member
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 19 else member


def _put(operation: Operation, response: Response, row: dict[str, Any], name: str, value: Any) -> None:
    before = row[name]
    if before == value:
        return
    row[name] = value
    if operation.check_response(response):
        row[name] = before


__all__ = ["Sampling", "status_of"]
