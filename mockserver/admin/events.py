"""Follows the journal of a sandbox over HTTP, also when the server goes and comes back.

Must not know: which exchanges are of interest, or how they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from mockserver.admin.client import AdminClient
from mockserver.errors import UserError

Entry = dict[str, Any]

STREAM_SECONDS = 60
"""Seconds after which a stream ends and another one is asked for, so that a server that vanished is noticed."""
_PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds between two tries to reach a server that is gone; the last one is repeated."""


class Follower:
    """The exchanges of a sandbox as they come.

    Args:
        client: the sandbox, over HTTP.
        after: the number of the exchange to start after; None starts with the next one.
        notice: called with a sentence when exchanges may be missed, or when the server is gone or back.
        wait: waits for some seconds.

    Raises UserError when the server cannot be reached at first, or has no such exchange; later it is waited for.
    """

    def __init__(
        self,
        client: AdminClient,
        after: int | None,
        notice: Callable[[str], None],
        wait: Callable[[float], object],
    ) -> None:
        self._client = client
        self._notice = notice
        self._wait = wait
        newest = client.show()["requests"]
        if after is not None and after > newest:
            raise UserError(f"there is no exchange #{after}; the newest is #{newest}")
        self._after = newest if after is None else after
        entries = client.journal(after=self._after - 1, limit=1)["entries"] if self._after else []
        self._last: Entry | None = entries[0] if entries else None
        """The exchange of that number, by which the journal is known again."""

    def __iter__(self) -> Iterator[Entry]:
        failures, trouble = 0, ""
        while True:
            try:
                self._find_place()
                if trouble:
                    self._notice(f"{self._client.url} answers again")
                failures, trouble = 0, ""
                yield from self._stream()
            except UserError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    self._notice(f"{trouble} (waiting)")
                self._wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    def _find_place(self) -> None:
        """See whether the journal is still the one that was read, and begin at its start when it is another."""
        newest = self._client.show()["requests"]
        is_other = newest < self._after
        if not is_other and self._last is not None and self._last["number"] == self._after:
            entries = self._client.journal(after=self._after - 1, limit=1)["entries"]
            is_other = bool(entries) and entries[0]["number"] == self._after and not _same(entries[0], self._last)
        if is_other:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._notice(f"the journal began anew: what it held after #{self._after} is missed")
        self._after, self._last = 0, None

    def _stream(self) -> Iterator[Entry]:
        for line in self._client.event_lines(self._after, STREAM_SECONDS):
            if not line.startswith(b"data: "):
                continue
            entry = _entry(line, self._client.url)
            number = entry["number"]
            if number <= self._after:
                self._begin_anew()
            if number > self._after + 1:
                count = number - self._after - 1
                self._notice(f"{count:,} exchanges are missed: the journal has dropped those before #{number}")
            self._after, self._last = number, entry
            yield entry


def _same(one: Entry, other: Entry) -> bool:
    return all(one[name] == other[name] for name in ("at", "method", "path", "duration_ms"))


def _entry(line: bytes, url: str) -> Entry:
    try:
        entry = orjson.loads(line.removeprefix(b"data: "))
    except orjson.JSONDecodeError:
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("number"), int):
        raise UserError(f"{url} sent an event that is no exchange; it is no mockserver of this version")
    return entry
