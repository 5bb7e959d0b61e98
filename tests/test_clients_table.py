"""The table of clients: its cases are scenarios of each API, and its cells say what the journal says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytest.importorskip("benchmarks.clients", reason="the benchmarks are not in the source distribution")

from benchmarks.clients.__main__ import CREATES, HERE, NODE, told
from benchmarks.clients.cases import CASES
from benchmarks.clients.python_clients import CLIENTS
from mockserver import Mock, Session


@pytest.fixture(scope="module")
def session() -> Any:
    with Session(apis=["datagrid", "mem0", str(HERE / "vendors.mock.yaml")]) as session:
        yield session


def sandbox(session: Session, case: str, api: str = "vendors") -> Mock:
    rule = {"id": case, "op": CREATES[api], **CASES[case].rule}
    return session.sandbox(api=api, scenario={"version": 1, "name": case, "api": api, "rules": [rule]}, credits=9)


@pytest.mark.parametrize("api", CREATES)
@pytest.mark.parametrize("case", CASES)
def test_every_case_is_a_scenario_of_every_api(session: Session, case: str, api: str) -> None:
    sandbox(session, case, api).delete()


def test_every_client_is_for_an_api_that_is_served() -> None:
    assert {client.api for client in CLIENTS.values()} | set(NODE.values()) == set(CREATES)


def send(mock: Mock) -> None:
    try:
        headers = {"Authorization": f"Bearer {mock.api_key}"}
        httpx.post(f"{mock.base_url()}/things", json={"name": "a"}, headers=headers)
    except httpx.TransportError:
        pass


@pytest.mark.parametrize(
    ("case", "requests", "outcome", "cell"),
    [
        ("after", 2, "ok", "sent again, **paid 2 times**"),
        ("after", 1, "ReadError", "raised, paid once"),
        ("before", 2, "ok", "sent again, paid once"),
        ("credits", 1, "HTTPStatusError", "gave up"),
        ("hour", 1, "", "still waits after 10 s"),
        ("hour", 0, "", "no request"),
    ],
)
def test_a_cell_says_what_the_client_did(session: Session, case: str, requests: int, outcome: str, cell: str) -> None:
    mock = sandbox(session, case)
    for _ in range(requests):
        send(mock)
    assert told(case, mock, outcome) == cell
    mock.delete()
