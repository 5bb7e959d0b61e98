"""Postman collections, v2.0 and v2.1: an exchange is a saved response with the request that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from mockserver.text.jsontext import to_json
from mockserver.upstream.traffic.node import Node
from mockserver.upstream.traffic.seen import (
    LeftOut,
    Reading,
    Seen,
    fields,
    has,
    host_of,
    listed_lines,
    method_of,
    path_of,
    status_of,
    url_of,
    utf8,
)

_SCHEMA = re.compile(r"schema\.(?:get)?postman\.com/(?:json|collection)")
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_MEDIA_TYPES = {"json": "application/json", "xml": "application/xml", "html": "text/html", "text": "text/plain"}
MAX_ROUNDS = 10
"""Variables within variables that are followed."""
MAX_TEXT = 1024 * 1024
"""Characters that a text may have once its variables are put in."""


def is_postman(root: Node) -> bool:
    """Whether a file is one."""
    if not root.is_a(dict) or not root["info"].is_a(dict):
        return False
    schema = root["info"]["schema"].value
    return (isinstance(schema, str) and bool(_SCHEMA.search(schema))) or root["item"].is_a(list)


def read_postman(root: Node, reading: Reading) -> Iterator[Seen]:
    """The exchanges of one."""
    values = {one["key"].word() or one["id"].word(): one["value"].word() for one in _enabled(root["variable"])}
    yield from _folder(root, {**values, **reading.variables}, root["auth"], reading)


def _folder(folder: Node, values: Mapping[str, str], auth: Node, reading: Reading) -> Iterator[Seen]:
    for item in folder["item"].items():
        own = item["auth"] if item["auth"].is_there else auth
        if item["item"].is_there:
            yield from _folder(item, values, own, reading)
            continue
        responses = list(item["response"].items())
        if not responses:
            reading.leave_out("a request without a saved response")
        for response in responses:
            asked = response["originalRequest"] if response["originalRequest"].is_there else item["request"]
            try:
                yield _exchange(asked, response, values, own)
            except LeftOut as left:
                reading.leave_out(str(left))


def _exchange(request: Node, response: Node, values: Mapping[str, str], auth: Node) -> Seen:
    if request.is_a(str):  # a GET of that URL
        parts, sent, body, method = url_of(request, _filled(request.text(), values)), [], b"", "GET"
    else:
        method = method_of(request["method"], "GET")
        parts = url_of(request["url"], _url(request["url"], values))
        sent = _headers(request["header"], values)
        _authorise(request["auth"] if request["auth"].is_there else auth, sent)
        body = _body(request["body"], sent, values)
    got = _headers(response["header"], {})
    answer = utf8(response["body"].text(""))
    language = response["_postman_previewlanguage"].value
    if answer and not has(got, "content-type") and language in _MEDIA_TYPES:
        got.append(("content-type", _MEDIA_TYPES[language]))
    status = status_of(response["code"])
    return Seen(
        method, host_of(parts), path_of(parts), parts.query, fields(sent), body,
        status, fields(got), answer, response.pointer,
    )  # fmt: skip


def _url(node: Node, values: Mapping[str, str]) -> str:
    """The URL as a text, from its parts where they are there. A host that is an open variable is none."""
    if node.is_a(str):
        return _filled(_without_open_host(node.text(), values), values)
    own = {one["key"].word() or one["id"].word(): one["value"].word() for one in _enabled(node["variable"])}
    if not node["path"].is_there:
        return _filled(_without_open_host(node["raw"].text(), values), values)
    path = node["path"].text() if node["path"].is_a(str) else "/".join(_segment(one) for one in node["path"].items())
    segments = [_segment_value(segment, own, values) for segment in path.lstrip("/").split("/")]
    pairs = [
        (_filled(one["key"].word(), values), _filled(one["value"].word(), values)) for one in _enabled(node["query"])
    ]
    query = f"?{urlencode(pairs)}" if pairs else ""
    return f"{_host(node, values)}/{'/'.join(segments)}{query}"


def _host(node: Node, values: Mapping[str, str]) -> str:
    """What stands before the path: `https://host:1`, nothing, or the path that a variable brings along."""
    host = node["host"].text() if node["host"].is_a(str) else ".".join(one.word() for one in node["host"].items())
    try:
        host = _filled(host, values).rstrip("/")
    except LeftOut:
        return ""
    if not host or "://" in host:
        return host
    port = _filled(node["port"].word(), values)
    return f"{_filled(node['protocol'].text('http'), values) or 'http'}://{host}{f':{port}' if port else ''}"


def _without_open_host(text: str, values: Mapping[str, str]) -> str:
    found = _VARIABLE.match(text)
    if found is not None and found[1].strip() not in values:
        return text[found.end() :] or "/"
    return text if "://" in text or found is not None or text.startswith("/") else f"http://{text}"


def _segment(node: Node) -> str:
    return node["value"].word() if node.is_a(dict) else node.word()


def _segment_value(segment: str, own: Mapping[str, str], values: Mapping[str, str]) -> str:
    """A segment of a path; `:id` is a variable of it."""
    if not segment.startswith(":") or len(segment) == 1:
        return _filled(segment, values)
    value = _filled(own.get(segment[1:], ""), values) or values.get(segment[1:], "")
    if not value:
        raise LeftOut(f"the variable {segment[:50]} has no value")
    return quote(value, safe="")


def _headers(node: Node, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header lines. A text has one a line; an item that is a text is one line."""
    if not node.is_there:
        return []
    if node.is_a(str):
        return _split(node.text().splitlines())
    found: list[tuple[str, str]] = []
    for item in node.items():
        if item.is_a(str):
            found += _split([item.text()])
            continue
        for name, value in listed_lines_of(item):
            try:
                found.append((name, _filled(value, values) if values else value))
            except LeftOut:
                # What is open in a header is mostly a key, which is not written anyway.
                found.append((name, "Bearer masked" if name.lower() == "authorization" else "masked"))
    return found


def listed_lines_of(item: Node) -> list[tuple[str, str]]:
    """The header line of an item, unless it is disabled."""
    if not item.is_there or item["disabled"].flag() or not item["key"].word():
        return []
    return [(item["key"].word(), item["value"].word())]


def _split(lines: list[str]) -> list[tuple[str, str]]:
    return [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]


def _authorise(auth: Node, sent: list[tuple[str, str]]) -> None:
    """Say by what a request is authorised. The secret itself is not read."""
    kind = auth["type"].text("") if auth.is_a(dict) else ""
    if kind in ("bearer", "oauth2", "jwt") and not has(sent, "authorization"):
        sent.append(("authorization", "Bearer masked"))
    elif kind == "basic" and not has(sent, "authorization"):
        sent.append(("authorization", "Basic masked"))
    elif kind == "apikey":
        given = auth["apikey"]
        listed = ((one["key"].word(), one["value"]) for one in given.items()) if given.is_a(list) else given.members()
        pairs = dict(listed)
        name, place = pairs.get("key"), pairs.get("in")
        if name is not None and (place is None or place.value != "query"):
            sent.append((name.word(), "masked"))


def _body(node: Node, sent: list[tuple[str, str]], values: Mapping[str, str]) -> bytes:
    """The bytes of the body; its media type joins the headers where it is known."""
    if not node.is_there or node["disabled"].flag():
        return b""
    mode = node["mode"].text("")
    media_type = ""
    if mode == "raw":
        media_type = _MEDIA_TYPES.get(node["options"]["raw"]["language"].text(""), "")
        body = utf8(_filled(node["raw"].text(""), values))
    elif mode == "urlencoded":
        media_type = "application/x-www-form-urlencoded"
        pairs = [(_filled(k, values), _filled(v, values)) for k, v in listed_lines(node["urlencoded"], "key", "value")]
        body = urlencode(pairs).encode()
    elif mode == "graphql":
        media_type, body = "application/json", _graphql(node["graphql"], values)
    elif mode:
        raise LeftOut(f"a body of the kind {mode[:20]}, whose bytes the file does not hold")
    else:
        return b""
    if body and media_type and not has(sent, "content-type"):
        sent.append(("content-type", media_type))
    return body


def _graphql(node: Node, values: Mapping[str, str]) -> bytes:
    asked: dict[str, object] = {"query": _filled(node["query"].text(""), values)}
    variables = node["variables"]
    if variables.is_a(str) and variables.value.strip():
        return utf8(f'{{"query":{to_json(asked["query"]).decode()},"variables":{_filled(variables.text(), values)}}}')
    if variables.is_there and not variables.is_a(str):
        asked["variables"] = variables.value
    return to_json(asked)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A text with the values of its variables. Raises LeftOut when one has none."""
    for _ in range(MAX_ROUNDS):
        if "{{" not in text:
            return text
        text = _VARIABLE.sub(lambda found: _value(found[1].strip(), values), text)
        if len(text) > MAX_TEXT:
            break
    if "{{" in text and _VARIABLE.search(text):
        raise LeftOut("variables that name one another")
    return text


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise LeftOut(f"the variable {{{{{name[:50]}}}}} has no value")
    return values[name]


def _enabled(node: Node) -> list[Node]:
    return [item for item in node.items() if item.is_there and not item["disabled"].flag()]
