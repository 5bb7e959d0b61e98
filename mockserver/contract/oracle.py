"""The reference: openapi-core's verdict on a request or a reply, to compare the compiled checks with.

It is slow to import and slow to use, so nothing imports this module when the server starts. It
judges parameters, headers and bodies; authentication is not its business, and neither is which
operation a path means. It is hardened: openapi-core raises what is no OpenAPI error on hostile
input, and even `str()` of its errors may raise. Nothing of that escapes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from jsonschema_path import SchemaPath
from openapi_core import V30RequestValidator, V30ResponseValidator, V31RequestValidator, V31ResponseValidator
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.datatypes import TemplateResult
from openapi_core.templating.paths.datatypes import PathOperationServer
from openapi_core.templating.paths.exceptions import PathNotFound
from openapi_core.templating.paths.finders import APICallPathFinder
from werkzeug.datastructures import Headers, ImmutableMultiDict

from mockserver.contract.bodies import essence, is_json, parameter
from mockserver.contract.contract import Contract
from mockserver.contract.operation import Operation
from mockserver.contract.parameters import parse_cookies, parse_query
from mockserver.contract.refs import is_data
from mockserver.errors import Problem
from mockserver.jsontext import to_json
from mockserver.messages import Request, Response

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:/?= ]+")
_NULL = {"type": "string", "nullable": True, "enum": [None]}
"""A 3.0 schema that openapi-core accepts null for, and nothing else."""


class Oracle:
    """Asks openapi-core about the exchanges of one contract."""

    def __init__(self, contract: Contract) -> None:
        old = str(contract.document["openapi"]).startswith("3.0.")
        document = _prepared(contract.document, old)
        spec = SchemaPath.from_dict(document, resolved_cache_maxsize=4096)
        names = {name for name in _media_types(document) if is_json(essence(name))}
        extra: dict[str, Callable[[bytes], Any]] = dict.fromkeys(names, _json)
        request_class, response_class = (
            (V30RequestValidator, V30ResponseValidator) if old else (V31RequestValidator, V31ResponseValidator)
        )
        self._requests = request_class(spec, path_finder_cls=_Finder, extra_media_type_deserializers=extra)
        self._responses = response_class(spec, path_finder_cls=_Finder, extra_media_type_deserializers=extra)

    def request_faults(self, operation: Operation, request: Request, path_values: dict[str, str]) -> list[str]:
        """Why openapi-core refuses a request to `operation`; empty when it does not."""
        try:
            wrapped = _Request(operation, request, path_values)
        except Problem as problem:
            return [problem.message]
        return _reasons(lambda: self._requests.iter_errors(wrapped))

    def response_faults(self, operation: Operation, response: Response) -> list[str]:
        """Why openapi-core refuses a reply of `operation`; empty when it does not."""
        asked = _Request(operation, Request(operation.method, operation.path), {})
        try:
            wrapped = _Response(response)
        except (TypeError, ValueError) as error:
            return [f"is not a JSON value: {error}"]
        return _reasons(lambda: self._responses.iter_errors(asked, wrapped))


class _Finder(APICallPathFinder):
    """Finds the operation by its path template: the contract has matched the path already."""

    def find(self, method: str, name: str) -> PathOperationServer:
        paths = self.spec / "paths"
        if name not in paths or method not in paths / name:
            raise PathNotFound(name)
        path = paths / name
        return PathOperationServer(path, path / method, None, TemplateResult(name), None)


class _Request:
    """A request as openapi-core wants to see it."""

    host_url = ""

    def __init__(self, operation: Operation, request: Request, path_values: dict[str, str]) -> None:
        self.path = self.path_pattern = operation.path
        self.method = operation.method.lower()
        self.body = request.body
        self.content_type = _content_type(request.headers.get("content-type", ""))
        query = [(name, value) for name, values in parse_query(request.query).items() for value in values]
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(query),
            header=Headers(list(request.headers.items())),
            cookie=ImmutableMultiDict(parse_cookies(request.headers.get("cookie", ""))),
            path=_spelled(path_values),
        )


class _Response:
    """A response as openapi-core wants to see it."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = Headers(list(response.headers.items()))
        self.content_type = _content_type(response.media_type or "")
        self.data = _bytes(response)


def _bytes(response: Response) -> bytes:
    if response.content is not None:
        return response.content
    if response.media_type is None:
        return b""
    if is_json(essence(response.media_type)):
        return to_json(response.data)
    return response.data if isinstance(response.data, bytes) else str(response.data).encode()


def _reasons(check: Callable[[], Iterator[Exception]]) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of deprecated parameters, once for each request
            return [_reason(error) for error in check()]
    except Exception as error:
        return [_reason(error)]


def _reason(error: BaseException) -> str:
    """The error in one line, with those that caused it."""
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 5:
        try:
            text = " ".join(str(getattr(current, "message", None) or current).split())
        except Exception:
            text = ""
        inner = "; ".join(str(getattr(one, "message", "")) for one in getattr(current, "schema_errors", None) or ())
        chain.append(f"{type(current).__name__}: {inner or text}"[:300])
        current = current.__cause__
    return " <- ".join(chain)


def _spelled(values: dict[str, str]) -> dict[str, str]:
    """Path values, also by the names under which openapi-core looks for label and matrix styles."""
    spelled = dict(values)
    for name, value in values.items():
        spelled |= {f"{mark}{name}{star}": value for mark in ".;" for star in ("", "*")}
    return spelled


def _content_type(text: str) -> str:
    """The media type in lower case, with those parameters that openapi-core can split."""
    kept = [essence(text)]
    for name in ("boundary", "charset"):
        value = parameter(text, name)
        if value and _TOKEN.fullmatch(value) and "=" not in value:
            kept.append(f"{name}={value}")
    return "; ".join(kept)


def _json(raw: bytes, **parameters: str) -> Any:
    """JSON by the letter: openapi-core's own reader takes NaN, UTF-16 and lone surrogates."""
    return orjson.loads(raw)


def _media_types(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "content" and isinstance(value, dict):
                yield from value
            yield from _media_types(value)
    elif isinstance(node, list):
        for item in node:
            yield from _media_types(item)


def _prepared(node: Any, old: bool, parent: str = "") -> Any:
    """A copy of the document for openapi-core.

    In 3.0, `nullable` without `type` becomes "or null". By the letter of 3.0.3 it has no effect, but
    vendors write it beside `allOf` and send null; the compiled contract follows the same rule.
    Security is left out: authentication is judged elsewhere.
    """
    if isinstance(node, list):
        return [_prepared(item, old) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {
        key: value if is_data(key, parent) else _prepared(value, old, key)
        for key, value in node.items()
        if key != "security" or not isinstance(value, list)
    }
    if old and node.get("nullable") is True and "type" not in node:
        del copy["nullable"]
        return {"anyOf": [copy, _NULL]}
    return copy
