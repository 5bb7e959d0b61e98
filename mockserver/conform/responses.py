"""One response against its operation: status, headers, media type and body, each difference with its place.

Must not know: which requests are sent, or why; that is for `cases` and `outcomes`.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from mockserver.conform.differences import Difference, Mender, schema_for
from mockserver.conform.values import Part, Values
from mockserver.contract import Contract, Operation
from mockserver.contract.media_types import essence, is_json
from mockserver.contract.outline import Place
from mockserver.contract.parameters import Parameter
from mockserver.contract.references import escape
from mockserver.contract.responses import FRAMING, DeclaredResponse
from mockserver.contract.shapes import reread
from mockserver.errors import Problem
from mockserver.messages import JSON, Response
from mockserver.text.documents import pointer_of
from mockserver.text.jsontext import json_or_text

_LIMIT = re.compile(r"(x-)?rate-?limit(-(limit|remaining|reset|policy))?|x-rate-limit-(limit|remaining|reset)")
"""Headers that tell of a rate limit, as they are spelled in the wild."""
_COMMON = frozenset(
    {
        *FRAMING,
        *("accept-ranges", "age", "allow", "alt-svc", "cache-control", "content-language", "content-security-policy"),
        *("content-disposition", "cross-origin-opener-policy", "cross-origin-resource-policy", "etag", "expires"),
        *("last-modified", "link", "location", "nel", "permissions-policy", "pragma", "referrer-policy", "report-to"),
        *("retry-after", "server", "server-timing", "set-cookie", "strict-transport-security", "trailer", "upgrade"),
        *("vary", "via", "warning", "www-authenticate", "x-content-type-options", "x-frame-options", "x-powered-by"),
        *(
            "x-mockserver-reason",
            "x-xss-protection",
            "x-request-id",
            "x-correlation-id",
            "x-runtime",
            "cf-ray",
            "cf-cache-status",
        ),
        *("deprecation", "sunset", "x-mockserver-reason"),
        *("access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"),
    }
)
"""Headers of HTTP itself, and of what stands before servers: no document has to speak of them."""
_HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
BODILESS = (204, 205, 304)


class Responses:
    """Finds what of a response its contract does not have."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._values = Values(contract)

    @property
    def mender(self) -> Mender:
        """Writes the actions that would mend the document."""
        return self._values.mender

    def differences(self, operation: Operation, response: Response, is_head: bool = False) -> list[Difference]:
        """What of a response is not as its operation has it."""
        declared = operation.response(response.status)
        found = self._limits(operation, response, declared)
        if declared is None:
            return [self._undeclared(operation, response), *found]
        found += self._headers(response, declared)
        found += self._deprecation(operation, response)
        if not is_head:
            found += self._body(operation, response, declared)
        return found

    def _undeclared(self, operation: Operation, response: Response) -> Difference:
        status = response.status
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "A response"
        made: dict[str, Any] = {"description": phrase}
        if response.content and response.media_type and status not in BODILESS:
            value = _value(response)
            made["content"] = {essence(response.media_type): {"schema": schema_for(value, self._values.is_30)}}
        actions = self.mender.update(operation.pointer, {"responses": {str(status): made}})
        detail = f"{status} is not declared"
        return Difference("status-undeclared", f"{operation.pointer}/responses", detail, "", status, actions)

    # -- headers -----------------------------------------------------------------------------------------

    def _headers(self, response: Response, declared: DeclaredResponse) -> list[Difference]:
        found: list[Difference] = []
        for header in declared.headers:
            text = response.headers.get(header.header)
            where = f"header {header.header}"
            owner = header.pointer.removesuffix("/schema")
            if text is not None:
                found += self._header(header, text, where)
            elif header.required:
                actions = self.mender.update(owner, {"required": False})
                found.append(Difference("header-missing", owner, "is required and missing", where, None, actions))
            elif _LIMIT.fullmatch(header.header):
                actions = self.mender.remove(self._own(declared, header))
                found.append(Difference("rate-headers-missing", owner, "is never sent", where, None, actions))
        named = {name.lower() for name in declared.node.get("headers") or {}}
        for name, text in response.headers.items():
            if name not in named and name not in _COMMON and not _LIMIT.fullmatch(name):
                found.append(self._unknown("header-note", declared, name, text))
        return found

    def _own(self, declared: DeclaredResponse, header: Parameter) -> str:
        """The member of `headers` for a header, which may be a reference that others have too."""
        names = declared.node.get("headers") or {}
        name = next((name for name in names if name.lower() == header.header), header.name)
        return declared.pointer + pointer_of(["headers", name])

    def _unknown(self, rule: str, declared: DeclaredResponse, name: str, text: str) -> Difference:
        kind = "integer" if text.isdecimal() else "string"
        actions = self.mender.update(declared.pointer, {"headers": {name: {"schema": {"type": kind}}}})
        return Difference(rule, "/paths", "is not declared", f"header {name}", text, actions)

    def _header(self, header: Parameter, text: str, where: str) -> list[Difference]:
        try:
            place = self._contract.outlines.at(header.pointer)
            validator = self._contract.validator(place)
            value = reread(header.decode(text), header.shape, validator)
        except Problem as problem:
            return [Difference("header-invalid", header.pointer, str(problem), where, text)]
        if validator.is_valid(value):
            return []
        return self._values.differences(place, value, "header", where)

    def _limits(self, operation: Operation, response: Response, declared: DeclaredResponse | None) -> list[Difference]:
        """What is wrong with what a response tells of rate limits."""
        headers, found = response.headers, []
        told = [name for name in headers if _LIMIT.fullmatch(name)]
        named = {name.lower() for name in (declared.node.get("headers") or {})} if declared is not None else set()
        for name in told:
            if declared is not None and name not in named:
                found.append(self._unknown("rate-headers-undeclared", declared, name, headers[name]))
        counts = {name.rpartition("-")[2]: headers[name] for name in told if headers[name].isdecimal()}
        if "limit" in counts and "remaining" in counts and int(counts["remaining"]) > int(counts["limit"]):
            detail, pointer = "tells that more requests remain than the limit has", f"{operation.pointer}/responses"
            shown = f"{counts['remaining']} of {counts['limit']}"
            found.append(Difference("rate-headers-wrong", pointer, detail, "headers", shown))
        retry = headers.get("retry-after")
        pointer = f"{operation.pointer}/responses"
        if response.status == 429 and retry is None:
            found.append(Difference("retry-after-missing", pointer, "a 429 has no Retry-After", "headers"))
        elif retry is not None and not retry.isdecimal() and not _HTTP_DATE.fullmatch(retry):
            detail = "Retry-After is neither seconds nor a date"
            found.append(Difference("retry-after-unreadable", pointer, detail, "header retry-after", retry))
        return found

    def _deprecation(self, operation: Operation, response: Response) -> list[Difference]:
        told = next((name for name in ("deprecation", "sunset") if name in response.headers), None)
        if told is None or operation.node.get("deprecated") is True:
            return []
        actions = self.mender.update(operation.pointer, {"deprecated": True})
        detail = f"the header {told} says that it is deprecated"
        text = response.headers[told]
        return [Difference("deprecation-undeclared", operation.pointer, detail, f"header {told}", text, actions)]

    # -- body --------------------------------------------------------------------------------------------

    def _body(self, operation: Operation, response: Response, declared: DeclaredResponse) -> list[Difference]:
        status, pointer = response.status, declared.pointer
        content = declared.node.get("content") or {}
        if not response.content:
            if not content or status in BODILESS:
                return []
            actions = self.mender.remove(f"{pointer}/content")
            return [Difference("body-absent", f"{pointer}/content", f"a {status} has no body", "", None, actions)]
        value = _value(response)
        kind = essence(response.media_type or "")
        if not content:
            made = {"content": {kind or "*/*": {"schema": schema_for(value, self._values.is_30)}}}
            actions = self.mender.update(pointer, made)
            rule = "body-unexpected" if status < 400 else "error-described"
            return [Difference(rule, pointer, f"a {status} has a body", "", value, actions)]
        reading = declared.bodies[response.media_type or ""]
        if reading is None:
            listed = declared.bodies.media_types
            same = {"$ref": escape(_first_schema(pointer, content))} if is_json(kind) and _has_schema(content) else {}
            made = {"content": {kind or "*/*": {"schema": same or schema_for(value, self._values.is_30)}}}
            actions = self.mender.update(pointer, made)
            detail = f"is {kind or 'of no type'} and not {listed}"
            place = f"{pointer}/content"
            return [Difference("content-type-undeclared", place, detail, "header content-type", kind, actions)]
        try:
            value = reading.parse(response.content)
        except Problem as problem:
            text = response.content[:80].decode("utf-8", "replace")
            detail = f"cannot be read as {kind}"
            return [Difference("body-unreadable", f"{pointer}/content", detail, str(problem)[:120], text)]
        part: Part = "error" if status >= 400 else "body"
        schema = self._place(operation, response)
        if schema is None:
            return []
        if reading.of_texts:
            value, violations = reading.validate(value, "server")
            if not violations:
                return []
        found = self._values.differences(schema, value, part)
        return [*found, *self._told_status(status, value, schema)] if status >= 400 else found

    def _place(self, operation: Operation, response: Response) -> Place | None:
        """Where the schema of the body of this media type stands."""
        declared = operation.response(response.status)
        if declared is None:
            return None
        content, kind = declared.node.get("content") or {}, essence(response.media_type or "")
        name = next((name for name in content if essence(name) == kind), None)
        if name is None:
            return operation.response_schema(response.status)
        at = declared.pointer + pointer_of(["content", name])
        media, at = self._contract.refs.follow(content[name], at)
        schema = media.get("schema") if isinstance(media, dict) else None
        return Place(schema, f"{at}/schema") if isinstance(schema, dict) else None

    def _told_status(self, status: int, value: JSON, place: Place) -> list[Difference]:
        """Whether an error tells its own status."""
        for name in ("status", "status_code", "statusCode"):
            told = value.get(name) if isinstance(value, dict) else None
            if type(told) is int and 400 <= told < 600 and told != status:
                detail = f"`{name}` is not the status of the response"
                return [Difference("error-status-differs", place.pointer, detail, f"/{name}", told)]
        return []


def _value(response: Response) -> JSON:
    """What a body says, whether the contract has it or not."""
    return json_or_text(response.content or b"")


def _has_schema(content: dict[str, Any]) -> bool:
    return any(isinstance(media, dict) and "schema" in media for media in content.values())


def _first_schema(pointer: str, content: dict[str, Any]) -> str:
    name = next(name for name, media in content.items() if isinstance(media, dict) and "schema" in media)
    return pointer + pointer_of(["content", name, "schema"])


__all__ = ["Responses"]
