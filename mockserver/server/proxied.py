"""The application of `mockserver proxy`: some operations are the twin's, every other request goes to the real API.

It moves bytes between a client and the upstream and hands copies to the pipeline, which checks and records them.
A body goes through as it arrives; it is held back only where a rule has to see it whole. Must not know: contracts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from mockserver.apis import Api
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import Request, Response
from mockserver.pipeline.passing import MAX_SEEN, Passage
from mockserver.pipeline.pipeline import Pipeline
from mockserver.server.app import Mocked, assemble
from mockserver.server.asgi import read_body, read_head
from mockserver.server.delivery import CUT, deliver
from mockserver.server.forwarding import Forwarding
from mockserver.server.wire import Wire, wire_of
from mockserver.settings import Settings
from mockserver.text.fields import sandbox_in
from mockserver.upstream.connection import Failure, Patience
from mockserver.upstream.drift import Drift
from mockserver.upstream.fields import (
    Refused,
    framing_of,
    request_head,
)
from mockserver.upstream.pool import Pool, proxy_lines
from mockserver.upstream.target import Target


class Proxied(Mocked):
    """Every request, as an ASGI app: the twin's or the upstream's.

    Args:
        pipeline: answers for the twin, and records all.
        pool: connections to the upstream.
        twin: the operations that the twin answers: operationIds, `METHOD /path`, or patterns of these (`Memory.*`).
        drift: gathers what does not agree with the contract.
    """

    passes_on = True

    def __init__(self, pipeline: Pipeline, pool: Pool, twin: Iterable[str] = (), drift: Drift | None = None) -> None:
        super().__init__(pipeline)
        self._pool = pool
        self._drift = drift
        self._twin = twin_operations(pipeline, twin)

    async def close(self) -> None:
        """No request follows: the connections to the upstream are closed."""
        self._pool.close()
        await asyncio.sleep(0)  # lets the loop do it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        wire = wire_of(scope)
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if wire is None:
            raise RuntimeError("requests are passed on by mockserver's own protocol alone")
        request = read_head(scope)
        if self._is_twins(request):
            await super().__call__(scope, receive, send)
            return
        passage = Passage(self.pipeline, request)
        if self._drift is not None:
            passage.then = partial(self._compare, self._drift, passage, wire)
        try:
            response = await self._pass(passage, request, wire, receive)
        except Exception as error:
            failed = passage.fail(error)
            response = None if wire.is_started else failed
        finally:
            if passage.exchange.response is not None:
                self._noted(passage.exchange)
        if response is not None:
            await deliver(response, scope, receive, send, close=not wire.is_arrived)
        elif not wire.is_over and not wire.is_gone:
            # Half a response went out: a client must see that it is not whole.
            cut: Callable[[bool], None] = scope["extensions"][CUT]
            cut(True)
            while (await receive())["type"] != "http.disconnect":
                pass

    def _compare(self, drift: Drift, passage: Passage, wire: Wire) -> None:
        clean = self.pipeline.masking.cleaner(passage.exchange.request)
        drift.add(passage.exchange, passage.api, passage.unchecked, clean, wire.is_gone)

    def _is_twins(self, request: Request) -> bool:
        """Whether the twin answers: its operations, and what is for a sandbox that is not there."""
        name, path = sandbox_in(request.path)
        if name is not None and all(sandbox.name != name for sandbox in self.pipeline.sandboxes.all()):
            return True
        if not self._twin:
            return False
        route = self.pipeline.routes.find(request.method, path)
        return route.plan is not None and (route.api.name, route.plan.operation.id) in self._twin

    async def _pass(self, passage: Passage, request: Request, wire: Wire, receive: Receive) -> Response | None:
        """Have the upstream answer. A Response is what is to be sent instead; None when all was sent."""
        held: bytes | None = None
        try:
            framing, _ = framing_of(wire.lines)
        except Refused as refused:
            return passage.give_up(Problem("invalid_request", f"This request cannot be passed on: {refused}."))
        if passage.is_ruled and "expect" not in request.headers:
            if not await read_body(request, receive, MAX_SEEN):
                passage.abandoned("The client went away before its request was whole.")
                return None
            if request.too_large:
                return passage.give_up(
                    Problem("too_large", f"A rule has to see this body, and sees {MAX_SEEN:,} bytes.")
                )
            held = request.body
        if passage.is_ruled:
            passage.took(request.body, True)
            if (response := passage.decide()) is not None:
                return response
        try:
            connection = await self._pool.take()
        except Failure as failure:
            return passage.give_up(Problem(failure.kind, failure.message))
        wire.on_gone = connection.close
        call = Forwarding(passage, request, wire, receive, connection, framing)
        try:
            return await call.run(self._request_head(passage, request, wire), held)
        finally:
            self._pool.give(connection, call.sent_all)

    def _request_head(self, passage: Passage, request: Request, wire: Wire) -> bytes:
        query = wire.target.partition(b"?")
        target = self._pool.target
        local = passage.path.encode("latin-1") + query[1] + query[2]
        extra = proxy_lines(target)
        method = request.method.encode("ascii")
        return request_head(method, target.request_target(local), target.host_field, wire.lines, extra)


def twin_operations(pipeline: Pipeline, names: Iterable[str]) -> frozenset[tuple[str, str]]:
    """The operations, as API and operationId, that some names mean. Raises UserError."""
    known = {
        (api.name, operation.id): (operation.id, f"{operation.method} {operation.path}", f"{api.name}/{operation.id}")
        for api in pipeline.apis.values()
        for operation in api.contract.operations.values()
    }
    found: set[tuple[str, str]] = set()
    for name in names:
        meant = {key for key, spellings in known.items() if any(fnmatchcase(text, name) for text in spellings)}
        if not meant:
            texts = [text for spellings in known.values() for text in spellings[:2]]
            raise UserError(f"--twin {name}: no operation is called that{did_you_mean(name, texts)}")
        found |= meant
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class ProxyTerms:
    """What is proxied, and how."""

    target: Target
    patience: Patience
    twin: tuple[str, ...] = ()
    """The operations that the twin answers."""
    drift: Drift | None = None
    """Gathers what does not agree with the contract."""


def create_proxy_app(terms: ProxyTerms, settings: Settings, pipeline: Pipeline, admin: bool = True) -> Starlette:
    """The whole proxy as one application: the admin API, the console, the twin, and the way to the upstream.

    Raises UserError for settings that make no sense.
    """
    if pipeline.sandboxes.is_shared:
        raise UserError("mockserver proxy keeps its journal in memory; leave --state out")
    return assemble(settings, Proxied(pipeline, Pool(terms.target, terms.patience), terms.twin, terms.drift), admin)


def bare_api() -> Api:
    """An API without any operation, for a proxy that was given no document."""
    document = {"openapi": "3.1.0", "info": {"title": "upstream", "version": "0"}, "paths": {}}
    return Api.from_openapi(document, name="upstream")
