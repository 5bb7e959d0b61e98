"""A test that brings its own server; `pip install 'mockserver[containers]' datagrid-ai pytest`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from datagrid_ai import APIStatusError, Datagrid

from mockserver.testing.containers import MockserverContainer


@pytest.fixture(scope="session")
def vendor() -> Iterator[MockserverContainer]:
    with MockserverContainer("mockserver").with_env("MOCKSERVER_CREDITS", "30") as server:
        yield server


def test_it_stops_at_402(vendor: MockserverContainer) -> None:
    mock = vendor.sandbox(scenario="out-of-credits")
    client = Datagrid(**mock.client_kwargs("datagrid"))
    with pytest.raises(APIStatusError) as caught:
        client.memory.user.create(agent_id="support", memory="Prefers tea")
    assert caught.value.status_code == 402
    mock.assert_requested("Memory.createUserMemory", times=1)
