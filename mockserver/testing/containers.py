"""The server in a container of a test's own, by Testcontainers (the extra `mockserver[containers]`).

    from mockserver.testing.containers import MockserverContainer

    with MockserverContainer("mockserver").with_scenario("out-of-credits") as server:
        mock = server.mock()
        client = Datagrid(**mock.client_kwargs("datagrid"))

What is steered and asserted goes through the same `Mock` that the pytest fixture gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.admin.client import AdminClient, HTTPTransport
from mockserver.errors import UserError
from mockserver.scenarios import bundled_scenarios
from mockserver.testing.mock import Mock
from mockserver.testing.session import Session
from mockserver.text.jsontext import to_json

if TYPE_CHECKING:
    from typing import Self

try:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy
except ModuleNotFoundError as error:
    raise UserError(f"{error.name} is missing; `pip install 'mockserver[containers]'` brings it") from error

PORT = 4010
_READY_SECONDS = 30


class MockserverContainer(DockerContainer):
    """A container that serves the APIs; a context manager.

    Args:
        image: the name of the image, as it was built or pushed.
        options: what `DockerContainer` takes, for example `network`.

    Every option of `mockserver serve` is a variable: `.with_env("MOCKSERVER_CREDITS", "5")`.
    """

    def __init__(self, image: str = "mockserver", **options: Any) -> None:
        super().__init__(image, **options)
        self._scenarios: list[str] = []
        self._apis: list[str] = []
        self.with_exposed_ports(PORT)
        ready = HttpWaitStrategy(PORT, "/__admin/ready").for_status_code(200)
        self.waiting_for(ready.with_startup_timeout(_READY_SECONDS).with_poll_interval(0.1))

    def with_scenario(self, scenario: str | Path | Mapping[str, Any]) -> Self:
        """Start the default sandbox with a scenario; once for each API.

        Args:
            scenario: a bundled one's name, a file, which is copied into the container, or a dict.

        Raises UserError when there is no such scenario.
        """
        if isinstance(scenario, Mapping):
            place = f"/scenarios/scenario-{len(self._scenarios) + 1}.json"
            self.with_copy_into_container(to_json(scenario), place)
        elif str(scenario) in bundled_scenarios():
            place = str(scenario)
        else:
            place = self._copy(Path(scenario), "/scenarios")
        self._scenarios.append(place)
        return self.with_env("MOCKSERVER_SCENARIO", ",".join(self._scenarios))

    def with_api(self, api: str, document: str | Path | None = None) -> Self:
        """Serve an API, and none but those that were named so; without any, the bundled ones are served.

        Args:
            api: the name: `datagrid`, `mem0`, or one of your own.
            document: the OpenAPI file of your own API, which is copied into the container.

        Raises UserError when there is no such file.
        """
        self._apis.append(api if document is None else f"{api}={self._copy(Path(document), '/spec')}")
        return self.with_env("MOCKSERVER_API", ",".join(self._apis))

    @property
    def url(self) -> str:
        """Where the server answers, as the test sees it."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def base_url(self, api: str | None = None) -> str:
        """The URL to give a client of the default sandbox. Raises UserError for an API that is not served."""
        return self.mock().base_url(api)

    def mock(self) -> Mock:
        """The default sandbox, where the scenarios of `with_scenario` are in force."""
        admin = AdminClient(HTTPTransport(self.url, self._token))
        return Mock(admin, admin.show())

    def sandbox(self, **terms: Any) -> Mock:
        """A fresh sandbox, for one test; takes what the marker of the pytest plugin takes.

        Raises UserError for terms that make no sense.
        """
        return Session(url=self.url, token=self._token).sandbox(**terms)

    @property
    def _token(self) -> str:
        return self.env.get("MOCKSERVER_ADMIN_TOKEN", "")

    def _copy(self, file: Path, folder: str) -> str:
        """Have a file copied into the container before it starts; where it is then."""
        if not file.is_file():
            raise UserError(f"there is no file {str(file)!r}")
        place = f"{folder}/{file.name}"
        self.with_copy_into_container(file.read_bytes(), place)
        return place
