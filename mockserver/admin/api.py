"""The admin API under `/__admin`: a contract of its own, checked by the same engine both ways.

Writes need the header `X-Mockserver-Admin`, which no web page can send unasked; with a token
configured its value is the token, and reads need it too.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Callable

from anyio import to_thread

from mockserver.admin.handlers import HANDLERS, Ask
from mockserver.admin.views import entries_view
from mockserver.contract import Checked, Contract, Operation, load_contract
from mockserver.contract.media_types import is_json
from mockserver.data import bundled_file
from mockserver.errors import MEDIA_TYPE, Problem, UserError, defect_body, did_you_mean, problem_body
from mockserver.messages import JSON, Request, Response
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandboxes import NameTaken, NoSandbox, TooMany
from mockserver.scenarios import ScenarioError
from mockserver.text.documents import read_text
from mockserver.text.jsontext import to_json

log = logging.getLogger("mockserver")

PREFIX = "/__admin"
HEADER = "x-mockserver-admin"
_OPEN = frozenset({"health", "ready", "getDocument"})
"""Operations that orchestrators call without a token."""
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".svc", ".cluster.local")
_ODD = re.compile(r"[^\w.\-\[\]:%]")
"""What no host name has; two Host headers come as one text with a comma."""
_POLL_SECONDS = 0.05
MAX_BODY = 64 * 1024
"""Bytes of a body for an operation that does not say that it needs more (`x-max-body-bytes`)."""
LARGE_BODIES = 4
"""Large bodies that are held at a time; further ones wait."""


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
        """Held by a request that may have a large body, from its head to its reply."""

    def most_body(self, request: Request) -> int:
        """Bytes of a body that a request may have, of which only the head is known; 0 when it will be refused."""
        try:
            operation, _ = self._match(request)
            self._guard(request, operation)
        except Problem:
            return 0
        return operation.max_body or MAX_BODY

    def handle(self, request: Request, base: str = "") -> Response:
        """Answer a request; `base` is where the mocked APIs are. Never raises."""
        operation: Operation | None = None
        try:
            operation, values = self._match(request)
            self._guard(request, operation)
            if operation.id == "getDocument":
                response = Response(200, self._document, media_type="application/yaml")
            else:
                if request.too_large:
                    most = f"{operation.max_body or MAX_BODY:,}"
                    raise Problem("too_large", f"The request body is larger than {most} bytes.")
                checked = operation.check_request(request, values)
                if checked.violations:
                    raise Problem("invalid_request", violations=checked.violations)
                response = HANDLERS[operation.id](self._ask(request, checked, base))
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
            detail = f"the admin API's reply to {operation.id if operation else ''} breaks its own document"
            response = Response(500, defect_body(detail, violations), {}, MEDIA_TYPE)
        json = response.media_type is not None and is_json(response.media_type)
        response.content = to_json(response.data) if json else str(response.data or "").encode()
        return response

    def _ask(self, request: Request, checked: Checked, base: str) -> Ask:
        return Ask(self.pipeline, checked, base or self._base(request), self._draining(), self._scenario_dir)

    async def events(self, request: Request) -> AsyncIterator[bytes] | None:
        """The stream of a request for server-sent events; None when it asks for anything else, or is refused."""
        if not request.path.endswith("/events") or request.method != "GET":
            return None
        try:
            operation, values = self._match(request)
            self._guard(request, operation)
            checked = operation.check_request(request, values)
            name = checked.params["name"]
            last = request.headers.get("last-event-id", "")
            after = int(last) if last.isdecimal() and len(last) < 16 else checked.params.get("after")
            seen, _ = await self._news(name, after)
        except (Problem, UserError):
            return None
        if checked.violations:
            return None
        return self._stream(name, seen if after is None else after, checked.params.get("seconds"))

    async def _stream(self, name: str, after: int, seconds: float | None) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        yield b": mockserver journal\n\n"
        while not self._draining():
            try:
                after, entries = await self._news(name, after)
            except (Problem, UserError):
                return  # the sandbox went, or the shared store: the client asks again from where it is
            for entry in entries:
                yield b"id: %d\ndata: %s\n\n" % (entry["number"], to_json(entry))
            if end is not None and loop.time() >= end:
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _news(self, name: str, after: int | None) -> tuple[int, list[JSON]]:
        """The number of the newest entry of a journal, and the entries after a number (None: not one)."""

        def ask() -> tuple[int, list[JSON]]:
            sandbox = self.pipeline.sandboxes.get(name)
            newest = sandbox.store.journal_count()
            if after is None or newest == after:
                return newest, []
            exchanges = sandbox.exchanges()
            # A reset begins a new journal, whose numbers start again.
            fresh = [exchange for exchange in exchanges if exchange.number > (after if newest > after else 0)]
            return fresh[-1].number if fresh else newest, entries_view(exchanges, fresh)

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
