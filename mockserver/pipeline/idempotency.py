"""Idempotency keys: a request that is sent again with its key gets the response that it had, and changes nothing.

The response is stored in one step with the rows and the charge, so that a retry after a lost response finds it.
"""

from __future__ import annotations

from hashlib import blake2b

from mockserver.apis.api import Idempotency
from mockserver.apis.routes import Plan
from mockserver.contract import Operation
from mockserver.errors import BY_STATUS, Problem
from mockserver.messages import Headers, Request, Response, Write
from mockserver.sandbox.world import World
from mockserver.state.store import Row
from mockserver.text.jsontext import copied

TABLE = "idempotency"
"""The table that keeps the responses."""
MAX_KEY = 255
"""Characters of a key."""
REPLAYED = "idempotent-replayed"
"""The header of a response that a key had before."""


class Replays:
    """What is kept for the key of one request."""

    def __init__(
        self,
        terms: Idempotency,
        operation: Operation,
        key: str,
        request: Request,
        tenant: str,
        world: World,
        now: float,
    ) -> None:
        self._terms, self._operation, self._world, self._now = terms, operation, world, now
        self._tenant = tenant
        self._key = key
        digest = blake2b(digest_size=16)
        for part in (request.method, request.path, request.query):
            digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(request.body)
        self._request = digest.hexdigest()

    @classmethod
    def of(cls, plan: Plan, request: Request, tenant: str, world: World, now: float) -> Replays | None:
        """Of a request; None for one without a key. Raises Problem: 400 for a key that is too long, or missing."""
        terms = plan.idempotency
        key = request.headers.get(terms.header, "") if terms is not None else ""
        if terms is None or not key:
            if terms is not None and terms.required:
                raise Problem("invalid_request", f"The header {terms.header} is missing.")
            return None
        if len(key) > MAX_KEY:
            raise Problem("invalid_request", f"The header {terms.header} has more than {MAX_KEY} characters.")
        return cls(terms, plan.operation, key, request, tenant, world, now)

    def response(self) -> Response | None:
        """The response that the key had; None for a new one. Raises Problem when it came with another request."""
        row = self._row()
        if row is None:
            return None
        if row["request"] != self._request:
            status = self._conflict()
            kind = BY_STATUS[status].name if status in BY_STATUS else "conflict"
            what = f"The {self._terms.header} {self._key[:60]!r} was used for another request."
            raise Problem(kind, what, status=status)
        headers = Headers.of(row["headers"])
        headers[REPLAYED] = "true"
        content = bytes.fromhex(row["content"]) if row["content"] is not None else None
        return Response(row["status"], copied(row["data"]), headers, row["media_type"], content)

    def kept(self, response: Response) -> Write:
        """What keeps a response, in one commit with everything else."""
        is_bytes = isinstance(response.data, bytes)
        content = response.data if is_bytes else response.content
        headers = response.headers
        row = {
            "id": self._key,
            "request": self._request,
            "at": self._now,
            "status": response.status,
            "data": None if is_bytes else copied(response.data),
            "content": None if content is None else content.hex(),
            "headers": dict(headers.by_name() if isinstance(headers, Headers) else headers),
            "media_type": response.media_type,
        }
        return Write(TABLE, self._key, row, self._world.store.get(TABLE, self._key, self._partition), self._partition)

    @property
    def _partition(self) -> str:
        return f"{self._operation.id} {self._tenant}"

    def _row(self) -> Row | None:
        """What is kept, as long as it is."""
        row = self._world.store.get(TABLE, self._key, self._partition)
        return row if row is not None and self._now < row["at"] + self._terms.keep else None

    def _conflict(self) -> int:
        """The status for another request with the same key: what was chosen, else the one that is declared."""
        declared = (status for status in (409, 422, 400) if str(status) in self._operation.declared)
        return self._terms.conflict or next(declared, 409)


__all__ = ["MAX_KEY", "REPLAYED", "TABLE", "Replays"]
