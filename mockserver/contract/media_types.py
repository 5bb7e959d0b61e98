"""Media types: what is compared of them, and which kind of text they announce (RFC 9110, 8.3.1)."""

from __future__ import annotations

import re
from functools import lru_cache

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
"""The media types of forms."""
LINES = frozenset(
    (
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/json-lines",
        "application/json-seq",
    )
)
"""The media types of JSON values one after the other."""
UTF8 = ("", "utf-8", "utf8", "us-ascii")
"""What a `charset` may say."""
_FREE = frozenset(("charset", "boundary", "q"))
"""Parameters in which a declared type and that of a body may differ; the charset is looked at elsewhere."""


def essence(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


_ANY = ("*/*", "*")
"""What covers every media type; the second is no range by RFC 9110, but documents have it."""
_PARAMETER = re.compile(r""";\s*([^=;"\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)""")


@lru_cache(256)
def parameters(content_type: str) -> dict[str, str]:
    """The parameters of a media type by lower-case name, unquoted; of equal names the first."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(content_type):
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.setdefault(name.lower(), value)
    return found


def parameter(content_type: str, name: str) -> str:
    """A parameter of a media type; "" when it has none."""
    return parameters(content_type).get(name, "")


def covers(declared: str, content_type: str) -> bool:
    """Whether a declared media type or range, such as `text/*` or `application/*+json`, covers that of a body.

    A parameter of the declared one may be missing from the other, but not differ.
    """
    pattern, name = essence(declared), essence(content_type)
    if not name:
        return False
    kind, _, sub = pattern.partition("/")
    in_range = sub.startswith("*") and name.startswith(f"{kind}/") and name.endswith(sub[1:])
    if pattern not in (name, *_ANY) and not in_range:
        return False
    given = parameters(content_type)
    return all(
        key in _FREE or given.get(key, value).lower() == value.lower() for key, value in parameters(declared).items()
    )


def nearness(declared: str, content_type: str) -> tuple[int, int]:
    """How near a declared media type that covers a body's is: greater is nearer.

    Ranges come last, `*/*` very last; of one essence the one with the most parameters that are all given.
    """
    pattern = essence(declared)
    kind = 3 if "*" not in pattern else 0 if pattern in _ANY else 1 if pattern.endswith("*") else 2
    given, own = parameters(content_type), parameters(declared)
    shared = sum(given.get(key, "").lower() == value.lower() for key, value in own.items())
    return kind, shared if shared == len(own) else shared - len(own)


def is_json(media_type: str) -> bool:
    """Whether a media type's bodies are JSON (RFC 6839 for the suffix; WHATWG MIME Sniffing, 4.6 for text/json)."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def is_xml(media_type: str) -> bool:
    """Whether a media type's bodies are XML (RFC 7303)."""
    return media_type in ("application/xml", "text/xml") or media_type.endswith("+xml")
