"""Where the engine differs from openapi-core on purpose: a named list, each with its reason.

Everything else on which the two disagree is a defect of ours. The differential tests and the referee go by
this list; an entry says which way we differ, why, and which sentence of which specification decides it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson

from mockserver.contract.bodies import MAX_DEPTH
from mockserver.contract.operation import Operation
from mockserver.jsontext import depth, duplicate_key
from mockserver.messages import Request, Response


@dataclass(slots=True)
class Half:
    """One half of an exchange: a request to an operation, or a response of it."""

    operation: Operation
    request: Request | None = None
    response: Response | None = None

    @property
    def body(self) -> Any:
        """The request's body as JSON; None when there is none or it is not JSON."""
        try:
            return orjson.loads(self.request.body) if self.request and self.request.body else None
        except orjson.JSONDecodeError:
            return None

    def query(self, *kinds: str) -> list[str]:
        """The texts of the query parameters that are declared with one of these types."""
        names = {p.name for p in self.operation.parameters if p.place == "query" and p.shape.types & set(kinds)}
        return [text for name, text in self.pairs if name in names]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query parameters in their order."""
        return parse_qsl(self.request.query, keep_blank_values=True) if self.request else []


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference that is meant."""

    ours: Literal["accepts", "refuses"]
    """What the engine does, while openapi-core does the opposite."""
    reason: str
    source: str
    """Where the sentence stands that decides it."""
    applies: Callable[[Half], bool]


def explained(half: Half, accepted: bool) -> str:
    """The name of the deviation that accounts for a disagreement about `half`; "" when none does."""
    ours = "accepts" if accepted else "refuses"
    return next((name for name, one in DEVIATIONS.items() if one.ours == ours and one.applies(half)), "")


def _given_twice(half: Half) -> bool:
    names = [name for name, _ in half.pairs]
    scalars = {p.name for p in half.operation.parameters if "array" not in p.shape.types}
    return any(names.count(name) > 1 for name in names if name in scalars)


_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def _not_canonical(half: Half) -> bool:
    return not all(_NUMBER.fullmatch(text) for text in half.query("integer", "number")) or any(
        text not in ("true", "false") for text in half.query("boolean")
    )


def _key_twice(half: Half) -> bool:
    body = half.body
    return body is not None and duplicate_key(half.request.body if half.request else b"", body) is not None


def _other_charset(half: Half) -> bool:
    content_type = half.request.headers.get("content-type", "") if half.request else ""
    return bool(re.search("charset=(?!utf-?8|us-ascii)", content_type, re.IGNORECASE))


_OAS = "https://spec.openapis.org/oas/v3.0.4.html"
_RFC8259 = "https://www.rfc-editor.org/rfc/rfc8259"

DEVIATIONS = {
    "given twice": Deviation(
        "refuses",
        "A scalar that is given twice has two meanings; openapi-core takes the first.",
        f"{_OAS}#style-values: only arrays and objects are spelled with a name more than once",
        _given_twice,
    ),
    "not canonical": Deviation(
        "refuses",
        "Only canonical forms are numbers and booleans; openapi-core reads whatever Python's int() reads.",
        f"{_RFC8259}#section-6: a number has no leading plus, zero, blank or underscore",
        _not_canonical,
    ),
    "key twice": Deviation(
        "refuses",
        "A key that stands twice in one object means two things; openapi-core takes the last.",
        f"{_RFC8259}#section-4: the names within an object SHOULD be unique",
        _key_twice,
    ),
    "too deep": Deviation(
        "refuses",
        "Nesting has a limit; openapi-core has none of its own and runs out of stack.",
        f"{_RFC8259}#section-9: an implementation may set limits on the maximum depth of nesting",
        lambda half: depth(half.body) > MAX_DEPTH,
    ),
    "other charset": Deviation(
        "refuses",
        "JSON is UTF-8; another charset is refused, openapi-core does not look at it.",
        f"{_RFC8259}#section-8.1: JSON text exchanged between systems MUST be encoded using UTF-8",
        _other_charset,
    ),
    "empty text": Deviation(
        "accepts",
        "`?name=` is how the style form spells an empty string, which a string schema takes; `allowEmptyValue` is "
        "about leaving a value out. openapi-core refuses it.",
        f"{_OAS}#style-examples: the column for an empty value of the style form is `color=`",
        lambda half: "" in half.query("string"),
    ),
    "undeclared error status": Deviation(
        "accepts",
        "An error status that the document does not declare is no breach: vendors declare few of them.",
        f"{_OAS}#responses-object: the documentation is not necessarily expected to cover all possible HTTP codes",
        lambda half: half.response is not None and half.response.status >= 300,
    ),
}
