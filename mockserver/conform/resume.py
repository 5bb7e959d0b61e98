"""What a run was answered, line by line in a file, so that a run that was stopped goes on where it was.

Only whole responses are kept, without secrets. Must not know: cases, sockets.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from mockserver.conform.cases import READ_ONLY
from mockserver.conform.run import Server
from mockserver.errors import UserError
from mockserver.messages import Headers, Request, Response
from mockserver.text.documents import read_text

MAX_BYTES = 512 * 1024 * 1024
_VERSION = 1
_NOT_KEPT = (429, 502, 503, 504)
"""Statuses that may be others the next time."""


class Resumed:
    """A server whose earlier answers stand in a file.

    Args:
        server: answers the rest.
        path: the file; it is made when it is not there.
        subject: what is compared with what; a file of another run is not taken.

    Raises UserError.
    """

    def __init__(self, server: Server, path: Path, subject: str) -> None:
        self._server, self._path = server, path
        self._known: dict[str, list[Response]] = {}
        self._counts: dict[str, int] = {}
        self._is_open = True
        mark = hashlib.sha256(subject.encode()).hexdigest()[:16]
        if path.exists():
            self._read(read_text(path, MAX_BYTES), mark)
        else:
            self._write({"version": _VERSION, "of": mark})
        self.taken = 0
        """Responses that were taken from the file."""

    async def ask(self, request: Request, bare: bool = False) -> Response:
        """The answer of the file, or the server's."""
        told = [request.method, request.path, request.query, sorted(request.headers.items()), bare]
        if request.method not in READ_ONLY:
            self._is_open = False  # what is there changes from here on
        if not self._is_open:
            return await self._server.ask(request, bare)
        key = hashlib.sha256(orjson.dumps(told) + request.body).hexdigest()[:24]
        number = self._counts.get(key, 0)
        self._counts[key] = number + 1
        known = self._known.get(key, [])
        if number < len(known):
            self.taken += 1
            return known[number]
        response = await self._server.ask(request, bare)
        if response.status in _NOT_KEPT:
            self._counts[key] = number
        else:
            self._write({"key": key, **_written(response)})
        return response

    def done(self) -> None:
        """The run is whole: the next one starts anew."""
        with suppress(OSError):
            self._path.unlink()

    def _read(self, text: str, mark: str) -> None:
        lines = text.splitlines()
        try:
            head = orjson.loads(lines[0]) if lines else {}
        except orjson.JSONDecodeError:
            head = {}
        if not isinstance(head, dict) or head.get("version") != _VERSION or head.get("of") != mark:
            raise UserError(
                f"{self._path}: is not of this run; the API, the URL and the options must be the same, or remove it"
            )
        for line in lines[1:]:
            with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):  # the last line may be half a one
                read = orjson.loads(line)
                self._known.setdefault(read["key"], []).append(_read(read))

    def _write(self, value: dict[str, Any]) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(orjson.dumps(value) + b"\n")
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written: {error.strerror or error}") from None


def _written(response: Response) -> dict[str, Any]:
    headers = response.headers
    named = headers.by_name() if isinstance(headers, Headers) else headers
    content = base64.b64encode(response.content or b"").decode()
    return {"status": response.status, "headers": dict(named), "type": response.media_type, "content": content}


def _read(written: dict[str, Any]) -> Response:
    content = base64.b64decode(written["content"], validate=True)
    return Response(int(written["status"]), None, Headers.of(written["headers"]), written["type"], content)


__all__ = ["Resumed"]
