"""What a hostile client or a careless author may send: strategies for `benchmarks.hostile`."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import strategies as st

from benchmarks.data import BODY, PATH
from mockserver.apis import Api
from mockserver.contract import Contract
from mockserver.contract.references import Refs
from mockserver.contract.samples import Sampler
from mockserver.text.documents import parse

ROOT = Path(__file__).parent.parent
GOOD = (
    f"POST {PATH} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
).encode() + BODY

texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["", "\0", "é", "x" * 5000, "../..", "%", "%zz", "%00", "\r\n"]
)
names = ["authorization", "content-type", "content-length", "prefer", "cookie", "host", "expect", "connection"]
names += ["transfer-encoding", "datagrid-teamspace", "x-forwarded-for", "x-mockserver-admin", "upgrade"]
header_texts = texts.map(lambda text: text.encode("latin-1", "replace").decode("latin-1"))
"""What a header may hold once it has been read off a socket."""
_MEDIA_TYPES = ["application/json", "application/json", "application/json; charset=utf-16", "text/plain", ";", ""]
_MEDIA_TYPES += [
    "multipart/form-data",
    "multipart/form-data; boundary=\0",
    "application/x-www-form-urlencoded",
    'a; b="c',
]

# JSON

_SCALARS = [b"null", b"true", b"0", b"-0", b"1e999999", b"-1e-999999", b"1" * 400, b"9" * 5000, b"0." + b"1" * 3000]
_SCALARS += [b'"\\ud800"', b'"\\u0000"', b'"\\udc00\\ud800"', b'"\xff\xfe"', b'"\0"', b'""', b"NaN", b"Infinity", b"01"]
_SCALARS += [b'"' + b"a" * 3000 + b'"', b"1" * 19, b"18446744073709551616", b"-9223372036854775809", b"\xef\xbb\xbf1"]
_KEYS = [b'"agent_id"', b'"memory"', b'"memory"', b'"\\u006demory"', b'"\\ud800"', b'""', b'"\0"', b'"__proto__"', b"1"]


def _object(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return b"{" + b",".join(key + b":" + value for key, value in pairs) + b"}"


json_texts = st.recursive(
    st.sampled_from(_SCALARS) | st.text(max_size=8).map(lambda text: json.dumps(text).encode()),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: b"[" + b",".join(items) + b"]")
        | st.lists(st.tuples(st.sampled_from(_KEYS), inner), max_size=4).map(_object)
    ),
    max_leaves=8,
)
_DEPTHS = st.sampled_from([10, 199, 200, 201, 1024, 5000, 100_000])
deep = st.builds(
    lambda levels, kind, inner: kind[0] * levels + inner + kind[1] * levels,
    _DEPTHS,
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b"[{},", b"]"), (b"[", b""), (b'{"memory":[', b"]}")]),
    st.sampled_from(_SCALARS),
)


@st.composite
def broken(draw: Any, good: bytes) -> bytes:
    """Good bytes with something cut out, doubled, changed or put in."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        to = min(len(data), at + draw(st.sampled_from([1, 2, 8, 64])))
        what = draw(st.sampled_from(["cut", "double", "put", "flip"]))
        if what == "cut":
            del data[at:to]
        elif what == "double":
            data[at:at] = data[at:to] * draw(st.sampled_from([1, 2, 50]))
        elif what == "put":
            data[at:at] = draw(
                st.binary(max_size=6) | st.sampled_from([b"\r\n", b"\0", b":", b" ", b"\n\n", b"%0d%0a"])
            )
        elif data:
            data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


bodies = st.one_of(json_texts, deep, broken(BODY), st.binary(max_size=40), st.just(BODY))

# HTTP

_LINES = [
    b"GET / HTTP/1.1",
    b"GET /%ff HTTP/1.1",
    b"POST /v1/user-memories HTTP/1.0",
    b"PRI * HTTP/2.0",
    b"GET  /",
    b"",
]
_LINES += [
    b"GET http://h/v1/user-memories HTTP/1.1",
    b"CONNECT h:1 HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"\x16\x03\x01\x02",
]
_LINES += [
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1",
    b"GET /__admin/health HTTP/1.1",
    b"POST /__admin/sandboxes HTTP/1.1",
]
_HEADERS = [b"Host: h", b"Host: a\r\nHost: b", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 5, 6"]
_HEADERS += [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, gzip",
    b"Expect: 100-continue",
    b"X: " + b"y" * 9000,
]
_HEADERS += [
    b"Authorization: Bearer k",
    b"Authorization: \xff\xfe",
    b"Content-Type: application/json",
    b" folded",
    b": x",
]
_HEADERS += [
    b"Upgrade: websocket\r\nConnection: upgrade",
    b"Connection: close",
    b"Content-Length: 99999999999999999999",
]
_HEADERS += [b"X-Mockserver-Admin: 1", b"Prefer: code=201", b"Cookie: a=%FF; b", b"A\0: b", b"Connection: keep-alive"]
_ENDS = [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffff\r\n", b"-1\r\n\r\n", b"0\r\nX: y\r\n\r\n", BODY, GOOD]


def _message(line: bytes, headers: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([line, *headers]) + b"\r\n\r\n" + body


wire = st.one_of(
    st.builds(
        _message, st.sampled_from(_LINES), st.lists(st.sampled_from(_HEADERS), max_size=5), st.sampled_from(_ENDS)
    ),
    broken(GOOD),
    broken(GOOD).map(lambda data: GOOD + data + GOOD),
    st.binary(max_size=200),
    bodies.map(lambda body: GOOD.replace(b": %d\r" % len(BODY), b": %d\r" % len(body)).removesuffix(BODY) + body),
)
sockets = st.tuples(wire, st.sampled_from([0, 0, 1, 20, 300]))
"""Bytes, and after how many of them the sender pauses."""


@st.composite
def requests(draw: Any, apis: list[Api]) -> tuple[str, str, str, dict[str, str], bytes]:
    """A request near some operation, or noise."""
    api = draw(st.sampled_from(apis))
    operation = draw(st.sampled_from(list(api.contract.operations.values())))
    path = re.sub(r"\{[^}]+\}", lambda _: quote(draw(texts).encode("utf-8", "surrogatepass"), safe=""), operation.path)
    path = draw(st.sampled_from([api.contract.base_path + path] * 6 + [path + "/", f"/~x{path}", f"/{api.name}{path}"]))
    if draw(st.integers(0, 7)) == 0:
        path = draw(texts)
    query = "&".join(f"{draw(st.sampled_from(['limit', 'page', 'x', '', 'user_id']))}={draw(texts)}" for _ in range(2))
    headers = {draw(st.sampled_from(names)): draw(header_texts) for _ in range(draw(st.integers(0, 3)))}
    if draw(st.integers(0, 4)):
        headers |= {"authorization": "Bearer k", "content-type": draw(st.sampled_from(_MEDIA_TYPES))}
    method = draw(st.sampled_from([operation.method] * 6 + ["PATCH", "", "GET\0", "é"]))
    headers.pop("prefer", None)  # it may ask for any status that is declared, a 500 too
    return method, path, draw(st.sampled_from(["", query])), headers, draw(bodies)


# YAML

_LUMPS = [
    "&a [*a]",
    "*nobody",
    "<<: *a",
    "!!python/object/apply:os.system [x]",
    "!!binary x",
    "? {a: b}\n: c",
    "- - - -",
]
_LUMPS += [
    "{" * 300,
    "[" * 300,
    "[" * 100_000,
    "x: " * 50,
    "'" + "y" * 20_000 + "'",
    "|\n  z",
    "\t- x",
    "%YAML 1.1\n---",
    "---",
]
_LUMPS += [
    "0x" + "f" * 500,
    "1" * 5000,
    ".inf",
    ".nan",
    "1e999",
    "2026-01-01",
    "on",
    "~",
    "\0",
    "\u2028",
    "\ufeff",
    "!<x> y",
]
_LUMPS += [
    "times: 99999999999999999999",
    "regex: '(a+)+$'",
    "regex: '" + "(" * 400 + "'",
    "regex: 'a{500}{500}'",
    "call: 1..0",
]
_LUMPS += [
    "latency: 99999999999d",
    "window: [1s, -1s]",
    "chance: .nan",
    "credits: -1",
    "op: '*'",
    "op: [*a]",
    "version: 2",
]
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@cache
def scenario_texts() -> list[str]:
    """The bundled scenarios."""
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / "scenarios").glob("*.yaml"))]


@st.composite
def mutated_lines(draw: Any, whole: str) -> str:
    """A YAML text with lines dropped, doubled, moved in or out, swapped for a lump."""
    lines = whole.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(lines) - 1, 0)))
        line = lines[at] if lines else ""
        key, colon, _ = line.partition(":")
        lump = draw(st.sampled_from(_LUMPS) | st.text(max_size=12))
        lines[at : at + 1] = draw(
            st.sampled_from(
                [[], [line, line], ["  " + line], [line.lstrip()], [lump], [f"{key}{colon} {lump}"], [line, lump]]
            )
        )
    return "\n".join(lines)


yaml_texts = st.one_of(
    st.lists(st.sampled_from(_LUMPS) | st.text(max_size=10), max_size=6).map("\n".join),
    st.lists(
        st.sampled_from(["a:", "- ", "  ", "\n", "{", "}", "[", "]", "&a ", "*a", "!!str ", "'", '"', "|", "#", ","])
    ).map("".join),
    st.just(BOMB),
    deep.map(lambda data: data.decode("latin-1")),
)
scenarios = st.one_of(st.sampled_from(scenario_texts()).flatmap(mutated_lines), yaml_texts)


# Documents


@cache
def document_texts() -> list[tuple[str, Any]]:
    """The bundled contracts, as texts and as values."""
    found = [(ROOT / "spec" / f"{name}.yaml").read_text(encoding="utf-8") for name in ("datagrid", "mem0")]
    return [(text, parse(text, "bundled")) for text in found]


_NODES = [
    None,
    True,
    0,
    -1,
    1e300,
    "",
    "x",
    "#/",
    "#/components/schemas/Nobody",
    "[",
    "(a+)+$",
    "(?=(a+)+$)b",
    [],
    {},
    [[]],
]
_NODES += [
    {"$ref": "#"},
    {"$ref": "#/paths"},
    {"$ref": "x.yaml"},
    {"type": "object", "allOf": []},
    {"not": {}},
    ["x", "x"],
]
_NODES += [
    {"$ref": "#/components/schemas/UserMemory"},
    {"type": "array"},
    {"pattern": "a" * 3000},
    {"enum": []},
    "x" * 2000,
]
_NODES += [{"type": ["string", "null"]}, {"minimum": "1"}, {"multipleOf": 0}, {"discriminator": {"propertyName": "x"}}]


@st.composite
def documents(draw: Any) -> bytes:
    """A bundled contract with its lines broken, or its values changed."""
    text, value = draw(st.sampled_from(document_texts()))
    if draw(st.booleans()):
        mutated: str = draw(mutated_lines(text))
        return mutated.encode("utf-8", "surrogatepass")
    return orjson.dumps(changed(value, Random(draw(st.integers(0, 2**32))), _NODES), default=str)


def changed(value: Any, rng: Random, nodes: list[Any]) -> Any:
    """A copy with one to three members anywhere changed, dropped or renamed."""
    value = orjson.loads(orjson.dumps(value))
    for _ in range(rng.randint(1, 3)):
        place = value
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(place[key], dict | list) and rng.random() < 0.85:
                place = place[key]
                continue
            if rng.random() < 0.2:
                del place[key]
            elif rng.random() < 0.1 and isinstance(place, dict):
                place[rng.choice(["$ref", "x", "", "responses", "200", "type"])] = place.pop(key)
            else:
                place[key] = orjson.loads(orjson.dumps(rng.choice(nodes)))
            break
    return value


@st.composite
def admin_requests(draw: Any, contract: Contract) -> tuple[str, str, str, dict[str, str], bytes]:
    """A request to the admin API: a body that it takes, changed, or anything else."""
    operation = draw(st.sampled_from(list(contract.operations.values())))
    name = draw(st.sampled_from(["default", "default", "default", "a", "nobody", "é", "%00", "x" * 300]))
    path = re.sub(r"\{[^}]+\}", lambda _: quote(name), operation.path)
    headers = {"x-mockserver-admin": "1", "content-type": "application/json", "host": "127.0.0.1"}
    body = b""
    refs = Refs(contract.document)
    if "requestBody" in operation.node:
        node, _ = refs.follow(operation.node["requestBody"], "")
        media_type = draw(st.sampled_from(list(node["content"])))
        headers["content-type"] = media_type
        rng = Random(draw(st.integers(0, 2**32)))
        if "yaml" in media_type:
            body = draw(scenarios).encode("utf-8", "surrogatepass")
        elif draw(st.integers(0, 3)):
            sample = Sampler(refs, rng).value(node["content"][media_type].get("schema", {}))
            made = changed([sample], rng, [*_NODES, {"use": "out-of-credits"}, {"regex": "(a+)+$"}, "1s", "frozen"])
            body = orjson.dumps(made[0] if made else None)
        else:
            body = draw(bodies)
    query = draw(
        st.sampled_from(["", "", "limit=1", "limit=0", "after=-1", "side=client", "status=x", "seconds=0", "%ff=%ff"])
    )
    return operation.method, path, query, headers, body
