"""The Python API: one object that steers a sandbox and proves what a client did in it.

It is the same object in the pytest fixture and by hand, over a server in this process or a running
one: everything goes through the admin API, so nothing works in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from mockserver.admin.client import AdminClient, difference_text
from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON
from mockserver.scenarios import bundled_scenarios
from mockserver.testing.entry import Entry
from mockserver.testing.handles import ClockControl, CreditsControl, Retries, StateControl, WebhookControl
from mockserver.testing.report import Reporter, read_journal, verdict_lines
from mockserver.text.jsontext import to_json

if TYPE_CHECKING:
    import httpx

    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.testing.transports import for_aiohttp, for_httpx, for_httpx2, for_requests
    from mockserver.testing.upstream import Upstream

_TRANSPORTS = {
    "httpx": "MockTransport",
    "httpx2": "MockTransport",
    "requests": "MockAdapter",
    "aiohttp": "MockConnector",
}
"""What lets a client of each library answer in process."""


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
        self._upstream: Upstream | None = None
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
        if self._upstream is not None and self._upstream.is_open:
            raise UserError("requests pass on to the real API, which takes a socket; use base_url(), or end upstream()")
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
        if self._upstream is not None and self._upstream.is_open:
            if member == "base_urls":
                known = self._upstream.moved(known)
            else:
                known = {api: self._upstream.moved(arguments) for api, arguments in known.items()}
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

    def upstream(
        self,
        url: str,
        *,
        twin: Sequence[str] = (),
        connect_timeout: float = 10.0,
        timeout: float = 60.0,
        ca: str = "",
        client_cert: str = "",
        client_key: str = "",
        proxy: str = "",
    ) -> Upstream:
        """Let the real API answer from now on, behind this sandbox's journal, contract and scenario.

        `base_url()` and `client_kwargs()` lead there until the upstream is closed, or the sandbox is deleted.

        Args:
            url: the real API, without the path that the document's servers name.
            twin: operations that the twin goes on answering: an operationId, `GET /path`, or a pattern.
            connect_timeout, timeout: seconds to connect, and without a byte.
            ca, client_cert, client_key, proxy: as the options of `mockserver proxy`.

        Raises:
            UserError: the URL or an option makes no sense, or the server is not in this process.
        """
        if self._pipeline is None:
            raise UserError("the server is not in this process; start `mockserver proxy` there instead")
        from mockserver.testing.upstream import Upstream
        from mockserver.upstream.connection import Patience
        from mockserver.upstream.target import target_of

        target = target_of(url, ca=ca, certificate=client_cert, key=client_key, proxy=proxy)
        opened = Upstream(self._pipeline, target, Patience(connect_timeout, timeout), twin)
        self._close_upstream()
        self._upstream = opened
        return opened

    def record(
        self, folder: str | Path, *, name: str = "recorded", replace: Sequence[str] = (), infer: str | Path = ""
    ) -> Mapping[str, Any]:
        """Write what this sandbox recorded as exchange files and a scenario, as `mockserver record` does.

        Args:
            folder: where to. What is there stays, but for the scenario.
            name: of the scenario.
            replace: further members whose values are replaced, such as `user_id`.
            infer: a file for an OpenAPI document that is drafted from the traffic.

        Returns:
            What was written and what was left out, as `mockserver record --json` prints it.

        Raises:
            UserError: nothing was recorded that can be written, or a file cannot be.
        """
        from mockserver.testing.recording import record

        apis = self._pipeline.apis if self._pipeline is not None else None
        written, _ = record(self._admin, folder, name=name, replace=replace, infer=infer, apis=apis)
        return dict(written.as_json())

    def _close_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None

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
        return read_journal(self._admin)

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
            raise AssertionError("\n".join(verdict_lines(operation, verdict)))

    def timeline(self) -> list[str]:
        """What happened, a line or more an exchange, its near misses, and the account as it stands.

        A near miss is of an assertion that failed, or of a rule that never fired.
        """
        return self._reporter().timeline()

    def failures(self, strict: bool = False) -> list[str]:
        """Why a test that used this sandbox must not pass.

        Always: the mock itself violated the contract or failed, or the scenario expects what has not
        come true. With `strict` also: a rule never fired, or the client sent an invalid request
        that the test did not declare with `allow_invalid`.
        """
        return [f"{failure.headline}{failure.detail}" for failure in self._reporter().failures(strict)]

    def report(self, strict: bool = False) -> list[str]:
        """What a failed test prints: the headline of every failure, the timeline, and the account, each fact once.

        The details of a failure are at its exchange; those of an exchange that the timeline leaves out, at the
        headline.
        """
        return self._reporter().report(strict)

    def _reporter(self) -> Reporter:
        return Reporter(self._admin, self._misses, self.allows_invalid)

    def delete(self) -> None:
        """Remove the sandbox."""
        self._close_upstream()
        self._admin.delete()


def _key_in(made: Mapping[str, Any]) -> str:
    """The key that `client_kwargs` have, which is the same for every API."""
    return next((str(arguments["api_key"]) for arguments in made["client_kwargs"].values()), made["api_key"] or "")
