"""The reference: openapi-core's verdict on a request or a response, to compare the compiled checks with.

It is slow to import and slow to use, so nothing imports this module when the server starts. It
validates parameters, headers and bodies; authentication is not its business, and neither is which
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
from openapi_core.deserializing.styles import style_deserializers
from openapi_core.deserializing.styles.factories import StyleDeserializersFactory
from openapi_core.deserializing.styles.util import delimited_loads, form_loads
from openapi_core.templating.datatypes import TemplateResult
from openapi_core.templating.media_types.datatypes import MediaType
from openapi_core.templating.paths.datatypes import PathOperationServer
from openapi_core.templating.paths.exceptions import PathNotFound
from openapi_core.templating.paths.finders import APICallPathFinder
from werkzeug.datastructures import Headers, ImmutableMultiDict

from mockserver.contract.contract import Contract
from mockserver.contract.media_types import essence, is_json, parameter
from mockserver.contract.operation import Operation
from mockserver.contract.reference.oracle_document import oracle_document
from mockserver.errors import Problem
from mockserver.messages import Request, Response
from mockserver.text.fields import Values, parse_cookies, parse_query
from mockserver.text.jsontext import to_json

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:/?= ]+")


class Oracle:
    """Asks openapi-core about the exchanges of one contract."""

    def __init__(self, contract: Contract) -> None:
        old = str(contract.document["openapi"]).startswith("3.0.")
        spec = SchemaPath.from_dict(oracle_document(contract.document, old), resolved_cache_maxsize=4096)
        request_class, response_class = (_Requests30, _Responses30) if old else (_Requests31, _Responses31)
        self._requests, self._responses = _validator(request_class, spec), _validator(response_class, spec)

    def request_faults(self, operation: Operation, request: Request, path_values: dict[str, str]) -> list[str]:
        """Why openapi-core refuses a request to `operation`; empty when it does not."""
        try:
            wrapped = _Request(operation, request, path_values)
        except Problem as problem:
            return [problem.message]
        except ValueError as error:
            return [f"cannot be sent: {error}"]
        return _reasons(lambda: self._requests.iter_errors(wrapped))

    def response_faults(self, operation: Operation, response: Response) -> list[str]:
        """Why openapi-core refuses a response of `operation`; empty when it does not."""
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


class _ByContent:
    """Reads a body by its own media type; openapi-core goes by the declared one, which may be a range."""

    def _find_media_type(self, content: SchemaPath, mimetype: str | None = None) -> MediaType:
        found: MediaType = super()._find_media_type(content, mimetype)  # type: ignore[misc]
        kind = essence(mimetype or found.mime_type)
        kind = "application/json" if is_json(kind) else "text/plain" if kind.startswith("text/") else kind
        return MediaType(kind, found.parameters, found.media_type)


class _Requests30(_ByContent, V30RequestValidator):
    pass


class _Requests31(_ByContent, V31RequestValidator):
    pass


class _Responses30(_ByContent, V30ResponseValidator):
    pass


class _Responses31(_ByContent, V31ResponseValidator):
    pass


def _validator(kind: Any, spec: SchemaPath) -> Any:
    styles = {**style_deserializers, "form": _form, "spaceDelimited": _spaces, "deepObject": _deep}
    return kind(
        spec,
        path_finder_cls=_Finder,
        style_deserializers_factory=StyleDeserializersFactory(kind.schema_casters_factory, styles),
        extra_media_type_deserializers={"application/json": _json},
    )


class _Query(ImmutableMultiDict[str, str]):
    """Query parameters, and those that make up an object by the style form, by the object's name."""

    objects: dict[str, dict[str, str]]


def _form(explode: bool, name: str, schema_type: str, location: Any) -> Any:
    """The style form; openapi-core looks for an exploded object under a name that nobody sends."""
    if explode and schema_type == "object" and isinstance(location, _Query):
        return dict(location.objects[name])
    return form_loads(explode, name, schema_type, location)


def _spaces(explode: bool, name: str, schema_type: str, location: Any) -> Any:
    """The style spaceDelimited; openapi-core looks for `%20` in texts that are decoded already."""
    return delimited_loads(explode, name, schema_type, location, delimiter=" ")


def _deep(explode: bool, name: str, schema_type: str, location: Any) -> Any:
    """The style deepObject, for members of any name."""
    found = {
        key[len(name) + 1 : -1]: location[key] for key in location if key.startswith(f"{name}[") and key[-1] == "]"
    }
    if not found:
        raise KeyError(name)
    return found


class _Request:
    """A request as openapi-core wants to see it."""

    host_url = ""

    def __init__(self, operation: Operation, request: Request, path_values: dict[str, str]) -> None:
        self.path = self.path_pattern = operation.path
        self.method = operation.method.lower()
        self.body = request.body
        self.content_type = _content_type(request.headers.get("content-type", ""))
        self.parameters = RequestParameters(
            query=_query(operation, request),
            header=Headers(list(request.headers.items())),
            cookie=ImmutableMultiDict(_pairs(parse_cookies(request.headers.get("cookie", "")))),
            path=_spelled(path_values),
        )


def _pairs(values: Values) -> list[tuple[str, str]]:
    return [(name, str(text)) for name, texts in values.items() for text in texts]


def _query(operation: Operation, request: Request) -> _Query:
    values = parse_query(request.query)
    query = _Query(_pairs(values))
    query.objects = {}
    declared = [one for one in operation.parameters if one.place == "query"]
    for one in declared:
        if "object" in one.shape.types and one.explode and one.style == "form":
            known = one.shape.properties
            others = values.keys() - {other.name for other in declared} if one.shape.rest else set()
            found = {name: str(several[0]) for name, several in values.items() if name in known or name in others}
            if found:
                query.objects[one.name] = found
    return query


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
    spelled = {name: str(value) for name, value in values.items()}
    for name, value in list(spelled.items()):
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
