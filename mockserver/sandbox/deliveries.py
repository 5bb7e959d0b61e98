"""Webhooks on their way: sends those that are due, again after a failure, and writes every attempt to the journal.

Due is what the sandbox's clock says: a frozen clock sends what is due now and the rest when it is moved. Nothing is
sent but to loopback and to hosts that were named. A few threads do the sending, so that nobody waits for a receiver.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.apis import Api
from mockserver.apis.webhooks import Webhook
from mockserver.contract.writers import write
from mockserver.errors import Problem, UserError
from mockserver.journal import entries as journal
from mockserver.journal.masking import Masking
from mockserver.messages import Exchange, Headers, Request, Response
from mockserver.sandbox import schedule
from mockserver.sandbox.world import World
from mockserver.scenarios.effects import Task
from mockserver.state.store import Row
from mockserver.version import __version__

log = logging.getLogger("mockserver")

SECONDS = 10.0
"""Real seconds that a receiver has to answer."""
MAX_RESPONSE = 64 * 1024
"""Bytes of its response that are read."""
THREADS = 4
"""Webhooks that are sent at a time."""
MAX_REAL = 3600.0
"""Real seconds after which a sandbox is looked at again, whatever its clock says."""


class _Target(NamedTuple):
    """Where a webhook goes."""

    is_secure: bool
    host: str
    port: int | None
    path: str


class Deliveries:
    """Sends the webhooks of all sandboxes of a server.

    Args:
        apis: the APIs, by name.
        world: the world that a sandbox is in now, by its name; None when there is no such sandbox.
        hosts: hosts beside loopback that webhooks may go to.
        masking: what the journal does not show.
    """

    def __init__(
        self,
        apis: Mapping[str, Api],
        world: Callable[[str], World | None],
        hosts: tuple[str, ...],
        masking: Masking,
    ) -> None:
        self._apis, self._world, self._masking = apis, world, masking
        self._hosts = frozenset(host.lower() for host in hosts)
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._busy: dict[str, int] = {}
        """Sandboxes that a thread looks after, and how often they were woken meanwhile."""
        self._timers: dict[str, threading.Timer] = {}

    def wake(self, sandbox: str) -> None:
        """Look after a sandbox: something was scheduled there, or its clock was moved."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks")
            waiting = self._busy.get(sandbox)
            self._busy[sandbox] = (waiting or 0) + 1
            if waiting is None:
                self._pool.submit(self._look_after, sandbox)

    def is_busy(self, sandbox: str) -> bool:
        """Whether a webhook of a sandbox is on its way, or about to be."""
        with self._lock:
            return sandbox in self._busy

    def _look_after(self, sandbox: str) -> None:
        """Send what is due, until nobody has woken us meanwhile."""
        while True:
            with self._lock:
                woken = self._busy[sandbox]
            try:
                self._send_due(sandbox)
            except Problem as problem:
                log.warning("the webhooks of sandbox %s wait: %s", sandbox, problem)
            except Exception:
                log.exception("the webhooks of sandbox %s were not sent", sandbox)
            with self._lock:
                if self._busy[sandbox] == woken:
                    del self._busy[sandbox]
                    return

    def _send_due(self, sandbox: str) -> None:
        world = self._world(sandbox)
        while world is not None:
            rows = [row for row in schedule.pending(world.store) if row["task"]["do"] == "webhook"]
            if not rows:
                return
            now, rate = world.clock.read()
            if rows[0]["at"] > now:
                if rate:
                    self._wake_after(sandbox, min((rows[0]["at"] - now) / rate, MAX_REAL))
                return
            if schedule.claim(world.store, rows[0]):
                self._attempt(world, rows[0], now)

    def _wake_after(self, sandbox: str, seconds: float) -> None:
        with self._lock:
            before = self._timers.get(sandbox)
            if before is not None:
                before.cancel()
            timer = self._timers[sandbox] = threading.Timer(seconds, self.wake, [sandbox])
            timer.daemon = True
            timer.start()

    def _attempt(self, world: World, row: Row, now: float) -> None:
        """Send a webhook once; when that fails, keep it for later."""
        task = row["task"]
        api = self._apis.get(task["api"])
        webhook = api.webhooks.get(task["on"]) if api is not None else None
        if api is None or webhook is None:
            log.warning("the webhook %s of %s is not sent: it is no longer declared", task["on"], task["api"])
            return
        number = task.get("attempt", 1)
        request = _request(webhook, task, row["id"], now)
        exchange = Exchange(request, now, api=api.name, operation=f"webhook {webhook.name}", stage="webhook")
        exchange.sandbox, exchange.rule = world.sandbox, ""
        exchange.violations = () if webhook.schema is None else api.contract.check_place(webhook.schema, task["value"])
        lost = "lost" in task.get("faults", ())
        if lost:
            failure = ""
            exchange.lost, exchange.faults = "reset_before", ["webhook lost"]
        else:
            failure = self._post(request, exchange)
        exchange.replied_at = world.clock.now()
        if failure:
            last = number >= webhook.attempts
            wait = webhook.wait * 2 ** (number - 1)
            then = "it is given up" if last else f"the next attempt is due in {wait:g} s"
            exchange.reason = f"attempt {number} of {webhook.attempts} failed: {failure}; {then}"
            if not last:
                schedule.add(world.store, now + wait, {**task, "attempt": number + 1, "id": task.get("id", row["id"])})
        entry, _, _, traits = journal.recorded(exchange, self._masking)
        world.store.append(entry, traits=traits)

    def _post(self, request: Request, exchange: Exchange) -> str:
        """Send a request, and note what came back; why that is a failure, or ""."""
        try:
            target = self.target(request.path)
        except UserError as error:
            return str(error)
        kind = http.client.HTTPSConnection if target.is_secure else http.client.HTTPConnection
        connection = kind(target.host, target.port, timeout=SECONDS)
        try:
            connection.request(request.method, target.path, body=request.body, headers=dict(request.headers))
            answer = connection.getresponse()
            content = answer.read(MAX_RESPONSE)
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            return f"{target.host}: {_why(error)}"
        finally:
            connection.close()
        headers = Headers()
        for name, value in answer.getheaders():
            headers.add(name.lower(), value)
        media_type = headers.pop("content-type", None)
        exchange.response = Response(answer.status, None, headers, media_type, content)
        return "" if 200 <= answer.status < 300 else f"{target.host} answered {answer.status}"

    def target(self, url: str) -> _Target:
        """Where a URL leads. Raises UserError when nothing may be sent there."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host:
            raise UserError(f"{url[:100]!r} is no http or https URL")
        if not (_is_loopback(host) or host in self._hosts):
            raise UserError(f"{host} is neither loopback nor named; allow it with --callback-host {host}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not (path.isascii() and path.isprintable() and " " not in path):
            raise UserError(f"the path of {url[:100]!r} is not percent-encoded")
        return _Target(parts.scheme == "https", host, parts.port, path)


def _request(webhook: Webhook, task: Task, id: str, now: float) -> Request:
    """One attempt. Its path is the whole URL, so that the journal tells where it went."""
    body, media_type = write(task["value"], webhook.media_type)
    headers = {"content-type": media_type, "user-agent": f"mockserver/{__version__}"}
    if webhook.signature is not None:
        spoilt = "wrong_signature" in task.get("faults", ())
        headers |= webhook.signature.headers(f"msg_{task.get('id', id)}", int(now), body, spoilt)
    return Request(webhook.method, task.get("to") or "", "", Headers(headers), body)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return f"no answer within {SECONDS:g} s"
    return str(error) or type(error).__name__


__all__ = ["Deliveries"]
