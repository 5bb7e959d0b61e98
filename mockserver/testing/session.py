"""The server behind a test session: one in this process, or one that runs already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.admin.client import AdminClient, HTTPTransport, InProcess
from mockserver.apis import BUNDLED, Api, load_api
from mockserver.errors import UserError, did_you_mean
from mockserver.scenarios import bundled_scenarios
from mockserver.testing.mock import Mock

if TYPE_CHECKING:
    from mockserver.testing.coverage.goals import Coverage

TERMS = ("scenario", "credits", "rate_limit", "clock", "seed", "api")


class Session:
    """Makes sandboxes for tests and takes them away again.

    Args:
        url: a running server; "" starts one in a background thread.
        specs: OpenAPI documents to serve beside the bundled APIs.
        folders: where scenario files are looked for.
        token: the running server's admin token; "" when it has none.

    Raises UserError when the server cannot be started or does not answer.
    """

    def __init__(
        self, url: str = "", specs: tuple[str, ...] = (), folders: tuple[Path, ...] = (), token: str = ""
    ) -> None:
        self._folders = folders
        self._server: Any = None
        self._apis: Mapping[str, Api] = {}
        self.coverage: Coverage | None = None
        """Counts what the suite has seen, once `count` was called."""
        self._specs = (*BUNDLED, *specs)
        if url:
            self._remote = AdminClient(HTTPTransport(url, token))
            self._remote.sandboxes()
            return
        from mockserver.server.app import create_app
        from mockserver.server.thread import serve_in_thread
        from mockserver.settings import Settings

        app = create_app(Settings(apis=self._specs))
        self._apis = app.state.pipeline.apis
        self._server = serve_in_thread(app)
        self._remote = AdminClient(InProcess(app.state.admin.handle, self._server.__enter__().url))

    def make(self, here: tuple[Path, ...] = (), **terms: Any) -> Mock:
        """Make a sandbox.

        Args:
            here: more folders in which scenario files are looked for.
            terms: any of TERMS. `scenario` is a bundled one's name, a file or a dict; `clock` is
                `real`, `frozen`, `x10`, or an ISO 8601 moment at which it stands still.

        Raises UserError for terms that make no sense.
        """
        unknown = next((name for name in terms if name not in TERMS), None)
        if unknown is not None:
            raise UserError(f"mockserver has no {unknown!r}{did_you_mean(unknown, TERMS)}")
        given = {name: value for name, value in terms.items() if value is not None}
        api, scenario = given.pop("api", None), given.pop("scenario", None)
        if "clock" in given:
            given["clock"] = _clock(given["clock"])
        bundled = isinstance(scenario, str) and scenario in bundled_scenarios()
        if bundled:
            given["scenario"] = scenario
        made = self._remote.create(**given)
        mock = Mock(self._remote.at(made["name"]), made, (*here, *self._folders), api)
        if scenario is not None and not bundled:
            try:
                mock.scenario(scenario)
                if "credits" in given:
                    mock.credits.set(given["credits"])
            except UserError:
                mock.delete()
                raise
        return mock

    def count(self) -> Coverage:
        """Begin to count what the suite has seen of the contracts."""
        if self.coverage is None:
            from mockserver.testing.coverage.goals import Coverage

            self.coverage = Coverage(self._apis or {api.name: api for api in map(load_api, self._specs)})
        return self.coverage

    def end(self, mock: Mock) -> None:
        """Take a sandbox away, its exchanges counted."""
        if self.coverage is not None:
            self.coverage.add([dict(entry.data) for entry in mock.requests])
        mock.delete()

    def close(self) -> None:
        """Stop the server, if it was started here."""
        if self._server is not None:
            self._server.__exit__(None, None, None)


def _clock(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if value in ("real", "frozen"):
        return {"mode": value}
    if isinstance(value, str) and value.startswith("x"):
        try:
            return {"mode": "real", "rate": float(value[1:])}
        except ValueError:
            raise UserError(f"{value!r} is no clock; write real, frozen, x10 or a moment") from None
    return {"mode": "frozen", "now": str(value)}
