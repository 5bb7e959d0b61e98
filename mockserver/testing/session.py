"""The server behind a test session: one in this process, or one that runs already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mockserver.admin.client import AdminClient, HTTPTransport, InProcess
from mockserver.apis import BUNDLED, Api, load_api
from mockserver.apis.loader import is_profile
from mockserver.errors import UserError
from mockserver.scenarios import bundled_scenarios
from mockserver.testing.mock import Mock

if TYPE_CHECKING:
    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.settings import Settings
    from mockserver.testing.coverage.goals import Coverage
    from mockserver.testing.uses import CollectedUses


class Session:
    """A server for a suite, and the sandboxes that are made on it. A context manager that stops the server at the end.

    Args:
        apis: what to serve: names of bundled APIs, `PATH`, `NAME=PATH`, `module:attribute`, or Api objects; the bundled
            APIs when there are none.
        url: a running server; "" starts one in a background thread.
        scenario_dirs: folders in which scenario files are looked for.
        token: the running server's admin token; "" when it has none.
        settings: how the server that is started here serves; its `apis` are served too.

    Raises:
        UserError: the server cannot be started or does not answer.
    """

    def __init__(
        self,
        *,
        apis: Sequence[str | Api] = (),
        url: str = "",
        scenario_dirs: Sequence[str | Path] = (),
        token: str = "",
        settings: Settings | None = None,
    ) -> None:
        self._folders = tuple(map(Path, scenario_dirs))
        self._running = ExitStack()
        self._pipeline: Pipeline | None = None
        self.default_api = ""
        """The API that a sandbox means where none is named: a name, or the file of a profile; "" for the first."""
        self.coverage: Coverage | None = None
        """Counts what the suite has seen, once `count` was called."""
        self.uses: CollectedUses | None = None
        """Gathers what the suite uses of the APIs, once `collect_uses` was called."""
        self._profiles: dict[str, str] = {}
        """The names of APIs by the files of their profiles."""
        self._named = [api for api in apis if isinstance(api, str)]
        self._given = [api for api in apis if not isinstance(api, str)]
        if url:
            self._admin = AdminClient(HTTPTransport(url, token))
            self._admin.sandboxes()
            return
        from mockserver.server.app import create_app
        from mockserver.server.thread import serve_in_thread
        from mockserver.settings import Settings

        settings = settings or Settings()
        app = create_app(replace(settings, apis=(*settings.apis, *self._named)), apis=self._given)
        self._pipeline = app.state.pipeline
        server = self._running.enter_context(serve_in_thread(app))
        self._admin = AdminClient(InProcess(app.state.admin.handle, server.url))

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def sandbox(
        self,
        *,
        scenario: str | Path | Mapping[str, Any] | None = None,
        credits: float | None = None,
        rate_limit: str | int | None = None,
        clock: str | Mapping[str, Any] | None = None,
        seed: int | None = None,
        api: str | Api | None = None,
        scenario_dirs: Sequence[Path] = (),
    ) -> Mock:
        """Make a sandbox.

        Args:
            scenario: a bundled scenario's name, a file, or a dict.
            credits: credits to start with; more than what the scenario says counts.
            rate_limit: requests in a window, such as `3/10s`, or `off`.
            clock: `real`, `frozen`, `x10`, or an ISO 8601 moment at which it stands still.
            seed: what ids and samples follow from.
            api: the API that `base_url` and `client_kwargs` mean when none is named: its name, or an Api, which is
                served from then on.
            scenario_dirs: more folders in which scenario files are looked for.

        Raises:
            UserError: one of them makes no sense.
        """
        name = self._serve(api or self.default_api or None)
        terms: dict[str, Any] = {"credits": credits, "rate_limit": rate_limit, "seed": seed}
        terms["clock"] = None if clock is None else _clock(clock)
        is_bundled = isinstance(scenario, str) and scenario in bundled_scenarios()
        if is_bundled:
            terms["scenario"] = scenario
        made = self._admin.create(**{name: value for name, value in terms.items() if value is not None})
        served = self._pipeline.apis.get(name or "") if self._pipeline is not None else None
        own = served.scenario_folders if served is not None else ()
        folders = (*scenario_dirs, *self._folders, *own)
        mock = Mock(self._admin.at(made["name"]), made, folders, name, self._pipeline)
        if scenario is not None and not is_bundled:
            try:
                mock.scenario(scenario)
                if credits is not None:
                    mock.credits.set(credits)
            except UserError:
                mock.delete()
                raise
        return mock

    def _serve(self, api: str | Api | None) -> str | None:
        """The name of an API; one that is not served yet is from now on. Raises UserError when it cannot be."""
        if api is None or (isinstance(api, str) and not is_profile(Path(api))):
            return api
        if isinstance(api, str):
            if api not in self._profiles:
                loaded = load_api(api)
                self._profiles[api] = loaded.name
                if self._pipeline is not None and loaded.name not in self._pipeline.apis:
                    self._pipeline.add(loaded)
            return self._profiles[api]
        if self._pipeline is None:
            raise UserError(f"the API {api.name!r} is an object, which a running server cannot take; serve it there")
        served = self._pipeline.apis.get(api.name)
        if served is None:
            self._pipeline.add(api)
        elif served is not api:
            raise UserError(f"another API is called {api.name!r}; give this one another name")
        return api.name

    def count(self) -> Coverage:
        """Begin to count what the suite has seen of the contracts."""
        if self.coverage is None:
            from mockserver.testing.coverage.goals import Coverage

            default = () if self._given else BUNDLED
            loaded = [*map(load_api, self._named or default), *self._given]
            served = self._pipeline.apis if self._pipeline is not None else {api.name: api for api in loaded}
            self.coverage = Coverage(served)
        return self.coverage

    def collect_uses(self) -> CollectedUses:
        """Begin to gather what the suite uses of the APIs."""
        if self.uses is None:
            from mockserver.testing.uses import CollectedUses

            self.uses = CollectedUses()
        return self.uses

    def end(self, mock: Mock) -> None:
        """Take a sandbox away, its exchanges counted."""
        if self.coverage is not None or self.uses is not None:
            entries = [dict(entry.data) for entry in mock.requests]
            if self.coverage is not None:
                self.coverage.add(entries, self._admin.at(mock.name).coverage())
            if self.uses is not None:
                self.uses.add(entries)
        mock.delete()

    def close(self) -> None:
        """Stop the server, if it was started here."""
        self._running.close()


def _clock(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if value in ("real", "frozen"):
        return {"mode": value}
    if isinstance(value, str) and value.startswith("x"):
        try:
            return {"mode": "real", "rate": float(value[1:])}
        except ValueError:
            raise UserError(f"{value!r} is not a clock; use real, frozen, x10 or an ISO 8601 time") from None
    return {"mode": "frozen", "now": str(value)}
