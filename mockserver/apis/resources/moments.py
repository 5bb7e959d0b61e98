"""How the members of a row tell a time: as a number of seconds or milliseconds, as a date, or as a date with a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mockserver.clock import timestamp
from mockserver.contract import Contract
from mockserver.contract.outline import Place

_MILLISECONDS = 100_000_000_000
"""Numbers above this count milliseconds since 1970 rather than seconds."""


class Moments:
    """Writes times in the form that a member has, which is read from its schema once."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._forms: dict[str, str] = {}
        """By the pointers of the members' schemas."""

    def at(self, place: Place, now: float, example: Any) -> Any:
        """A time as a member tells it; the example itself where that is a text of no known form.

        Args:
            place: the schema of the member.
            now: epoch seconds.
            example: a value that the member has, or had.
        """
        form = self._forms.get(place.pointer)
        if form is None:
            form = self._forms[place.pointer] = self._form(place)
        if form == "number":
            is_fine = isinstance(example, (int, float)) and example > _MILLISECONDS
            return int(now * 1000) if is_fine else int(now)
        if form == "date":
            return datetime.fromtimestamp(now, UTC).date().isoformat()
        return timestamp(now) if form == "moment" or not isinstance(example, str) else example

    def _form(self, place: Place) -> str:
        """How a member tells a time: as a `number`, a `date`, a `moment`, or as any `text`."""
        outline = self._contract.outlines.of(place)
        if outline.types & {"integer", "number"} and "string" not in outline.types:
            return "number"
        return "date" if "date" in outline.formats else "moment" if "date-time" in outline.formats else "text"


__all__ = ["Moments"]
