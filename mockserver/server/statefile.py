"""The state of the default sandbox in a file: read before the first request, written after the last one.

It goes through the admin API's own `getState` and `setState`, so a file is validated as any snapshot is.
"""

from __future__ import annotations

import logging
from pathlib import Path

import orjson

from mockserver.admin.api import HEADER, Admin
from mockserver.errors import UserError
from mockserver.messages import Request, Response
from mockserver.sandbox.sandbox import DEFAULT
from mockserver.state.store import MAX_SNAPSHOT
from mockserver.text.documents import read_text, write_whole

log = logging.getLogger("mockserver")


class StateFile:
    """A file that holds what `mockserver state save` writes.

    Args:
        path: where it is. It need not be there yet.
        admin: the admin API of the server whose state it is.
        token: the admin API's token.
    """

    def __init__(self, path: str, admin: Admin, token: str) -> None:
        self._path = Path(path)
        self._admin = admin
        self._headers = {"host": "localhost", HEADER: token or "state-file", "content-type": "application/json"}

    def load(self) -> None:
        """Take over the state in the file, if there is one. Raises UserError when it is not right."""
        if not self._path.exists():
            return
        text = read_text(self._path, MAX_SNAPSHOT)
        response = self._ask("PUT", text.encode())
        if response.status != 204:
            raise UserError(f"{self._path}: is not a state that can be loaded: {response.data['detail']}")
        log.info("state loaded from %s", self._path)

    def save(self) -> None:
        """Write the state. Raises UserError; what the file held before is then still there."""
        response = self._ask("GET")
        if response.status != 200:
            raise UserError(f"{self._path}: there is nothing to write: {response.data['detail']}")
        write_whole(self._path, orjson.dumps(response.data, option=orjson.OPT_INDENT_2) + b"\n")
        log.info("state saved to %s", self._path)

    def _ask(self, method: str, body: bytes = b"") -> Response:
        return self._admin.handle(Request(method, f"/__admin/sandboxes/{DEFAULT}/state", "", self._headers, body))
