"""Generated exchanges of any contract: mostly near to what it asks for, broken in a place or two."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from contracts import BUNDLED, bundled, published
from hypothesis import strategies as st

from mockserver.contract import Contract, Operation, load_contract
from mockserver.contract.media_types import essence, is_json
from mockserver.contract.parameters import Parameter
from mockserver.contract.reference.message import Message
from mockserver.contract.reference.oracle import Oracle
from mockserver.contract.references import Refs
from mockserver.contract.samples import Sampler
from mockserver.errors import Problem
from mockserver.messages import Request, Response

DOCUMENTS = Path(__file__).parent / "documents"


class Case(Message):
    """One half of an exchange, validated by both."""

    def fast(self) -> list[str]:
        """Why the engine refuses it."""
        if self.response is not None:
            return [str(violation) for violation in self.operation.check_response(self.response)]
        try:
            return [str(v) for v in self.operation.check_request(self.request, self.values or {}).violations]
        except Problem as problem:
            return [problem.message]

    def slow(self, oracle: Oracle) -> list[str]:
        """Why openapi-core refuses it."""
        if self.response is not None:
            return oracle.response_faults(self.operation, self.response)
        return oracle.request_faults(self.operation, self.request, self.values or {})


class Subject:
    """A contract, its oracle, and how to make exchanges of it."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.oracle = Oracle(contract)
        self.refs = Refs(contract.document)
        self.operations = list(contract.operations.values())

    def sampled(self, schema: Any, seed: int) -> Any:
        """A value that the schema takes, mostly."""
        return orjson.loads(orjson.dumps(Sampler(self.refs, Random(seed)).value(schema), default=str))


@cache
def subject(name: str) -> Subject:
    """By the name of a bundled contract, of a file in `tests/documents`, or of a published document."""
    if name in BUNDLED:
        return Subject(bundled(name))
    file = DOCUMENTS / name
    return Subject(load_contract(file if file.is_file() else published(name), strict=False))


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70).filter(lambda n: -(2**63) <= n < 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "null", "2026-01-01", "user_memory", "list", "ä\n", "0", 1.0, 1e300, 0, -1, [], {}]),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.lists(st.integers() | st.text(st.characters(codec="utf-8"), max_size=2), max_size=2).filter(
        lambda items: all(not isinstance(item, int) or abs(item) < 2**63 for item in items)
    ),
)
numbers = ["0", "1", "50", "100", "101", "-1", "100000", "100001", "+5", " 5", "1_0", "٣", "05", "5.0", "1e2", "nan"]
words = ["x", "", "true", "false", "True", "null", "a,b", "a|b", "[1]", '{"a":1}', "2026-01-01T00:00:00Z", "%", "ä"]
scalars = st.sampled_from([*numbers, *words])
seeds = st.integers(0, 50)


@st.composite
def damaged(draw, value: Any) -> Any:
    """A value with up to three members changed, dropped or added, at any level."""
    value = orjson.loads(orjson.dumps(value))
    for _ in range(draw(st.integers(0, 3))):
        places = list(containers(value))
        if not places:
            return draw(junk)
        place = draw(st.sampled_from(places))
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        action = draw(st.sampled_from(["change", "drop", "add"])) if keys else "add"
        if action == "add" and isinstance(place, dict):
            place[draw(st.sampled_from(["extra", "id", "type", "details", ""]))] = deepcopy(draw(junk))
        elif action == "add":
            place.append(deepcopy(draw(junk)))
        elif action == "drop":
            del place[draw(st.sampled_from(keys))]
        else:
            place[draw(st.sampled_from(keys))] = deepcopy(draw(junk))
    return value


def containers(value: Any):
    """The objects and arrays in a value."""
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from containers(child)


def plain(value: Any) -> str:
    """A value as the text of a parameter."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def spelled(parameter: Parameter, value: Any) -> list[tuple[str, str]]:
    """A value in the style of its parameter, as pairs of name and text; one pair outside of queries."""
    name, style, explode = parameter.name, parameter.style, parameter.explode
    if parameter.is_json or not isinstance(value, list | dict):
        text = orjson.dumps(value).decode() if parameter.is_json else plain(value)
        return [(name, {"label": ".", "matrix": f";{name}="}.get(style, "") + text)]
    in_query = parameter.place == "query"
    if isinstance(value, list):
        texts = [plain(item) for item in value]
        if in_query and explode:
            return [(name, text) for text in texts]
        if style == "matrix":
            return [(name, "".join(f";{name}={text}" for text in texts) if explode else f";{name}={','.join(texts)}")]
        separator = {"spaceDelimited": " ", "pipeDelimited": "|", "label": "." if explode else ","}.get(style, ",")
        return [(name, ("." if style == "label" else "") + separator.join(texts))]
    pairs = [(key, plain(item)) for key, item in value.items()]
    if style == "deepObject":
        return [(f"{name}[{key}]", text) for key, text in pairs]
    if explode and in_query:
        return pairs
    if explode:
        separator = {"label": ".", "matrix": ";"}.get(style, ",")
        start = separator if style in ("label", "matrix") else ""
        return [(name, start + separator.join(f"{key}={text}" for key, text in pairs))]
    separator = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",")
    start = {"label": ".", "matrix": f";{name}="}.get(style, "")
    return [(name, start + separator.join(part for pair in pairs for part in pair))]


@st.composite
def requests(draw, about: Subject) -> Case:
    """A request to any operation."""
    operation = draw(st.sampled_from(about.operations))
    pairs: list[tuple[str, str]] = []
    values: dict[str, str] = {}
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for parameter in operation.parameters:
        if not parameter.required and draw(st.booleans()):
            continue
        if draw(st.integers(0, 19)) == 0 and parameter.place != "path":
            continue
        if draw(st.integers(0, 3)):
            value = about.sampled(about.refs.lookup(parameter.pointer), draw(seeds))
            sent = spelled(parameter, draw(damaged(value)) if draw(st.integers(0, 3)) == 0 else value)
        else:
            sent = [(parameter.name, draw(scalars)) for _ in range(draw(st.sampled_from([1, 1, 1, 2])))]
        if parameter.place == "query":
            pairs += sent
        elif sent and parameter.place == "path":
            values[parameter.name] = sent[0][1]
        elif sent and parameter.place == "header":
            headers[parameter.header] = " ".join(sent[0][1].split())  # no line ends in a header
        elif sent:
            cookies.append(f"{parameter.name}={quote(sent[0][1])}")
    if draw(st.integers(0, 9)) == 0:
        pairs.append((draw(st.sampled_from(["extra", "", "limit"])), draw(scalars)))
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    query = "&".join(f"{quote(name)}={quote(text)}" for name, text in pairs)
    body, content_type = b"", ""
    if "requestBody" in operation.node and draw(st.integers(0, 9)):
        node, _ = about.refs.follow(operation.node["requestBody"], "")
        body, content_type = draw(bodies(about, node.get("content") or {}))
    if body:
        headers["content-type"] = content_type
    return Case(operation, Request(operation.method, operation.path, query, headers, body), values=values)


@st.composite
def bodies(draw, about: Subject, content: dict[str, Any]) -> tuple[bytes, str]:
    """A body of one of the declared media types, and its Content-Type."""
    if not content:
        return b"{}", "application/json"
    media_type = draw(st.sampled_from(list(content)))
    node, _ = about.refs.follow(content[media_type], "")
    value = draw(damaged(about.sampled(node.get("schema", {}), draw(seeds))))
    kind = essence(media_type).replace("*/*", "application/json").replace("/*", "/plain")
    if kind == "application/x-www-form-urlencoded":
        return form(value).encode(), draw(st.sampled_from([kind] * 5 + [f"{kind}; charset=utf-8"]))
    if kind == "multipart/form-data":
        return multipart(value), f"{kind}; boundary=XYZ"
    if not is_json(kind):
        return draw(st.sampled_from([plain(value).encode(), b"text", b"1"])), kind
    body = orjson.dumps(value)
    broken = [body[:-1], body + b"x", b"", b"null", b"\xff", b"NaN", b'{"a":1,"a":2}']
    body = draw(st.sampled_from([body] * 12 + broken))
    types = [kind] * 12 + [f"{kind}; charset=utf-8", kind.title(), f"{kind};", "text/plain", "application/problem+json"]
    types += ["application/json; charset", "", "application/json; charset=utf-16"]
    return body, draw(st.sampled_from(types))


def members(value: Any) -> list[tuple[str, str]]:
    """The fields of a form that spells an object."""
    if not isinstance(value, dict):
        return [("x", plain(value))]
    fields = []
    for name, member in value.items():
        several = member if isinstance(member, list) else [member]
        fields += [(name, plain(one)) for one in several]
    return fields


def form(value: Any) -> str:
    """An object as `application/x-www-form-urlencoded`."""
    return urlencode(members(value))


def multipart(value: Any) -> bytes:
    """An object as `multipart/form-data`."""
    parts = [
        f'--XYZ\r\nContent-Disposition: form-data; name="{quote(name)}"\r\n\r\n{text}\r\n'
        for name, text in members(value)
    ]
    return ("".join(parts) + "--XYZ--\r\n").encode()


@st.composite
def responses(draw, about: Subject) -> Case:
    """A response of any operation that declares one."""
    operation = draw(st.sampled_from(about.operations))
    statuses = [status_of(key) for key in operation.declared]
    if not statuses:
        return Case(operation, response=Response(draw(st.sampled_from([200, 204, 404])), media_type=None))
    status = draw(st.sampled_from(statuses))
    rng = Random(draw(seeds)) if draw(st.booleans()) else None
    response = deepcopy(about.contract.sample(operation, status, rng=rng))
    node = operation.response(status).node
    if response.media_type is not None:
        chosen = draw(st.sampled_from(list(node["content"])))
        if chosen != response.media_type and "*" not in chosen:
            media, _ = about.refs.follow(node["content"][chosen], "")
            value = about.sampled(media.get("schema", {}), draw(seeds))
            response.media_type, response.data = chosen, value if is_json(essence(chosen)) else plain(value)
        if is_json(essence(response.media_type)):
            response.data = draw(damaged(orjson.loads(orjson.dumps(response.data, default=str))))
        elif not isinstance(response.data, str | bytes):
            response.data = plain(response.data)
    if draw(st.integers(0, 9)) == 0:
        response.media_type = draw(
            st.sampled_from([None, "text/plain", "application/problem+json", "Application/JSON"])
        )
        if response.media_type == "text/plain" and not isinstance(response.data, bytes):
            response.data = plain(response.data)
    for name, header in (node.get("headers") or {}).items():
        header, _ = about.refs.follow(header, "")
        if draw(st.integers(0, 3)) == 0:
            response.headers[name.lower()] = draw(st.sampled_from(["1", "200", "0", "-1", "", "x", "1.5", "Bearer"]))
        elif "schema" in header and draw(st.booleans()):
            made = next((p for p in operation.response(status).headers if p.name == name), None)
            if made is not None:
                texts = spelled(made, about.sampled(header["schema"], draw(seeds)))
                response.headers[name.lower()] = " ".join(texts[0][1].split()) if texts else ""
    if draw(st.integers(0, 9)) == 0:
        response.status = draw(st.sampled_from([200, 201, 202, 204, 302, 404, 418, 500, 503]))
    return Case(operation, response=response)


def status_of(key: str) -> int:
    """A status that a key of `responses` covers."""
    return int(key) if key.isdigit() else 418 if key == "default" else int(key[0]) * 100 + 17


def asked(
    operation: Operation, query: str = "", body: bytes = b"", headers: dict[str, str] | None = None, **values: str
) -> Case:
    """A request to an operation, its body JSON unless the headers say otherwise."""
    given = {"content-type": "application/json"} if headers is None else headers
    return Case(operation, Request(operation.method, operation.path, query, given, body), values=values)
