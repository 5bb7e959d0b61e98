"""One OpenAPI operation, compiled: what a request to it must be, and what a response may be.

Everything is prepared once, on first use; a check then costs a dictionary look-up and a call into
jsonschema-rs. Nothing here knows of state, time or vendors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import Any

import jsonschema_rs

from mockserver.contract.accept import choose
from mockserver.contract.bodies import Bodies, Reading, compile_bodies
from mockserver.contract.events import is_stream
from mockserver.contract.explain import explain
from mockserver.contract.media_types import essence, is_json
from mockserver.contract.outline import Place
from mockserver.contract.parameters import Parameter, compile_parameter
from mockserver.contract.references import Refs
from mockserver.contract.responses import DeclaredResponse
from mockserver.contract.schemas import Schemas
from mockserver.contract.shapes import reread, shape_of
from mockserver.contract.statuses import success_of
from mockserver.errors import Problem
from mockserver.messages import JSON, Request, Response, Violation
from mockserver.text.documents import pointer_of
from mockserver.text.fields import Values, is_utf8, parse_cookies, parse_query
from mockserver.text.jsontext import json_or_text
from mockserver.text.matchers import MISSING

MAX_ACCEPTS = 64
"""Spellings of `Accept` whose outcome is remembered for an operation."""


class Checked:
    """A request as the contract reads it, and what is wrong with it."""

    __slots__ = ("body", "has_body", "params", "violations")

    def __init__(self, params: dict[str, Any] | None = None, body: JSON = None) -> None:
        self.params = {} if params is None else params
        self.body = body
        self.has_body = False
        self.violations: list[Violation] = []


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
        self._responses: dict[str, DeclaredResponse] = {}
        self._by_status: dict[int, DeclaredResponse | None] = {}

    @property
    def pointer(self) -> str:
        """Where it stands in the document."""
        return self._pointer

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
            if not isinstance(node, dict) or not {"name", "in"} <= node.keys():
                continue  # what a reference led to is no parameter
            parameter = compile_parameter(self._refs, node, pointer)
            if parameter is not None:
                found[parameter.place, parameter.name] = parameter
        return list(found.values())

    @cached_property
    def _validated(self) -> list[tuple[Parameter, jsonschema_rs.Validator, frozenset[str]]]:
        """The parameters, each with what validates its value and the names of all in its place."""
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

    @cached_property
    def request_schema(self) -> Place | None:
        """The schema of the request's body: of its JSON if it may have one, else of the first that is described."""
        if self._body_node is None:
            return None
        node, pointer = self._body_node
        return _schema_place(self._refs, node.get("content") or {}, f"{pointer}/content")

    @cached_property
    def request_type(self) -> str:
        """The media type of the request's body: JSON if it may have that, else the first; "" when it has none."""
        content = (self._body_node[0].get("content") or {}) if self._body_node is not None else {}
        names = sorted(content, key=lambda name: not is_json(essence(name)))
        return "application/json" if names[:1] == ["*/*"] else next(iter(names), "")

    def write_body(self, value: JSON, media_type: str) -> tuple[bytes, str]:
        """The bytes of a request's body, and its Content-Type. Raises XmlError."""
        return self._bodies.write(value, media_type)

    def response_schema(self, status: int) -> Place | None:
        """The same of the body of a declared response."""
        declared_response = self.response(status)
        if declared_response is None:
            return None
        content = declared_response.node.get("content") or {}
        return _schema_place(self._refs, content, f"{declared_response.pointer}/content")

    @cached_property
    def stream_types(self) -> list[str]:
        """The media types of the success whose bodies are items one after the other."""
        return [name for name in self._success_content if is_stream(name)]

    @cached_property
    def stream_schema(self) -> Place | None:
        """Where the schema of the first of them stands: its `itemSchema` (3.2), else its `schema`; None without one."""
        declared_response = self.response(self.success)
        if declared_response is None:
            return None
        for name in self.stream_types:
            at = f"{declared_response.pointer}{pointer_of(['content', name])}"
            media, at = self._refs.follow(self._success_content[name], at)
            for key in ("itemSchema", "schema"):
                if isinstance(media.get(key), dict):
                    return Place(media[key], f"{at}/{key}")
        return None

    @cached_property
    def is_stream(self) -> bool:
        """Whether its success is a stream, whatever the client accepts."""
        return bool(self.stream_types) and len(self.stream_types) == len(self._success_content)

    @cached_property
    def streams_on_request(self) -> str:
        """The media type of the success when the body of a request says `stream: true`; "" where that means nothing."""
        place, types = self.request_schema, self.stream_types
        if place is None or not types or self.is_stream:
            return ""
        return types[0] if "stream" in shape_of(self._refs, place.node).properties else ""

    @property
    def _success_content(self) -> dict[str, Any]:
        declared_response = self.response(self.success)
        return (declared_response.node.get("content") or {}) if declared_response is not None else {}

    def check_request(self, request: Request, path_values: dict[str, str]) -> Checked:
        """Read a request by the contract.

        Raises:
            Problem: what no schema can validate: a body that does not parse, an unsupported content
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
                checked.body, violations = reading.validate(body, "client")
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
        for parameter, validator, names in self._validated:
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

    def response(self, status: int) -> DeclaredResponse | None:
        """The declared response for a status: exact, then its range (`4XX`), then `default`."""
        try:
            return self._by_status[status]
        except KeyError:
            found = self._by_status[status] = self._find_response(status)
            return found

    def _find_response(self, status: int) -> DeclaredResponse | None:
        key = self._key(status)
        if key is None:
            return None
        compiled = self._responses.get(key)
        if compiled is None:
            node, pointer = self._response_node(key)
            compiled = self._responses[key] = DeclaredResponse(self._refs, self._schemas, node, pointer)
        return compiled

    def _key(self, status: int) -> str | None:
        """The member of `responses` for a status; None when there is none."""
        responses = self.node.get("responses") or {}
        keys = (str(status), f"{status // 100}XX", f"{status // 100}xx", "default")
        return next((key for key in keys if key in responses), None)

    def _response_node(self, key: str) -> tuple[dict[str, Any], str]:
        """A Response Object, and the pointer to it."""
        return self._refs.follow(self.node["responses"][key], f"{self._pointer}/responses/{key}")

    @cached_property
    def declared(self) -> list[str]:
        """The response keys of the operation: statuses, ranges and `default`; extensions are none."""
        return [str(key) for key in self.node.get("responses") or {} if not str(key).startswith("x-")]

    @cached_property
    def success(self) -> int:
        """The status of a response that no one asked to be another."""
        return success_of(self.declared)

    def success_schemas(self) -> Iterator[str]:
        """The pointers to the schemas of the success's bodies. Nothing is compiled for it."""
        key = self._key(self.success)
        if key is None:
            return
        node, pointer = self._response_node(key)
        for media_type, media in (node.get("content") or {}).items():
            media, at = self._refs.follow(media, f"{pointer}/content{pointer_of([media_type])}")
            if "schema" in media:
                yield f"{at}/schema"

    def accepted_by(self, accept: str) -> bool:
        """Whether a client with this `Accept` header takes one of the media types of the success."""
        taken = self._accepted.get(accept)
        if taken is None:
            declared = list(self._success_content)
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
        return ", ".join(self._success_content)

    def check_response(self, response: Response, text: bytes = b"") -> list[Violation]:
        """Violations that sending `response` would be, whose data was written as `text`. Undeclared error statuses are
        none."""
        declared_response = self.response(response.status)
        if declared_response is None:
            return [self._undeclared(response.status)] if self.declared and 200 <= response.status < 300 else []
        return [] if declared_response.accepts(response, text) else declared_response.explain(response)

    def accepts_rows(self, response: Response) -> bool:
        """Whether sending `response` is surely no violation, its rows being such as `standing_rows` tells of; it is
        written then. False says nothing."""
        declared_response = self.response(response.status)
        return declared_response is not None and declared_response.accepts_rows(response)

    def check_wire(self, response: Response) -> list[Violation]:
        """Violations of the bytes of a declared response, read as a client reads them."""
        declared_response = self.response(response.status)
        reading = (
            declared_response.bodies[response.media_type]
            if declared_response is not None and response.media_type is not None
            else None
        )
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


def _schema_place(refs: Refs, content: dict[str, Any], pointer: str) -> Place | None:
    """Where the schema of a `content` object stands, of its JSON first."""
    for name in sorted(content, key=lambda name: not is_json(essence(name))):  # stable: the document's order otherwise
        media, at = refs.follow(content[name], pointer + pointer_of([name]))
        if isinstance(media, dict) and isinstance(media.get("schema"), dict):
            return Place(media["schema"], f"{at}/schema")
    return None


def _refuse_other_bytes(path_values: dict[str, str]) -> None:
    for name, text in path_values.items():
        if not is_utf8(text):
            violation = Violation("client", "path", name, "is not UTF-8", "other bytes", "UTF-8")
            raise Problem("invalid_request", violations=[violation])
