"""One OpenAPI operation, compiled: what a request to it must be, and what a reply may be.

Everything is prepared once, on first use; a check then costs a dictionary look-up and a call into
jsonschema-rs. Nothing here knows of state, time or vendors.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import Any, NamedTuple

import jsonschema_rs

from mockserver.contract.accept import choose
from mockserver.contract.bodies import Bodies, Reading, compile_bodies
from mockserver.contract.explain import explain
from mockserver.contract.parameters import Parameter, compile_parameter
from mockserver.contract.references import Refs
from mockserver.contract.schemas import Schemas
from mockserver.contract.shapes import reread
from mockserver.errors import Problem
from mockserver.messages import JSON, Request, Response, Violation
from mockserver.text.documents import pointer_of
from mockserver.text.fields import Values, is_utf8, parse_cookies, parse_query
from mockserver.text.jsontext import json_or_text
from mockserver.text.matchers import MISSING

FRAMING = frozenset(
    ("connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "transfer-encoding")
)
"""Headers that frame a message: the server sets them, whatever a document says (3.0.3, Response Object)."""
MAX_ACCEPTS = 64
"""Spellings of `Accept` whose outcome is remembered for an operation."""
MAX_GOOD_TEXTS = 256
"""Texts of one reply header that are remembered as good."""
_COUNT = re.compile("0|[1-9][0-9]{0,14}")
"""What a count looks like: as many digits as every reader holds exactly."""
_COUNT_KEYS = frozenset({"type", "minimum", "title", "description", "example", "default", "examples"})
"""What the schema of a count may say; anything else could refuse one."""


def _is_count(schema: Any) -> bool:
    """Whether a schema takes every number that _COUNT spells, so that nothing else has to look at it."""
    return (
        isinstance(schema, dict)
        and schema.get("type") == "integer"
        and schema.get("minimum", 0) == 0
        and _COUNT_KEYS.issuperset(schema)
    )


class Checked:
    """A request as the contract reads it, and what is wrong with it."""

    __slots__ = ("body", "has_body", "params", "violations")

    def __init__(self, params: dict[str, Any] | None = None, body: JSON = None) -> None:
        self.params = {} if params is None else params
        self.body = body
        self.has_body = False
        self.violations: list[Violation] = []


class _Header(NamedTuple):
    """A header that a reply may have, and how its text is judged."""

    name: str
    """In lower case."""
    declared: Parameter
    validator: jsonschema_rs.Validator
    good: set[str | None]
    """Texts that were found good, which are not judged twice; None when it may be missing."""
    counts: bool
    """Whether every count is good."""


class Reply:
    """One declared response of an operation."""

    def __init__(self, refs: Refs, schemas: Schemas, node: dict[str, Any], pointer: str) -> None:
        self.node = node
        self.pointer = pointer
        self.bodies = compile_bodies(refs, schemas, node.get("content") or {}, f"{pointer}/content", "response")
        self.headers: list[Parameter] = []
        counts = set()
        for name, header in (node.get("headers") or {}).items():
            if name.lower() in FRAMING:
                continue
            header, at = refs.follow(header, pointer + pointer_of(["headers", name]))
            if _is_count(header.get("schema")):
                counts.add(name.lower())
            if "schema" in header or "content" in header:
                parameter = compile_parameter(refs, {**header, "name": name, "in": "header"}, at)
                if parameter is not None:
                    self.headers.append(parameter)
        self._headers = [
            _Header(
                header.header,
                header,
                schemas.validator(schemas.reference(header.pointer, "response")),
                set() if header.required else {None},
                header.header in counts,
            )
            for header in self.headers
        ]

    def accepts(self, response: Response) -> bool:
        """Whether a reply is what is declared: every header and the whole body are looked at."""
        headers = response.headers
        for name, header, validator, good, counts in self._headers:
            text = headers.get(name)
            if text not in good:
                if counts and text is not None and _COUNT.fullmatch(text):
                    continue
                try:
                    if text is None or not _header_holds(header, validator, text):
                        return False
                except Problem:
                    return False
                if len(good) >= MAX_GOOD_TEXTS:  # a header that tells the time has had its day
                    good.intersection_update((None,))
                good.add(text)
        if not self.bodies.media_types:
            return True
        if response.media_type is None:
            # A status that has no body by HTTP's rules is complete without one.
            return response.status in (204, 205, 304)
        reading = self.bodies[response.media_type]
        try:
            return reading is not None and reading.accepts(response.data)
        except ValueError:
            return False  # no JSON value at all, for example a datetime

    def explain(self, response: Response) -> list[Violation]:
        """What is wrong with a reply that is not accepted."""
        return [*self._explain_headers(response.headers), *self._explain_body(response)]

    def _explain_headers(self, headers: dict[str, str]) -> list[Violation]:
        found: list[Violation] = []
        for name, header, validator, _, _ in self._headers:
            text = headers.get(name)
            if text is None:
                found += [header.missing("server")] if header.required else []
                continue
            try:
                value = reread(header.decode(text), header.shape, validator)
                found += explain(validator.iter_errors(value), "server", "header", header.name)
            except Problem as problem:
                found += [replace(violation, side="server") for violation in problem.violations]
        return found

    def _explain_body(self, response: Response) -> list[Violation]:
        if not self.bodies.media_types:
            return []
        if response.media_type is None:
            if response.status in (204, 205, 304):
                return []
            return [Violation("server", "body", "", "is missing", "no body", "a body", "required")]
        reading = self.bodies[response.media_type]
        if reading is None:
            accepted = self.bodies.media_types
            message = f"must be {accepted}, not {response.media_type}"
            return [Violation("server", "content-type", "", message, response.media_type, accepted, "content")]
        return reading.explain(response.data, "server")


class Operation:
    """One method of one path."""

    def __init__(
        self,
        id: str,
        method: str,
        path: str,
        node: dict[str, Any],
        shared: list[Any],
        refs: Refs,
        schemas: Schemas,
        item_pointer: str,
        pointer: str,
    ) -> None:
        self.id = id
        """The operationId; `GET /path` when the document gives none."""
        self.method = method
        self.path = path
        """The path template, for example `/user-memories/{user_memory_id}`."""
        self.node = node
        self._shared = shared
        self._refs = refs
        self._schemas = schemas
        self._item = item_pointer
        self._pointer = pointer
        self._replies: dict[str, Reply] = {}
        self._by_status: dict[int, Reply | None] = {}

    @cached_property
    def max_body(self) -> int:
        """Bytes of a body that this operation needs by its nature (`x-max-body-bytes`); 0 when it says nothing."""
        return int(self.node.get("x-max-body-bytes", 0))

    def __repr__(self) -> str:
        return f"<Operation {self.id}>"

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The operation's parameters; those of the path that it does not declare itself included."""
        found: dict[tuple[str, str], Parameter] = {}
        own = [(node, f"{self._pointer}/parameters/{i}") for i, node in enumerate(self.node.get("parameters") or [])]
        shared = [(node, f"{self._item}/parameters/{i}") for i, node in enumerate(self._shared)]
        for node, pointer in shared + own:
            node, pointer = self._refs.follow(node, pointer)
            parameter = compile_parameter(self._refs, node, pointer)
            if parameter is not None:
                found[parameter.place, parameter.name] = parameter
        return list(found.values())

    @cached_property
    def _judged(self) -> list[tuple[Parameter, jsonschema_rs.Validator, frozenset[str]]]:
        """The parameters, each with what judges its value and the names of all in its place."""
        schemas = self._schemas
        return [
            (
                parameter,
                schemas.validator(schemas.reference(parameter.pointer, "request")),
                frozenset(other.name for other in self.parameters if other.place == parameter.place),
            )
            for parameter in self.parameters
        ]

    @cached_property
    def _body_node(self) -> tuple[dict[str, Any], str] | None:
        if "requestBody" not in self.node:
            return None
        node, pointer = self._refs.follow(self.node["requestBody"], f"{self._pointer}/requestBody")
        return node, pointer

    @cached_property
    def _bodies(self) -> Bodies:
        if self._body_node is None:
            return Bodies()
        node, pointer = self._body_node
        return compile_bodies(self._refs, self._schemas, node.get("content") or {}, f"{pointer}/content", "request")

    def check_request(self, request: Request, path_values: dict[str, str]) -> Checked:
        """Read a request by the contract.

        Raises:
            Problem: what no schema can judge: a body that does not parse, an unsupported content
                type, a parameter given twice, bytes that are not UTF-8.
        """
        checked = Checked()
        if path_values:
            _refuse_other_bytes(path_values)
        if self.parameters:
            self._check_parameters(request, path_values, checked)
        if self._body_node is None:
            return checked
        if request.refusal is not None:
            raise request.refusal
        if request.body:
            content_type = request.headers.get("content-type", "")
            reading = self._bodies[content_type]
            if reading is None:
                raise self._unsupported(content_type)
            body = checked.body = reading.parse(request.body)
            checked.has_body = True
            if not reading.is_valid(body):
                checked.body, violations = reading.judge(body, "client")
                checked.violations += violations
        elif self._body_node[0].get("required"):
            checked.violations.append(
                Violation("client", "body", "", "is required and missing", "no body", "a body", "required")
            )
        return checked

    def reading(self, content_type: str) -> Reading | None:
        """How a body that comes as `content_type` is read; None when it may not come."""
        return self._bodies[content_type]

    def read_body(self, request: Request) -> JSON:
        """The body as the contract reads it, right or wrong, and a text as JSON where it is that; else MISSING."""
        if not request.body:
            return MISSING
        reading = self._bodies[request.headers.get("content-type", "")]
        value = reading.readable(request.body) if reading is not None else None
        return json_or_text(request.body) if value is None or isinstance(value, str) else value

    def _unsupported(self, content_type: str) -> Problem:
        accepted = self._bodies.media_types or "no body"
        found = f"Content-Type is {content_type!r}" if content_type else "there is no Content-Type"
        return Problem("unsupported_media_type", f"{found}; this operation takes {accepted}.")

    def _check_parameters(self, request: Request, path_values: dict[str, str], checked: Checked) -> None:
        query = parse_query(request.query) if request.query else None
        cookies: Values | None = None
        for parameter, validator, names in self._judged:
            place, value = parameter.place, MISSING
            if place == "query":
                if query:
                    value = parameter.decode_values(query, names)
            elif place == "header" or place == "path":
                text = request.headers.get(parameter.header) if place == "header" else path_values.get(parameter.name)
                if text is not None:
                    value = parameter.decode(text)
            elif place == "cookie":
                cookies = parse_cookies(request.headers.get("cookie", "")) if cookies is None else cookies
                value = parameter.decode_values(cookies, names)
            else:
                value = parameter.decode_querystring(request.query)
            if value is MISSING:
                if parameter.required:
                    if not (parameter.allows_empty and query and parameter.name in query):
                        checked.violations.append(parameter.missing("client"))
                elif parameter.default is not MISSING:
                    checked.params[parameter.name] = parameter.default
                continue
            if not validator.is_valid(value):
                value = reread(value, parameter.shape, validator)
                checked.violations += explain(validator.iter_errors(value), "client", place, parameter.name)
            checked.params[parameter.name] = value

    def reply(self, status: int) -> Reply | None:
        """The declared response for a status: exact, then its range (`4XX`), then `default`."""
        try:
            return self._by_status[status]
        except KeyError:
            found = self._by_status[status] = self._find_reply(status)
            return found

    def _find_reply(self, status: int) -> Reply | None:
        responses = self.node.get("responses") or {}
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in responses:
                compiled = self._replies.get(key)
                if compiled is None:
                    node, pointer = self._refs.follow(responses[key], f"{self._pointer}/responses/{key}")
                    compiled = self._replies[key] = Reply(self._refs, self._schemas, node, pointer)
                return compiled
        return None

    @cached_property
    def declared(self) -> list[str]:
        """The response keys of the operation: statuses, ranges and `default`."""
        return [str(key) for key in self.node.get("responses") or {}]

    @cached_property
    def success(self) -> int:
        """The status of an answer that no one asked to be another: the lowest 2xx, 2XX, the lowest 3xx, default.

        Else the first that is declared; 200 when none is.
        """
        keys = self.declared
        codes = {first: sorted(int(key) for key in keys if key.isdigit() and key[0] == first) for first in "23"}
        ranges = {key[0]: int(key[0]) * 100 for key in keys if key.upper().endswith("XX") and key[0].isdigit()}
        if codes["2"] or "2" in ranges:
            return codes["2"][0] if codes["2"] else 200
        if codes["3"] or "3" in ranges:
            return codes["3"][0] if codes["3"] else 300
        if not keys or "default" in keys:
            return 200
        return int(keys[0]) if keys[0].isdigit() else ranges.get(keys[0][0], 200)

    def accepted_by(self, accept: str) -> bool:
        """Whether a client with this `Accept` header takes one of the media types of the success."""
        taken = self._accepted.get(accept)
        if taken is None:
            reply = self.reply(self.success)
            declared = list((reply.node.get("content") or {}) if reply is not None else {})
            taken = not declared or choose(accept, declared) is not None
            if len(self._accepted) < MAX_ACCEPTS:
                self._accepted[accept] = taken
        return taken

    @cached_property
    def _accepted(self) -> dict[str, bool]:
        return {}

    @cached_property
    def success_types(self) -> str:
        """The media types of the success, for a message."""
        reply = self.reply(self.success)
        return ", ".join((reply.node.get("content") or {}) if reply is not None else ())

    def check_response(self, response: Response) -> list[Violation]:
        """Violations that sending `response` would be. Undeclared error statuses are none."""
        reply = self.reply(response.status)
        if reply is None:
            return [self._undeclared(response.status)] if self.declared and 200 <= response.status < 300 else []
        return [] if reply.accepts(response) else reply.explain(response)

    def check_wire(self, response: Response) -> list[Violation]:
        """Violations of a reply's bytes, read as a client reads them."""
        reply = self.reply(response.status)
        reading = reply.bodies[response.media_type] if reply is not None and response.media_type is not None else None
        if reading is None:
            return []
        try:
            data = reading.parse(response.content or b"")
        except Problem as problem:
            return [replace(violation, side="server") for violation in problem.violations]
        return self.check_response(replace(response, data=data))

    def _undeclared(self, status: int) -> Violation:
        expected = ", ".join(self.declared)
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        message = f"{status} {phrase} is not declared for {self.id}"
        return Violation("server", "status", "", message.replace("  ", " "), str(status), expected, "status")


def _refuse_other_bytes(path_values: dict[str, str]) -> None:
    for name, text in path_values.items():
        if not is_utf8(text):
            violation = Violation("client", "path", name, "is not UTF-8", "other bytes", "UTF-8")
            raise Problem("invalid_request", violations=[violation])


def _header_holds(header: Parameter, validator: jsonschema_rs.Validator, text: str) -> bool:
    value = header.decode(text)
    return validator.is_valid(value) or validator.is_valid(reread(value, header.shape, validator))
