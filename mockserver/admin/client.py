"""A client of the admin API, for the commands and for tests: over HTTP, or to a server in this process.

Whatever goes wrong is a UserError that says in one line what, and what to do about it.
"""

from __future__ import annotations

import http.client
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector
from urllib.request import Request as URLRequest

import orjson

from mockserver.errors import UserError
from mockserver.messages import JSON, Request, Response

DEFAULT_URL = "http://127.0.0.1:4010"
_TIMEOUT = 30.0
MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line of an event stream that are read."""
_YAML = "application/yaml"
_UPLOAD = "upload.yaml"
"""What the server calls a scenario that it was sent; the reader knows it by another name."""


class Transport(Protocol):
    """A way to the admin API of one server."""

    url: str
    """Where the server answers, without a slash at the end."""
    has_token: bool
    """Whether it was given a token."""

    def __call__(self, method: str, path: str, media_type: str, body: bytes | None) -> tuple[int, bytes]:
        """Send a request, `path` with its query; the status and the body of the response. Raises UserError."""

    def lines(self, path: str, timeout: float) -> Iterator[bytes]:
        """The lines of a response as they come. Raises UserError."""


class HTTPTransport:
    """Over HTTP, with what Python has.

    Args:
        url: where the server answers, for example `http://127.0.0.1:4010`.
        token: the server's admin token; "" when it has none.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str = "") -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not url.isascii() or not url.isprintable() or " " in url:
            raise UserError(f"{url!r} is not the address of a server; write it like {DEFAULT_URL}")
        if not token.isascii() or not token.isprintable():
            raise UserError("the admin token holds characters that no HTTP header can carry")
        self.url = url.rstrip("/")
        self.has_token = bool(token)
        self._token = token or "cli"
        # No redirects and no proxy from the environment: the server is meant, and nothing else.
        self._opener = OpenerDirector()
        self._opener.add_handler(HTTPHandler())
        self._opener.add_handler(HTTPSHandler())

    def __call__(self, method: str, path: str, media_type: str, body: bytes | None) -> tuple[int, bytes]:
        """Send a request. Raises UserError when nothing answers, or something else does."""
        headers = {"Accept": "application/json", "X-Mockserver-Admin": self._token}
        if body is not None:
            headers["Content-Type"] = media_type
        request = URLRequest(self.url + path, body, headers, method=method)
        with self._speaking(), self._opener.open(request, timeout=_TIMEOUT) as response:
            return response.status, response.read()

    def lines(self, path: str, timeout: float) -> Iterator[bytes]:
        """The lines of a response as they come, until it ends or is cut off.

        Raises UserError when nothing answers, when the status is not 200, when a line is longer than MAX_LINE bytes,
        and when nothing comes for `timeout` seconds.
        """
        request = URLRequest(self.url + path, headers={"X-Mockserver-Admin": self._token})
        with self._speaking(), self._opener.open(request, timeout=timeout) as response:
            if response.status != 200:
                raise _stranger(self.url, f"status {response.status}")
            with suppress(http.client.IncompleteRead):
                while line := response.readline(MAX_LINE + 1):
                    if len(line) > MAX_LINE:
                        raise _stranger(self.url, f"a line of more than {MAX_LINE:,} bytes")
                    yield line

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn what goes wrong on the way into a UserError."""
        try:
            yield
        except TimeoutError:
            raise UserError(f"{self.url} did not answer within {_TIMEOUT:g} seconds") from None
        except urllib.error.URLError as error:
            raise self._unreachable(error.reason) from None
        except http.client.HTTPException as error:
            raise _stranger(self.url, type(error).__name__) from None
        except OSError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, reason: object) -> UserError:
        if isinstance(reason, ConnectionRefusedError):
            return UserError(f"nothing answers at {self.url}; is `mockserver serve` running?")
        if isinstance(reason, TimeoutError):
            return UserError(f"{self.url} did not answer within {_TIMEOUT:g} seconds")
        words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return UserError(f"{self.url} cannot be reached: {words}; is `mockserver serve` running there?")


class InProcess:
    """To a server in this process, without a socket.

    Args:
        handle: answers a request to the admin API.
        url: where the server answers.
    """

    has_token = False

    def __init__(self, handle: Callable[[Request], Response], url: str) -> None:
        self.url = url.rstrip("/")
        self._handle = handle

    def __call__(self, method: str, path: str, media_type: str, body: bytes | None) -> tuple[int, bytes]:
        """Send a request."""
        headers = {"host": self.url.partition("//")[2], "x-mockserver-admin": "python"}
        if body is not None:
            headers["content-type"] = media_type
        path, _, query = path.partition("?")
        response = self._handle(Request(method, path, query, headers, body or b""))
        return response.status, response.content or b""

    def lines(self, path: str, timeout: float) -> Iterator[bytes]:
        """Streams are the server's own, which is not asked here."""
        raise UserError("the events of a server in this process cannot be followed; use its address")


class AdminClient:
    """One sandbox of a server.

    Args:
        call: the way to the server.
        sandbox: the sandbox that the methods mean.
    """

    def __init__(self, call: Transport, sandbox: str = "default") -> None:
        if not sandbox:
            raise UserError("the name of the sandbox is empty; the one that is always there is 'default'")
        self.url = call.url
        self.sandbox = sandbox
        self._transport = call

    def at(self, sandbox: str) -> AdminClient:
        """The same server, another sandbox."""
        return AdminClient(self._transport, sandbox)

    # Server

    def apis(self) -> list[dict[str, Any]]:
        """The APIs that are served, with their operations."""
        apis = self._object("GET", "apis")["apis"]
        assert isinstance(apis, list)
        return apis

    def contract(self, api: str) -> dict[str, Any]:
        """The OpenAPI document of an API, its overlay applied."""
        return self._object("GET", f"apis/{quote(api, safe='')}/contract")

    def scenarios(self) -> list[dict[str, Any]]:
        """The scenarios that can be set by name: `name`, and `source`, which is `bundled` or `folder`."""
        scenarios = self._object("GET", "scenarios")["scenarios"]
        assert isinstance(scenarios, list)
        return scenarios

    def check_scenario(self, text: str) -> dict[str, Any]:
        """What is wrong with the text of a scenario: `ok`, and `problems` with line and column. Changes nothing."""
        return self._object("POST", "scenarios/check", text.encode())

    # Sandboxes

    def sandboxes(self) -> list[dict[str, Any]]:
        """Every sandbox."""
        found = self._call("GET", "sandboxes")["sandboxes"]
        assert isinstance(found, list)
        return found

    def create(self, name: str | None = None, **terms: JSON) -> dict[str, Any]:
        """Make a sandbox; `terms` are members of the API's NewSandbox."""
        body = {"name": name, **terms}
        return self._object("POST", "sandboxes", {key: value for key, value in body.items() if value is not None})

    def show(self) -> dict[str, Any]:
        """The sandbox as it stands."""
        return self._object("GET", self._path())

    def delete(self) -> None:
        """Remove the sandbox."""
        self._call("DELETE", self._path())

    def reset(self) -> None:
        """Put the sandbox back to where its scenario starts."""
        self._call("POST", self._path("reset"))

    # Control

    def scenario(self) -> dict[str, Any]:
        """The scenario in force."""
        return self._object("GET", self._path("scenario"))

    def use_scenario(self, name: str) -> dict[str, Any]:
        """Set a bundled scenario."""
        return self._object("PUT", self._path("scenario"), {"use": name})

    def upload_scenario(self, text: str, source: str) -> dict[str, Any]:
        """Set a scenario from its text. `source` names it in messages."""
        path = f"{self._path('scenario')}?{urlencode({'file': source[-300:]})}"
        return self._object("PUT", path, text.encode(), source=source)

    def remove_scenario(self) -> None:
        """Go on without a scenario."""
        self._call("DELETE", self._path("scenario"))

    def clock(self) -> dict[str, Any]:
        """The test clock."""
        return self._object("GET", self._path("clock"))

    def change_clock(self, **change: JSON) -> dict[str, Any]:
        """Change `mode`, `now` or `rate`."""
        return self._object("PATCH", self._path("clock"), change)

    def advance_clock(self, by: str) -> dict[str, Any]:
        """Move the clock ahead by a duration."""
        return self._object("POST", self._path("clock/advance"), {"by": by})

    def credits(self) -> dict[str, Any]:
        """The credit account."""
        return self._object("GET", self._path("credits"))

    def set_credits(self, remaining: float) -> dict[str, Any]:
        """Set what remains to spend."""
        return self._object("PUT", self._path("credits"), {"remaining": remaining})

    def limits(self) -> list[dict[str, Any]]:
        """The rate limit of each operation, and what is left of its window."""
        limits = self._object("GET", self._path("limits"))["limits"]
        assert isinstance(limits, list)
        return limits

    def webhooks(self) -> dict[str, Any]:
        """The webhooks that can be sent, what waits for the clock, and whether anything is on its way."""
        return self._object("GET", self._path("webhooks"))

    def send_webhook(self, name: str, **said: JSON) -> dict[str, Any]:
        """Send a webhook; `said` may hold `data`, `to`, `after` and `api`."""
        return self._object("POST", self._path(f"webhooks/{quote(name, safe='')}"), said)

    def state(self) -> dict[str, Any]:
        """A snapshot of what is stored."""
        return self._object("GET", self._path("state"))

    def restore(self, state: JSON, source: str = "") -> None:
        """Put a snapshot back."""
        self._call("PUT", self._path("state"), state, source=source)

    # Verification

    def journal(self, **filters: str | int | None) -> dict[str, Any]:
        """Entries of the journal; `filters` are the query parameters of the API."""
        given = {name: value for name, value in filters.items() if value is not None}
        return self._object("GET", self._path("journal") + (f"?{urlencode(given)}" if given else ""))

    def why(self, number: int) -> dict[str, Any]:
        """Why an exchange was answered as it was: `sentences`, and the `stages` that it went through."""
        return self._object("GET", self._path(f"journal/{number}/why"))

    def event_lines(self, after: int, seconds: int) -> Iterator[bytes]:
        """The lines of the stream of events for some seconds: the exchanges with a number above `after`."""
        query = urlencode({"after": after, "seconds": seconds})
        return self._transport.lines(f"/__admin/{self._path('events')}?{query}", seconds + _TIMEOUT)

    def verify(self, criteria: dict[str, JSON]) -> dict[str, Any]:
        """The verdict on what was wanted."""
        return self._object("POST", self._path("verify"), criteria)

    def expectations(self) -> dict[str, Any]:
        """What the scenario expects, validated now."""
        return self._object("GET", self._path("expectations"))

    def coverage(self) -> list[dict[str, Any]]:
        """How each operation was answered: `api`, `operation`, `calls`, and `statuses` by the status."""
        operations = self._object("GET", self._path("coverage"))["operations"]
        assert isinstance(operations, list)
        return operations

    def retries(self) -> list[dict[str, Any]]:
        """How the client retried: a verdict for each call that was sent more than once, or should have been."""
        found = self._object("GET", self._path("retries"))["verdicts"]
        assert isinstance(found, list)
        return found

    # How it is done

    def _path(self, part: str = "") -> str:
        return f"sandboxes/{quote(self.sandbox, safe='')}" + (f"/{part}" if part else "")

    def _object(self, method: str, path: str, body: JSON | bytes = None, source: str = "") -> dict[str, Any]:
        found = self._call(method, path, body, source)
        if not isinstance(found, dict):
            raise _stranger(self.url, "an answer of another shape")
        return found

    def _call(self, method: str, path: str, body: JSON | bytes = None, source: str = "") -> JSON:
        """Send a request; the JSON value that was answered. Bytes go out as YAML, all else as JSON."""
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        media_type = _YAML if isinstance(body, bytes) else "application/json"
        status, raw = self._transport(method, f"/__admin/{path}", media_type, data)
        try:
            answer = orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError:
            raise _stranger(self.url, f"status {status} and no JSON") from None
        if 200 <= status < 300:
            return answer
        raise self._refused(status, answer, source)

    def _refused(self, status: int, answer: JSON, source: str) -> UserError:
        """What a problem document says, in the words of the command line."""
        if not isinstance(answer, dict) or not {"type", "title", "detail"} <= answer.keys():
            return _stranger(self.url, f"status {status}")
        problems = answer.get("problems")
        if source and isinstance(problems, list) and problems:
            return UserError("\n".join(_placed(source, problem) for problem in problems))
        detail = str(answer["detail"])
        if status == 500:
            return UserError(f"{answer['title']}: {detail}")
        if (
            status in (401, 403)
            and not self._transport.has_token
            and "token" in detail
            and "--admin-token" not in detail
        ):
            detail = f"{detail.rstrip('.')}; give it with --admin-token"
        if source:
            if detail.startswith(source):
                return UserError(detail)
            return UserError(source + (detail.removeprefix(_UPLOAD) if detail.startswith(_UPLOAD) else f": {detail}"))
        return UserError(detail)


def _stranger(url: str, what: str) -> UserError:
    return UserError(f"{url} is not a mockserver's address: it answered with {what}")


def _placed(source: str, problem: dict[str, Any]) -> str:
    rule = f"rule {problem['rule']!r}: " if problem.get("rule") else ""
    return f"{source}:{problem.get('line', 1)}:{problem.get('column', 1)}: {rule}{problem.get('message', '')}"


def difference_text(differences: list[dict[str, str]]) -> str:
    """Why something did not match, on one line."""
    return "; ".join(f"{one['where']}: {one['found']}, expected {one['expected']}" for one in differences)


def unfired_text(rule: dict[str, Any]) -> str:
    """A rule that never acted, and why it left the exchange alone that came nearest."""
    text = f"the rule {rule['rule']!r} ({rule['at']}) never fired"
    if rule["number"] is None:
        return f"{text}; the API was not called"
    return f"{text}; nearest #{rule['number']}: {difference_text(rule['differences'])}"
