"""A request that an operation takes, made from the contract: its required parameters, a body, and a key.

The mirror of `sampling`, for pages of documentation, for benchmarks and for the first try of an operation.
Must not know: state, sockets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from mockserver.contract.contract import Contract
from mockserver.contract.operation import Operation
from mockserver.contract.outline import Place
from mockserver.contract.parameters import Parameter
from mockserver.contract.references import escape
from mockserver.contract.samples import Sampler
from mockserver.contract.writers import text_of
from mockserver.messages import JSON, Request
from mockserver.text.fields import encoded_template
from mockserver.text.jsontext import copied, to_json
from mockserver.text.matchers import MISSING

KEY = "sample-key"
"""The key that a sample request sends."""
_DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|"}


class RequestSamples:
    """Makes requests for the operations of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self._contract.refs, direction="request")

    def request(
        self,
        operation: Operation,
        variables: Mapping[str, str] | None = None,
        body: JSON = None,
        parameters: Mapping[str, JSON] | None = None,
    ) -> Request:
        """A request with everything that is required and nothing else but what is given.

        Args:
            operation: what is asked for.
            variables: values of the path's variables, as texts; the rest is made up.
            body: the value of the body; None makes one up, where the operation takes one.
            parameters: values of other parameters, by name, whether they are required or not.

        Raises:
            Unsatisfiable: no body was found that its schema takes.
        """
        headers: dict[str, str] = {}
        pairs: list[tuple[str, str]] = []
        cookies: list[tuple[str, str]] = []
        path = encoded_template(operation.path.partition("?")[0].partition("#")[0])
        given = parameters or {}
        for parameter in operation.parameters:
            if parameter.place != "path" and not parameter.required and parameter.name not in given:
                continue
            value = given.get(parameter.name, MISSING)
            if parameter.place == "path":
                known = (variables or {}).get(parameter.name)
                text = known if known is not None else _styled(parameter, self.value(parameter))
                path = path.replace(f"{{{parameter.name}}}", quote(text, safe=";=,.~!$&'()*+:@"))
            elif parameter.place == "header":
                headers[parameter.header] = _styled(parameter, self.value(parameter) if value is MISSING else value)
            else:
                into = cookies if parameter.place == "cookie" else pairs
                into += _pairs(parameter, self.value(parameter) if value is MISSING else value)
        sent, keys = self.credentials(operation, cookies)
        headers |= sent
        pairs += keys
        if cookies:
            headers["cookie"] = "; ".join(f"{name}={quote(text)}" for name, text in cookies)
        content = b""
        body = self.body(operation) if body is None else body
        if body is not None and (media_type := operation.request_type):
            content, headers["content-type"] = operation.write_body(body, media_type)
        return Request(
            operation.method, encoded_template(self._contract.base_path) + path, urlencode(pairs), headers, content
        )

    def credentials(
        self, operation: Operation, cookies: list[tuple[str, str]] | None = None
    ) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """The headers and the pairs of the query that carry the key; where it is a cookie, it goes to `cookies`."""
        headers: dict[str, str] = {}
        pairs: list[tuple[str, str]] = []
        for alternative in self._contract.security(operation)[:1]:
            for credential in alternative:
                if credential.place == "authorization":
                    headers["authorization"] = f"{credential.name.capitalize()} {KEY}"
                elif credential.place == "header":
                    headers[credential.name.lower()] = KEY
                elif credential.place == "query":
                    pairs.append((credential.name, KEY))
                elif cookies is not None:
                    cookies.append((credential.name, KEY))
                else:
                    headers["cookie"] = f"{credential.name}={KEY}"
        return headers, pairs

    def body(self, operation: Operation) -> JSON:
        """A value that the body of a request may have; None where the operation takes none."""
        place = operation.request_schema
        if place is None:
            return None
        reading = operation.reading(operation.request_type)
        accepts = reading.is_valid if reading is not None else lambda value: True
        schema = {"$ref": escape(place.pointer)}
        return copied(
            self._sampler.valid(schema, accepts, lambda: self._contract.validator(place, "request"), place.pointer)
        )

    def value(self, parameter: Parameter) -> JSON:
        """A value that a parameter may have. Raises Unsatisfiable."""
        place = self._contract.outlines.at(parameter.pointer) if parameter.pointer else None
        return "value" if place is None else self.value_at(place, parameter.name)

    def value_at(self, place: Place, name: str = "") -> JSON:
        """A value that the schema at a place takes; `name` is what it is for. Raises Unsatisfiable."""
        validator = self._contract.validator(place, "request")
        schema = {"$ref": escape(place.pointer)}
        return self._sampler.valid(schema, validator.is_valid, lambda: validator, place.pointer, name)


def _styled(parameter: Parameter, value: Any) -> str:
    """A value as the text of a path variable or a header (3.0.3, Style Values)."""
    if parameter.content:
        return to_json(value).decode()
    mark = {"label": ".", "matrix": f";{parameter.name}="}.get(parameter.style, "")
    return mark + _delimited(parameter, value, ",")


def _delimited(parameter: Parameter, value: Any, delimiter: str) -> str:
    if isinstance(value, list):
        return delimiter.join(map(text_of, value))
    if isinstance(value, dict):
        glue = "=" if parameter.explode else delimiter
        return delimiter.join(f"{name}{glue}{text_of(member)}" for name, member in value.items())
    return text_of(value)


def _pairs(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    """A value as the names and values of a query or of cookies."""
    name = parameter.name
    if parameter.content:
        yield name, to_json(value).decode()
    elif isinstance(value, dict) and parameter.style == "deepObject":
        yield from _deep(name, value)
    elif isinstance(value, dict) and parameter.explode:
        yield from ((member, text_of(item)) for member, item in value.items())
    elif isinstance(value, list) and parameter.explode:
        yield from ((name, text_of(item)) for item in value)
    else:
        yield name, _delimited(parameter, value, _DELIMITERS.get(parameter.style, ","))


def _deep(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for member, inner in value.items():
            yield from _deep(f"{name}[{member}]", inner)
    elif isinstance(value, list):
        for item in value:
            yield from _deep(f"{name}[]" if isinstance(item, (dict, list)) else name, item)
    else:
        yield name, text_of(value)


__all__ = ["KEY", "RequestSamples"]
