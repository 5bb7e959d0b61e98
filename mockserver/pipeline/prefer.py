"""The `Prefer` header as Prism reads it: `code=429`, `example=NAME`, `dynamic=true`.

It lets a project move over from Prism by changing one port. RFC 7240 gives the syntax; other
preferences are left to be ignored, as it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mockserver.errors import Problem
from mockserver.scenarios.stages import stage_of

_PART = re.compile(r"""[\s,;]*([^\s=,;"]*)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^,;]*))?""")
"""A preference or a parameter of one, with its value: a word, or a quoted string in which a comma is a comma."""


@dataclass(frozen=True, slots=True)
class Preference:
    """A response that the caller asks for."""

    code: int | None = None
    example: str = ""
    dynamic: bool = False

    @property
    def early(self) -> bool:
        """Whether the vendor would answer this status without having looked at the request's content."""
        return self.code is not None and stage_of(self.code) != "content"


def read_preference(header: str) -> Preference | None:
    """What a `Prefer` header asks for; None when nothing of ours. Raises Problem on a bad code."""
    wanted: dict[str, str] = {}
    at = 0
    while at < len(header):
        part = _PART.match(header, at)
        if part is None or part.end() == at:
            at += 1  # a quote that begins nothing
            continue
        at = part.end()
        wanted.setdefault(part[1].lower(), _unquoted((part[2] or "").strip()))
    code = wanted.get("code")
    if code is not None and not re.fullmatch("[1-5][0-9][0-9]", code):
        raise Problem("invalid_request", f"Prefer: code={code[:20]} is not a status between 100 and 599.")
    preference = Preference(
        code=int(code) if code else None, example=wanted.get("example", ""), dynamic=wanted.get("dynamic") == "true"
    )
    return preference if preference != Preference() else None


def _unquoted(text: str) -> str:
    """The text of a quoted string (RFC 9110, 5.6.4); another text as it is, without a quote that stands alone."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip('"')
