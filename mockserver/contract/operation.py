"""One OpenAPI operation, compiled: what a request to it must be, and what a reply may be.

Everything is prepared once, on first use; a check then costs a dictionary look-up and a call into
jsonschema-rs. Nothing here knows of state, time or vendors.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast

import jsonschema_rs

from mockserver.contract.bodies import Body, compile_bodies, find_body
from mockserver.contract.explain import explain
from mockserver.contract.parameters import (
    MISSING,
    Parameter,
    Shape,
    compile_parameter,
    parse_cookies,
    parse_query,
    scalar,
)
from mockserver.contract.refs import Refs
from mockserver.contract.schemas import Schemas
from mockserver.documents import pointer_of
from mockserver.errors import Problem
from mockserver.messages import JSON, Request, Response, Violation


@dataclass(slots=True)
class Checked:
    """A request as the contract reads it, and what is wrong with it."""

    params: dict[str, Any] = field(default_factory=dict)
    body: JSON = None
    has_body: bool = False
    violations: list[Violation] = field(default_factory=list)


class Reply:
    """One declared response of an operation."""

    def __init__(self, refs: Refs, schemas: Schemas, node: dict[str, Any], pointer: str) -> None:
        self.node = node
        self.bodies = compile_bodies(refs, schemas, node.get("content") or {}, f"{pointer}/content", "response")
        self.headers: list[Parameter] = []
        for name, header in (node.get("headers") or {}).items():
            header, at = refs.follow(header, pointer + pointer_of(["headers", name]))
            if "schema" in header or "content" in header:
                parameter = compile_parameter(refs, {**header, "name": name, "in": "header"}, at)
                if parameter is not None:
                    self.headers.append(parameter)
        properties = {header.key: schemas.reference(header.pointer, "response") for header in self.headers}
        self._header_validator = schemas.validator({"properties": properties}) if properties else None

    def check_headers(self, headers: dict[str, str]) -> list[Violation]:
        """Violations of the declared response headers."""
        if self._header_validator is None:
            return []
        given = {name.lower(): value for name, value in headers.items()}
        values: dict[str, Any] = {}
        found: list[Violation] = []
        for header in self.headers:
            text = given.get(header.name.lower())
            if text is not None:
                try:
                    values[header.key] = header.decode(text, {})
                except Problem as problem:
                    found += [replace(violation, side="server") for violation in problem.violations]
            elif header.required:
                message = "is required and missing"
                found.append(Violation("server", "header", header.name, message, "nothing", "a value", "required"))
        if not self._header_validator.is_valid(values):
            found += explain(self._header_validator.iter_errors(values), "server", "parameters")
        return found


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
        self._item = pointer
        self._pointer = f"{pointer}/{method.lower()}"
        self._replies: dict[str, Reply] = {}

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
    def _query_names(self) -> frozenset[str]:
        return frozenset(p.name for p in self.parameters if p.place == "query")

    @cached_property
    def _parameter_validator(self) -> jsonschema_rs.Validator:
        properties = {p.key: self._schemas.reference(p.pointer, "request") for p in self.parameters}
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        required = [p.key for p in self.parameters if p.required]
        if required:
            schema["required"] = required
        return self._schemas.validator(schema)

    @cached_property
    def _body_node(self) -> tuple[dict[str, Any], str] | None:
        if "requestBody" not in self.node:
            return None
        node, pointer = self._refs.follow(self.node["requestBody"], f"{self._pointer}/requestBody")
        return node, pointer

    @cached_property
    def _bodies(self) -> list[Body]:
        if self._body_node is None:
            return []
        node, pointer = self._body_node
        return compile_bodies(self._refs, self._schemas, node.get("content") or {}, f"{pointer}/content", "request")

    def check_request(self, request: Request, path_values: dict[str, str]) -> Checked:
        """Read a request by the contract.

        Raises:
            Problem: what no schema can judge: a body that does not parse, an unsupported content
                type, a parameter given twice, bytes that are not UTF-8.
        """
        checked = Checked()
        if self.parameters:
            self._check_parameters(request, path_values, checked)
        if self._body_node is not None:
            self._check_body(request, checked)
        return checked

    def _check_parameters(self, request: Request, path_values: dict[str, str], checked: Checked) -> None:
        query = parse_query(request.query)
        cookies: dict[str, str] | None = None
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            raw = None
            if parameter.place == "path":
                raw = path_values.get(parameter.name)
            elif parameter.place == "header":
                raw = request.headers.get(parameter.name.lower())
            elif parameter.place == "cookie":
                cookies = parse_cookies(request.headers.get("cookie", "")) if cookies is None else cookies
                raw = cookies.get(parameter.name)
            value = parameter.decode(raw, query, self._query_names)
            if value is not MISSING:
                values[parameter.key] = checked.params[parameter.name] = value
            elif parameter.default is not MISSING:
                checked.params[parameter.name] = parameter.default
        if not self._parameter_validator.is_valid(values) and not self._reread(values, checked):
            errors = self._parameter_validator.iter_errors(values)
            checked.violations += explain(errors, "client", "parameters")

    def _reread(self, values: dict[str, Any], checked: Checked) -> bool:
        """Read refused texts as what else their schemas allow: `5`, where a word or an integer may stand."""
        wrong = {
            error.instance_path[0] for error in self._parameter_validator.iter_errors(values) if error.instance_path
        }
        for parameter in self.parameters:
            text, types = values.get(parameter.key), parameter.shape.types
            if parameter.key in wrong and isinstance(text, str) and "string" in types:
                value = scalar(text, Shape(types - {"string"})) if len(types) > 1 else text
                values[parameter.key] = checked.params[parameter.name] = value
        return self._parameter_validator.is_valid(values)

    def _check_body(self, request: Request, checked: Checked) -> None:
        node, _ = cast(tuple[dict[str, Any], str], self._body_node)
        if not request.body:
            if node.get("required"):
                checked.violations.append(
                    Violation("client", "body", "", "is required and missing", "no body", "a body", "required")
                )
            return
        content_type = request.headers.get("content-type", "")
        body = find_body(self._bodies, content_type)
        if body is None:
            accepted = ", ".join(b.media_type for b in self._bodies) or "no body"
            found = f"Content-Type is {content_type!r}" if content_type else "there is no Content-Type"
            raise Problem("unsupported_media_type", f"{found}; this operation takes {accepted}.")
        checked.body, checked.has_body = body.parse(request.body, content_type), True
        checked.violations += body.check(checked.body, "client", content_type)

    def reply(self, status: int) -> Reply | None:
        """The declared response for a status: exact, then its range (`4XX`), then `default`."""
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
        """The first declared 2xx status; 200 when there is none."""
        codes = sorted(int(key) for key in self.declared if key.isdigit() and key.startswith("2"))
        return codes[0] if codes else 200

    def check_response(self, response: Response) -> list[Violation]:
        """Violations that sending `response` would be. Undeclared error statuses are none."""
        reply = self.reply(response.status)
        if reply is None:
            if 200 <= response.status < 300:
                return [self._undeclared(response.status)]
            return []
        violations = reply.check_headers(response.headers)
        if not reply.bodies:
            return violations
        if response.media_type is None:
            # A status that has no body by HTTP's rules is complete without one.
            if response.status in (204, 205, 304):
                return violations
            return [*violations, Violation("server", "body", "", "is missing", "no body", "a body", "required")]
        body = find_body(reply.bodies, response.media_type)
        if body is None:
            accepted = ", ".join(b.media_type for b in reply.bodies)
            message = f"must be {accepted}, not {response.media_type}"
            return [
                *violations,
                Violation("server", "content-type", "", message, response.media_type, accepted, "content"),
            ]
        return violations + body.check(response.data, "server", response.media_type)

    def _undeclared(self, status: int) -> Violation:
        expected = ", ".join(self.declared)
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        message = f"{status} {phrase} is not declared for {self.id}"
        return Violation("server", "status", "", message.replace("  ", " "), str(status), expected, "status")
