"""The `Prefer` header as Prism reads it: `code=429`, `example=NAME`, `dynamic=true`.

It lets a project move over from Prism by changing one port. RFC 7240 gives the syntax; other
preferences are left to be ignored, as it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mockserver.errors import Problem
from mockserver.scenarios.stages import stage_of


@dataclass(frozen=True, slots=True)
class Preference:
    """A reply that the caller asks for."""

    code: int | None = None
    example: str = ""
    dynamic: bool = False

    @property
    def early(self) -> bool:
        """Whether the vendor would answer this status without having looked at the request's content."""
        return self.code is not None and stage_of(self.code) != "content"


def read_preference(header: str) -> Preference | None:
    """What a `Prefer` header asks for; None when nothing of ours. Raises Problem on a bad code."""
    parts: dict[str, str] = {}
    for part in re.split("[,;]", header):
        name, _, value = part.partition("=")
        parts.setdefault(name.strip().lower(), value.strip().strip('"'))
    code = parts.get("code")
    if code is not None and not re.fullmatch("[1-5][0-9][0-9]", code):
        raise Problem("invalid_request", f"Prefer: code={code[:20]} is not a status between 100 and 599.")
    preference = Preference(
        code=int(code) if code else None, example=parts.get("example", ""), dynamic=parts.get("dynamic") == "true"
    )
    return preference if preference != Preference() else None
