"""The Python API: one object that steers a sandbox and proves what a client did in it.

It is the same object in the pytest fixture and by hand, over a server in this process or a running
one: everything goes through the admin API, so nothing works in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from mockserver.admin.client import AdminClient, difference_text, unfired_text
from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON
from mockserver.scenarios import bundled_scenarios
from mockserver.testing.entry import Entry
from mockserver.testing.handles import ClockControl, CreditsControl, Retries, StateControl, WebhookControl
from mockserver.text.jsontext import to_json

if TYPE_CHECKING:
    import httpx

    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.testing.transports import for_aiohttp, for_httpx, for_httpx2, for_requests

_TRANSPORTS = {
    "httpx": "MockTransport",
    "httpx2": "MockTransport",
    "requests": "MockAdapter",
    "aiohttp": "MockConnector",
}
"""What lets a client of each library answer in process."""
PAGE = 1000
"""Entries of the journal that are asked for at a time, and those that a timeline shows."""


class Mock:
    """A sandbox of a mock server.

    Args:
        admin: the sandbox's admin API.
        made: what the admin API answered when the sandbox was made.
        scenarios: folders in which scenario files are looked for.
        api: the API that `base_url` and `client_kwargs` mean when none is named.
        pipeline: what answers, when that is in this process.
    """

    def __init__(
        self,
        admin: AdminClient,
        made: Mapping[str, Any],
        scenarios: tuple[Path, ...] = (),
        api: str | None = None,
        pipeline: Pipeline | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._admin = admin
        self._made = made
        self._folders = scenarios
        self._api = api
        self.name: str = made["name"]
        self.api_key: str = _key_in(made)
        """A key that is valid in this sandbox; unless that is the default one, it also leads a client there."""
        self.credits = CreditsControl(admin)
        self.clock = ClockControl(admin)
        self.state = StateControl(admin)
        self.retries = Retries(admin)
        self.webhooks = WebhookControl(admin)
        self.allows_invalid = False
        self._misses: dict[int, list[str]] = {}
        """What was wrong with the exchanges that came nearest to a failed assertion, by their numbers."""

    def __enter__(self) -> Mock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.delete()

    @overload
    def transport(self, library: Literal["httpx"] = "httpx") -> for_httpx.MockTransport: ...
    @overload
    def transport(self, library: Literal["httpx2"]) -> for_httpx2.MockTransport: ...
    @overload
    def transport(self, library: Literal["requests"]) -> for_requests.MockAdapter: ...
    @overload
    def transport(self, library: Literal["aiohttp"]) -> for_aiohttp.MockConnector: ...
    def transport(self, library: str = "httpx") -> Any:
        """What lets a client answer in process, without a socket.

        The client needs the `base_url` and the key of this sandbox all the same.

        Args:
            library: the client's library: `httpx` and `httpx2` get a transport for their sync and async clients,
                `requests` an adapter to mount, `aiohttp` a connector.

        Raises:
            UserError: the server is not in this process, or there is nothing for that library.
        """
        if self._pipeline is None:
            raise UserError("the server is not in this process; use base_url() over a socket")
        if library not in _TRANSPORTS:
            raise UserError(f"there is no transport for {library!r}{did_you_mean(library, _TRANSPORTS)}")
        module = import_module(f"mockserver.testing.transports.for_{library}")
        return getattr(module, _TRANSPORTS[library])(self._pipeline)

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient`. Raises UserError when the server is not in this process."""
        return self.transport()

    def base_url(self, api: str | None = None) -> str:
        """The URL to give a client. Raises UserError for an API that is not served."""
        return str(self._of("base_urls", api))

    def client_kwargs(
        self, api: str | None = None, *, transport: Literal["sync", "async"] | None = None
    ) -> dict[str, Any]:
        """Keyword arguments for the vendor's own client: its URL and its key.

        Args:
            api: the API.
            transport: also the argument that has an httpx client answer in process: `sync` for a client with plain
                methods, `async` for one whose methods are awaited.

        Raises:
            UserError: the API is not served, or it is not in this process.
        """
        arguments = dict(self._of("client_kwargs", api))
        if transport is not None:
            import httpx

            answers, url = self.transport(), self.base_url(api)
            client = httpx.Client if transport == "sync" else httpx.AsyncClient
            name = api or self._api or next(iter(self._made["base_urls"]))
            keyword = self._pipeline.apis[name].client_keyword if self._pipeline is not None else ""
            arguments[keyword] = client(transport=answers, base_url=url)
        return arguments

    def _of(self, member: str, api: str | None) -> Any:
        known = self._made[member]
        name = api or self._api or next(iter(known))
        if name not in known:
            raise UserError(f"no API {name!r} is served here; there are {', '.join(known)}")
        return known[name]

    def scenario(self, scenario: str | Path | Mapping[str, Any]) -> None:
        """Start the sandbox afresh with a scenario: a bundled one's name, a file, or a dict.

        Raises UserError that holds every mistake with its place; the scenario in force then stays.
        """
        if isinstance(scenario, Mapping):
            self._admin.upload_scenario(to_json(scenario).decode(), "scenario")
        elif str(scenario) in bundled_scenarios():
            self._admin.use_scenario(str(scenario))
        else:
            file = self._find(str(scenario))
            self._admin.upload_scenario(file.read_text(encoding="utf-8"), str(file))
        self.clock.restart()
        if self._made["api_key"] is None:  # no key of its own: the scenario's keys are those that are valid
            self._made = self._admin.show()
            self.api_key = _key_in(self._made)

    def _find(self, name: str) -> Path:
        for folder in (Path(), *self._folders):
            for candidate in (folder / name, folder / f"{name}.yaml"):
                if candidate.is_file():
                    return candidate
        from mockserver.errors import did_you_mean

        known = [*bundled_scenarios(), *(path.stem for folder in self._folders for path in folder.glob("*.yaml"))]
        raise UserError(f"there is no scenario {name!r} and no such file{did_you_mean(name, known)}")

    def reset(self) -> None:
        """Start afresh; the scenario stays in force."""
        self._admin.reset()
        self.clock.restart()

    def allow_invalid(self) -> None:
        """Declare that this test sends invalid requests on purpose (for `--mockserver-strict`)."""
        self.allows_invalid = True

    @property
    def requests(self) -> list[Entry]:
        """The exchanges so far, oldest first: all that the journal keeps."""
        entries: list[Entry] = []
        while True:
            page = self._admin.journal(after=entries[-1].data["number"] if entries else 0, limit=PAGE)["entries"]
            entries += map(Entry, page)
            if len(page) < PAGE:
                return entries

    @property
    def unmet(self) -> list[str]:
        """What the scenario expects and has not come true."""
        return [row["message"] for row in self._admin.expectations()["expectations"] if not row["ok"]]

    @property
    def unfired(self) -> list[str]:
        """Ids of the rules that have not acted."""
        return [rule["rule"] for rule in self._admin.expectations()["unfired"]]

    def assert_requested(
        self,
        operation: str = "*",
        *,
        times: int | str = "1..",
        json: JSON = None,
        headers: Mapping[str, JSON] | None = None,
        params: Mapping[str, JSON] | None = None,
        status: int | str | None = None,
    ) -> None:
        """Assert on the journal.

        Args:
            operation: an operationId; `*` for any.
            times: how many exchanges must match: `2`, `4..6`, `1..`.
            json: what the body must hold; members may be matchers such as `{"regex": "^a"}`.
            headers, params: values or matchers of headers and query parameters, by name.
            status: the status, or a range of them, that was answered.

        Raises AssertionError with the exchanges that came nearest, and UserError for criteria that
        make no sense.
        """
        __tracebackhide__ = True
        criteria: dict[str, Any] = {"operation": operation, "times": times, "body": json, "status": status}
        criteria |= {"header": dict(headers) if headers else None, "query": dict(params) if params else None}
        verdict = self._admin.verify({name: value for name, value in criteria.items() if value is not None})
        if not verdict["ok"]:
            for miss in verdict["near_misses"]:
                near_miss = f"near miss of {operation}: {difference_text(miss['differences'])}"
                self._misses.setdefault(miss["number"], []).append(near_miss)
            raise AssertionError("\n".join(_verdict_lines(operation, verdict)))

    def timeline(self) -> list[str]:
        """What happened, a line or two an exchange, its near misses, and the account as it stands.

        A near miss is of an assertion that failed, or of a rule that never fired.
        """
        lines: list[str] = []
        notes = {number: list(misses) for number, misses in self._misses.items()}
        for rule in self._admin.expectations()["unfired"]:
            if rule["number"] is not None:
                near_miss = f"near miss of rule {rule['rule']} ({rule['at']}): {difference_text(rule['differences'])}"
                notes.setdefault(rule["number"], []).append(near_miss)
        journal = self._admin.journal(limit=PAGE)
        entries = {entry["number"]: entry for entry in journal["entries"]}
        for number, entry in entries.items():
            first = _paid_before(entry, entries)
            if first:
                notes.setdefault(number, []).insert(0, f"paid twice, duplicate of #{first}")
            lines += [str(Entry(entry)), *(f"     {note}" for note in notes.get(number, []))]
        earlier = journal["total"] - len(entries)
        lines = ([f"({earlier:,} earlier exchanges)"] if earlier else []) + (lines or ["no request came"])
        credits = self._admin.credits()
        return [*lines, f"credits: {credits['consumed']:g} consumed, {credits['remaining']:g} remaining"]

    def failures(self, strict: bool = False) -> list[str]:
        """Why a test that used this sandbox must not pass.

        Always: the mock itself broke the contract or failed, or the scenario expects what has not
        come true. With `strict` also: a rule never fired, or the client sent an invalid request
        that the test did not declare with `allow_invalid`.
        """
        problems: list[str] = []
        invalid: list[str] = []
        counted = self._admin.show()
        looks_for_invalid = strict and not self.allows_invalid and counted["invalid"]
        for entry in self.requests if counted["defects"] or looks_for_invalid else ():
            sides = {violation["side"] for violation in entry.violations}
            if entry.data["defect"] or "server" in sides:
                problems.append(f"the mock itself failed\n  {entry}")
            elif "client" in sides:
                invalid.append(f"an invalid request; `mockserver.allow_invalid()` declares one\n  {entry}")
        problems += _dropped(counted["defects"] - len(problems), "the mock itself failed", "; its log says why")
        invalid += _dropped(counted["invalid"] - len(invalid), "an invalid request", "")
        expected = self._admin.expectations()
        problems += [f"expected {row['expect']}: {row['message']}" for row in expected["expectations"] if not row["ok"]]
        if strict:
            problems += [unfired_text(rule) for rule in expected["unfired"]]
            problems += [] if self.allows_invalid else invalid
        return problems

    def delete(self) -> None:
        """Remove the sandbox."""
        self._admin.delete()


def _key_in(made: Mapping[str, Any]) -> str:
    """The key that `client_kwargs` have, which is the same for every API."""
    return next((str(arguments["api_key"]) for arguments in made["client_kwargs"].values()), made["api_key"] or "")


def _paid_before(entry: Mapping[str, Any], entries: Mapping[int, Mapping[str, Any]]) -> int:
    """The number of an earlier attempt of the same call that was carried out and charged, as this one was; or 0."""

    def is_paid(attempt: Mapping[str, Any]) -> bool:
        return bool(attempt["committed"] and attempt["charged"])

    first, before = 0, entries.get(entry["retry_of"])
    while before is not None and is_paid(entry):
        first = before["number"] if is_paid(before) else first
        before = entries.get(before["retry_of"])
    return first


def _dropped(count: int, what: str, advice: str) -> list[str]:
    """What is known of exchanges that were counted and that the journal has dropped."""
    if count <= 0:
        return []
    times = "" if count == 1 else f" {count:,} times"
    return [f"{what}{times}, and the journal has dropped the exchange{advice}"]


def _verdict_lines(operation: str, verdict: Mapping[str, Any]) -> list[str]:
    lines = [f"{operation}: found {verdict['found']} matching requests, expected {verdict['expected']}"]
    for miss in verdict["near_misses"]:
        lines.append(f"  nearest: #{miss['number']}")
        for difference in miss["differences"]:
            lines.append(f"    {difference['where']}: {difference['found']}, expected {difference['expected']}")
    return lines
