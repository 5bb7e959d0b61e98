"""The real server: one request at a time goes out, and a whole response comes back or a reason why not.

Everything is bounded: the time, the bytes, what comes out of a compressed body. A redirect is not followed, so no
other host is ever asked. Must not know: cases, contracts.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from mockserver.conform.secrets import Secrets
from mockserver.errors import Problem
from mockserver.messages import Headers, Request, Response
from mockserver.pipeline.codings import decoded
from mockserver.pipeline.passing import response_from
from mockserver.upstream.connection import Failure, Patience
from mockserver.upstream.fields import end_to_end, request_head
from mockserver.upstream.pool import Pool, proxy_lines
from mockserver.upstream.target import Target
from mockserver.version import __version__

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a response, as they come and with their coding undone."""


class Unanswered(Exception):
    """There is no response that could be judged.

    Args:
        reason: why, for a reader.
        is_dead: whether the server itself may be gone, so that more requests would fail too.
    """

    def __init__(self, reason: str, is_dead: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_dead = reason, is_dead


class Real:
    """Sends requests to one server.

    Args:
        target: the server.
        patience: the bounds of a connection.
        seconds: how long one exchange may take in all.
        secrets: puts keys in, and keeps them out of what comes back.
        base: the path of the contract's own server, which the URL's path takes the place of.
    """

    def __init__(self, target: Target, patience: Patience, seconds: float, secrets: Secrets, base: str = "") -> None:
        self._target, self._seconds, self._secrets = target, seconds, secrets
        self._base = base if target.base else ""
        self._pool = Pool(target, patience)

    async def ask(self, request: Request, bare: bool = False) -> Response:
        """Send a request, `bare` without any credential; the response without secrets. Raises Unanswered."""
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._exchange(self._secrets.dressed(request, bare))
        except TimeoutError:
            message = f"{self._target.url} sent no whole response in {self._seconds:g} s"
            raise Unanswered(message, is_dead=True) from None
        except Failure as failure:
            raise Unanswered(self._secrets.text(failure.message.rstrip(".")), is_dead=True) from None
        return self._secrets.cleaned(self._decoded(response))

    def close(self) -> None:
        """No request follows."""
        self._pool.close()

    async def _exchange(self, request: Request) -> Response:
        connection = await self._pool.take()
        sent_all = False
        try:
            connection.begin(request.method, lambda head: None)
            connection.write(self._head(request) + request.body)
            await connection.drain()
            sent_all = True
            head = await connection.head()
            pieces: list[bytes] = []
            size = 0
            while data := await connection.piece():
                size += len(data)
                if size > MAX_BODY:
                    raise Unanswered(f"the body is longer than {MAX_BODY:,} bytes")
                pieces.append(data)
            return response_from(head.status, end_to_end(head.lines), b"".join(pieces))
        except BaseException:
            sent_all = False
            raise
        finally:
            self._pool.give(connection, sent_all)

    def _head(self, request: Request) -> bytes:
        path = request.path.removeprefix(self._base) if self._base else request.path
        local = path + (f"?{request.query}" if request.query else "")
        fields = {"user-agent": f"mockserver-conform/{__version__}", "accept": "*/*", **request.headers}
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            fields["content-length"] = str(len(request.body))
        lines = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in fields.items()]
        target = self._target.request_target(local.encode("ascii"))
        return request_head(request.method.encode(), target, self._target.host_field, lines, proxy_lines(self._target))

    def _decoded(self, response: Response) -> Response:
        """The response with its coding undone, bounded. Raises Unanswered."""
        coding = response.headers.get("content-encoding")
        if not coding or not response.content:
            return response
        carried = Request("", "", headers=Headers({"content-encoding": coding}), body=response.content)
        undone = decoded(carried, MAX_BODY)
        if undone.too_large:
            raise Unanswered(f"the body decompresses to more than {MAX_BODY:,} bytes")
        if undone.refusal is not None:
            problem = undone.refusal
            why = problem.message if isinstance(problem, Problem) else str(problem)
            raise Unanswered(f"the body cannot be decompressed: {why}")
        return replace(response, content=undone.body)


__all__ = ["Real", "Unanswered"]
