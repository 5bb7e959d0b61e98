"""A client of the admin API of a running server, for the commands. It speaks HTTP with what Python has.

Whatever goes wrong is a UserError that says in one line what, and what to do about it.
"""

from __future__ import annotations

import http.client
import urllib.error
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

import orjson

from mockserver.errors import UserError
from mockserver.messages import JSON

DEFAULT_URL = "http://127.0.0.1:4010"
_TIMEOUT = 30.0
_YAML = "application/yaml"
_UPLOAD = "upload.yaml"
"""What the server calls a scenario that it was sent; the reader knows it by another name."""


class Remote:
    """One sandbox of a running server.

    Args:
        url: where the server answers, for example `http://127.0.0.1:4010`.
        token: the server's admin token; "" when it has none.
        sandbox: the sandbox that the methods mean.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str = "", sandbox: str = "default") -> None:
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known or not url.isascii() or not url.isprintable() or " " in url:
            raise UserError(f"{url!r} is not the address of a server; write it like {DEFAULT_URL}")
        if not token.isascii() or not token.isprintable():
            raise UserError("the admin token holds characters that no HTTP header can carry")
        if not sandbox:
            raise UserError("the name of the sandbox is empty; the one that is always there is 'default'")
        self.url = url.rstrip("/")
        self.sandbox = sandbox
        self._token = token
        # No redirects and no proxy from the environment: the server is meant, and nothing else.
        self._opener = OpenerDirector()
        self._opener.add_handler(HTTPHandler())
        self._opener.add_handler(HTTPSHandler())

    def at(self, sandbox: str) -> Remote:
        """The same server, another sandbox."""
        return Remote(self.url, self._token, sandbox)

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

    def verify(self, criteria: dict[str, JSON]) -> dict[str, Any]:
        """The verdict on what was wanted."""
        return self._object("POST", self._path("verify"), criteria)

    def expectations(self) -> dict[str, Any]:
        """What the scenario expects, judged now."""
        return self._object("GET", self._path("expectations"))

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
            raise self._stranger("an answer of another shape")
        return found

    def _call(self, method: str, path: str, body: JSON | bytes = None, source: str = "") -> JSON:
        """Send a request; the JSON value that was answered. Bytes go out as YAML, all else as JSON."""
        headers = {"Accept": "application/json", "X-Mockserver-Admin": self._token or "cli"}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else orjson.dumps(body)
            headers["Content-Type"] = _YAML if isinstance(body, bytes) else "application/json"
        request = Request(f"{self.url}/__admin/{path}", data, headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as reply:
                status, raw = reply.status, reply.read()
        except TimeoutError:
            raise UserError(f"{self.url} did not answer within {_TIMEOUT:g} seconds") from None
        except urllib.error.URLError as error:
            raise self._unreachable(error.reason) from None
        except http.client.HTTPException as error:
            raise self._stranger(type(error).__name__) from None
        except OSError as error:
            raise self._unreachable(error) from None
        try:
            answer = orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError:
            raise self._stranger(f"status {status} and no JSON") from None
        if 200 <= status < 300:
            return answer
        raise self._refused(status, answer, source)

    def _unreachable(self, reason: object) -> UserError:
        if isinstance(reason, ConnectionRefusedError):
            return UserError(f"nothing answers at {self.url}; is `mockserver serve` running?")
        if isinstance(reason, TimeoutError):
            return UserError(f"{self.url} did not answer within {_TIMEOUT:g} seconds")
        words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return UserError(f"{self.url} cannot be reached: {words}; is `mockserver serve` running there?")

    def _stranger(self, what: str) -> UserError:
        return UserError(f"{self.url} is not a mockserver's address: it answered with {what}")

    def _refused(self, status: int, answer: JSON, source: str) -> UserError:
        """What a problem document says, in the words of the command line."""
        if not isinstance(answer, dict) or not {"type", "title", "detail"} <= answer.keys():
            return self._stranger(f"status {status}")
        problems = answer.get("problems")
        if source and isinstance(problems, list) and problems:
            return UserError("\n".join(_placed(source, problem) for problem in problems))
        detail = str(answer["detail"])
        if status == 500:
            return UserError(f"{answer['title']}: {detail}")
        if status in (401, 403) and not self._token and "token" in detail and "--admin-token" not in detail:
            detail = f"{detail.rstrip('.')}; give it with --admin-token"
        if source:
            if detail.startswith(source):
                return UserError(detail)
            return UserError(source + (detail.removeprefix(_UPLOAD) if detail.startswith(_UPLOAD) else f": {detail}"))
        return UserError(detail)


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
