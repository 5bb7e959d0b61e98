"""The admin API under `/__admin`: a contract of its own, checked by the same engine both ways.

Writes need the header `X-Mockserver-Admin`, which no web page can send unasked; with a token
configured its value is the token, and reads need it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import field
from typing import TYPE_CHECKING, TypeVar

from anyio import to_thread

from mockserver.admin.ask import Ask
from mockserver.admin.encoding import in_slices
from mockserver.admin.vital import VITAL, Handler
from mockserver.contract import Checked, Contract, Operation, load_contract
from mockserver.contract.media_types import is_json
from mockserver.data import bundled_file
from mockserver.errors import MEDIA_TYPE, Problem, UserError, defect_body, did_you_mean, problem_body
from mockserver.messages import Request, Response
from mockserver.pipeline.codings import decoded
from mockserver.pipeline.pipeline import Pipeline
from mockserver.records import record
from mockserver.sandbox.sandbox import Sandbox
from mockserver.sandbox.sandboxes import NameTaken, NoSandbox, TooMany
from mockserver.scenarios import ScenarioError
from mockserver.state.store import Store
from mockserver.text.documents import read_text
from mockserver.text.jsontext import to_json

if TYPE_CHECKING:
    from mockserver.admin.journal import JournalReader

log = logging.getLogger("mockserver")

_T = TypeVar("_T")

PREFIX = "/__admin"
HEADER = "x-mockserver-admin"
_OPEN = frozenset({"health", "ready", "getDocument"})
"""Operations that orchestrators call without a token."""
_LONG = frozenset(
    [
        "getContract",
        "getOperation",
        "listSandboxes",
        "getState",
        "setState",
        "saveSnapshot",
        "getSnapshot",
        "restoreSnapshot",
        "getJournal",
        "explainExchange",
        "verify",
        "getExpectations",
        "getRetries",
        "getCoverage",
        "getExchangeFile",
        "checkScenario",
        "getScenarioSchema",
        "listScenarios",
    ]
)
"""Operations that may look at all of a journal, of the rows or of a document: they are for a thread."""
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".svc", ".cluster.local")
_ODD = re.compile(r"[^\w.\-\[\]:%]")
"""What no host name has; two Host headers come as one text with a comma."""
_POLL_SECONDS = 0.05
"""How often a stream asks a store that others append to."""
_LOOK_SECONDS = 0.25
"""How often a stream that nothing wakes looks whether its sandbox is another one, or the server drains."""
MAX_BODY = 64 * 1024
"""Bytes of a body for an operation that does not say that it needs more (`x-max-body-bytes`)."""
LARGE_BODIES = 4
"""Large bodies that are held at a time; further ones wait."""


@record()
class Call:
    """A request to the admin API, matched and guarded once."""

    request: Request
    operation: Operation | None = None
    values: dict[str, str] = field(default_factory=dict)
    """The values of the path's parameters."""
    refusal: Problem | UserError | None = None
    """Why it will not be done."""

    @property
    def is_long(self) -> bool:
        """Whether answering it may keep the event loop from other requests."""
        return self.operation is not None and self.refusal is None and self.operation.id in _LONG

    @property
    def most_body(self) -> int:
        """Bytes of a body that it may have; 0 when it is refused."""
        return 0 if self.operation is None or self.refusal else self.operation.max_body or MAX_BODY


def _handler(operation: str) -> Handler:
    """What an operation does. Few servers are asked for more than what is vital; the rest is imported then."""
    if operation in VITAL:
        return VITAL[operation]
    from mockserver.admin.handlers import HANDLERS

    return HANDLERS[operation]


def _checked(call: Call, operation: Operation) -> Checked:
    """The parameters and the body, its content codings undone. Raises Problem for what breaks the document."""
    request = decoded(call.request, call.most_body) if "content-encoding" in call.request.headers else call.request
    if request.too_large:
        raise Problem("too_large", f"The request body is larger than {call.most_body:,} bytes.")
    checked = operation.check_request(request, call.values)
    if checked.violations:
        raise Problem("invalid_request", violations=checked.violations)
    return checked


class Admin:
    """Answers the admin API.

    Args:
        pipeline: the server to look at and to steer.
        token: the value that `X-Mockserver-Admin` must have; "" takes any value on writes.
        draining: tells whether the server is about to stop.
        origin: scheme and host of the mocked APIs; that of the request when "".
        scenario_dir: a folder whose scenarios can be asked for by name, beside the bundled ones; "" is none.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        token: str = "",
        draining: Callable[[], bool] = lambda: False,
        origin: str = "",
        scenario_dir: str = "",
    ) -> None:
        self.pipeline = pipeline
        self.is_direct = not pipeline.sandboxes.is_shared
        """Whether a request never waits, so that it may be answered on the event loop."""
        self._token = token.encode()
        self._draining = draining
        self._origin = origin
        self._scenario_dir = scenario_dir
        file = bundled_file("spec", "admin.yaml")
        self._document = read_text(file, 1024 * 1024)
        self.contract: Contract = load_contract(file, name="admin", trusted=True)
        self.large_bodies = asyncio.Semaphore(LARGE_BODIES)
        """Held by a request that may have a large body, from its head to its response."""

    @functools.cached_property
    def _journal(self) -> JournalReader:
        from mockserver.admin.journal import JournalReader

        return JournalReader()

    def receive(self, request: Request) -> Call:
        """Match and guard a request, of which only the head need be known. Never raises: the call knows why not."""
        call = Call(request)
        try:
            call.operation, call.values = self._match(request)
            self._guard(request, call.operation)
        except Problem as problem:
            call.refusal = problem
        return call

    def handle(self, request: Request, base: str = "") -> Response:
        """Answer a request; `base` is where the mocked APIs are. Never raises."""
        return self.answer(self.receive(request), base)

    def answer(self, call: Call, base: str = "") -> Response:
        """Answer a request that was received. Never raises."""
        request, operation = call.request, call.operation
        try:
            if call.refusal is not None or operation is None:
                raise call.refusal or Problem("not_found")
            if operation.id == "getDocument":
                response = Response(200, self._document, media_type="application/yaml")
            else:
                checked = _checked(call, operation)
                response = _handler(operation.id)(self._ask(request, checked, base))
        except Problem as problem:
            response = _problem(problem)
        except NoSandbox as error:
            response = _problem(Problem("not_found", str(error)))
        except TooMany as error:
            response = _problem(Problem("unavailable", str(error)))
        except NameTaken as error:
            response = _problem(Problem("conflict", str(error)))
        except ScenarioError as error:
            response = _problem(Problem("conflict", str(error)))
            response.data["problems"] = [problem.as_json() for problem in error.problems]
        except UserError as error:
            response = _problem(Problem("conflict", str(error)))
        except Exception as error:
            log.exception("the admin API failed at %s", operation.id if operation else "a request")
            response = Response(500, defect_body(f"{type(error).__name__} in the admin API", []), {}, MEDIA_TYPE)
        violations = operation.check_response(response) if operation is not None else []
        if violations:
            detail = f"the admin API's response to {operation.id if operation else ''} breaks its own document"
            response = Response(500, defect_body(detail, violations), {}, MEDIA_TYPE)
        json = response.media_type is not None and is_json(response.media_type)
        encode = in_slices if call.is_long else to_json
        response.content = encode(response.data) if json else str(response.data or "").encode()
        return response

    def _ask(self, request: Request, checked: Checked, base: str) -> Ask:
        origin, steers = base or self._base(request), HEADER in request.headers
        return Ask(self.pipeline, checked, lambda: self._journal, origin, self._draining(), self._scenario_dir, steers)

    async def events(self, call: Call) -> AsyncIterator[bytes] | None:
        """The stream of server-sent events; None when something else is asked for, or when it is refused.

        `answer` then says why.
        """
        operation = call.operation
        if operation is None or operation.id != "getEvents" or call.refusal:
            return None
        try:
            params = _checked(call, operation).params
            store = await self._ask_store(lambda: self.pipeline.sandboxes.get(params["name"]).store)
            last = call.request.headers.get("last-event-id", "")
            after = int(last) if last.isdecimal() and len(last) < 16 else params.get("after")
            if after is None:
                after = await self._ask_store(store.journal_count)
        except (Problem, UserError) as error:
            call.refusal = error
            return None
        return self._stream(params["name"], store, after, params.get("seconds"), params["steering"])

    async def _stream(
        self, name: str, store: Store, after: int, seconds: float | None, steering: bool
    ) -> AsyncIterator[bytes]:
        from mockserver.admin.journal import BATCH
        from mockserver.admin.standing import Standing, standing, steered, steered_view

        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        end = None if seconds is None else loop.time() + seconds

        def appended() -> None:
            if not wake.is_set() and not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)

        def look() -> tuple[Sandbox, Standing | None]:
            sandbox = self.pipeline.sandboxes.get(name)
            return sandbox, standing(sandbox) if steering else None

        unwatch, seen = store.watch(appended), None
        try:
            await self._caught_up(store)  # here the response has begun: a stop of the server ends it, and is no error
            yield b": mockserver journal\n\n"
            while not self._draining():
                wake.clear()
                try:
                    sandbox, stands = await self._ask_store(look)
                    now_in = sandbox.store if stands is None else stands.store
                    if now_in is not store and unwatch is not None:  # a reset: another journal
                        unwatch()
                        store, after, unwatch = now_in, 0, now_in.watch(appended)
                    store = now_in
                    if seen and stands and (what := steered(seen, stands)):
                        told = functools.partial(steered_view, sandbox, what, seen.store is not store)
                        yield b"event: steered\ndata: %s\n\n" % to_json(await self._ask_store(told))
                    seen = stands
                    entries = await self._ask_store(functools.partial(self._journal.news, store, after))
                except (Problem, UserError):
                    return  # the sandbox went, or the shared store: the client asks again from where it is
                for entry in entries:
                    after = entry["number"]
                    yield b"id: %d\ndata: %s\n\n" % (after, to_json(entry))
                if len(entries) == BATCH:
                    await asyncio.sleep(0)  # others have their turn
                    continue
                if end is not None and loop.time() >= end:
                    return
                pause = _POLL_SECONDS if unwatch is None else _LOOK_SECONDS
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), pause if end is None else min(pause, end - loop.time()))
        finally:
            if unwatch is not None:
                unwatch()

    async def _caught_up(self, store: Store) -> None:
        """Have the journal's index ready, which a long journal keeps from the event loop."""
        with contextlib.suppress(Problem, UserError):  # what comes next says so
            await to_thread.run_sync(self._journal.catch_up, store)

    async def _ask_store(self, ask: Callable[[], _T]) -> _T:
        """What a store says: at once, or in a thread where it has to be waited for."""
        return ask() if self.is_direct else await to_thread.run_sync(ask)

    def _match(self, request: Request) -> tuple[Operation, dict[str, str]]:
        operation, values, allowed = self.contract.match(request.method, request.path.strip("/").split("/"))
        if operation is None and allowed:
            methods = ", ".join(sorted(allowed))
            raise Problem("method_not_allowed", f"{request.path[:200]} has {methods}.", headers={"allow": methods})
        if operation is None:
            known = [known.path for known in self.contract.operations.values()]
            nearest = did_you_mean(request.path, known)
            raise Problem("not_found", f"The admin API has no {request.path[:200]!r}{nearest}")
        return operation, values

    def _guard(self, request: Request, operation: Operation) -> None:
        """Refuse what a web page could send, and who has no token."""
        given = request.headers.get(HEADER)
        if self._token:
            if operation.id in _OPEN:
                return
            if given is None:
                raise Problem("unauthorized", "Send the admin token in X-Mockserver-Admin.")
            if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token):
                raise Problem("forbidden", "The admin token in X-Mockserver-Admin is not the right one.")
            return
        if not _is_local(request.headers.get("host", "")):
            raise Problem(
                "forbidden",
                "The Host is a public name, which may be a web page's doing; use an address or a local name, "
                "or start the server with --admin-token.",
            )
        if operation.method != "GET" and given is None:
            raise Problem("forbidden", "Writes need the header X-Mockserver-Admin, with any value.")

    def _base(self, request: Request) -> str:
        return self._origin or f"http://{request.headers.get('host', 'localhost')}"


def _is_local(host: str) -> bool:
    """Whether a Host header is an address or a name that no public DNS gives out."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return not _ODD.search(name) and ("." not in name or name.lower().endswith(_LOCAL_SUFFIXES))
    return True


def _problem(problem: Problem) -> Response:
    return Response(problem.status, problem_body(problem), dict(problem.headers), MEDIA_TYPE)


__all__ = ["HEADER", "PREFIX", "Admin"]
