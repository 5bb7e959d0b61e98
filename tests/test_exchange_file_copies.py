"""An exchange of the journal, copied as an exchange file, says the same in a fresh server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from test_exchange_files import check_exchange

WRITE = {"x-mockserver-admin": "1"}
KEY = {"authorization": "Bearer k"}
MEMORY = {"agent_id": "a1", "memory": "m"}
ODD = {"agent_id": 'it\'s "odd": \u2028 \u0085 ✓', "memory": "no", "context": "1e3", "user_prompt": "2026-01-01"}


@pytest.fixture
def sandbox(server):
    """Sends requests to the server."""
    with httpx.Client(base_url=server.url, headers=KEY) as client:
        yield client


def copied(sandbox: httpx.Client, number: int, tmp_path: Path) -> Path:
    response = sandbox.get(f"/__admin/sandboxes/default/journal/{number}/exchange-file")
    assert response.status_code == 200, response.text
    path = tmp_path / f"exchange-{number}.yaml"
    path.write_text(response.json()["text"], encoding="utf-8")
    return path


def use(sandbox: httpx.Client, scenario: object) -> None:
    assert sandbox.put("/__admin/sandboxes/default/scenario", json=scenario, headers=WRITE).status_code == 200


def busy(sandbox: httpx.Client) -> None:
    """An exchange of each kind, some of which depend on the ones before."""
    id = sandbox.post("/v1/user-memories", json=ODD).json()["id"]
    sandbox.post("/v1/user-memories", json={"agent_id": 7})
    sandbox.get("/v1/user-memories", params={"limit": 1, "x": ["a&b", ""]})
    sandbox.post(
        "/v1/user-memories", content=b'{"agent_id": "a", "memory"', headers={"content-type": "application/json"}
    )
    sandbox.delete(f"/v1/user-memories/{id}")
    sandbox.delete(f"/v1/user-memories/{id}")
    sandbox.get("/nowhere")
    sandbox.patch("/v1/user-memories")
    httpx.get(f"{sandbox.base_url}/v1/user-memories")
    sandbox.post("/v1/memories", json={"user_id": "u", "memory": "m"}, headers={"authorization": "Token k"})
    sandbox.get("/v1/user-memories", headers={"prefer": "code=429"})


def test_every_kind_of_exchange_says_the_same_again(sandbox, tmp_path, make_pipeline):
    busy(sandbox)
    statuses = [entry["status"] for entry in sandbox.get("/__admin/sandboxes/default/journal").json()["entries"]]
    assert statuses == [201, 400, 200, 400, 204, 404, 404, 405, 401, 201, 429]
    for number in range(1, len(statuses) + 1):
        if number != 7:  # no API has the path, so no file can name one
            check_exchange(copied(sandbox, number, tmp_path), make_pipeline(seed=1))


def test_a_copy_that_expects_something_else_fails(sandbox, tmp_path, make_pipeline):
    sandbox.post("/v1/user-memories", json=MEMORY)
    path = copied(sandbox, 1, tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace('"user_prompt":""', '"user_prompt":"x"'), encoding="utf-8")
    with pytest.raises(AssertionError, match="user_prompt"):
        check_exchange(path, make_pipeline(seed=1))


def test_rules_count_the_requests_before_and_the_clock_moves_between_them(sandbox, tmp_path, make_pipeline):
    use(sandbox, {"use": "third-call-throttled"})
    for _ in range(3):
        sandbox.post("/v1/user-memories", json=MEMORY)
    sandbox.post("/__admin/sandboxes/default/clock/advance", json={"by": "90s"}, headers=WRITE)
    sandbox.post("/v1/user-memories", json=MEMORY)
    third, fourth = (copied(sandbox, number, tmp_path) for number in (3, 4))
    assert '"times":2' in third.read_text(encoding="utf-8") and '"advance":"90.0s"' in fourth.read_text(
        encoding="utf-8"
    )
    for path in (third, fourth):
        check_exchange(path, make_pipeline(seed=1))


RULES = {
    "lost": {"fault": {"reset": "before"}},
    "late": {"fault": {"reset": "after_commit"}},
    "patched": {"op": "Memory.createUserMemory", "set": {"/user_prompt": "patched"}},
    "broken": {"fault": {"body": {"truncate": 0.5}}, "violates": "the client must raise"},
    "unpaid": {"fault": {"billing_write": "lost"}},
}


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_did_is_done_again(sandbox, tmp_path, make_pipeline, rule):
    use(
        sandbox,
        {"version": 1, "name": "r", "api": "datagrid", "keys": ["sk-1"], "rules": [{"id": rule, **RULES[rule]}]},
    )
    try:
        sandbox.post("/v1/user-memories", json=MEMORY, headers={"authorization": "Bearer sk-1"})
    except httpx.TransportError:
        assert rule in ("lost", "late")
    check_exchange(copied(sandbox, 1, tmp_path), make_pipeline(seed=1))


def test_a_limit_and_an_account_that_ran_dry_do_so_again(make_server, tmp_path, make_pipeline):
    with httpx.Client(base_url=make_server(credits=2.0).url, headers=KEY) as sandbox:
        assert [sandbox.post("/v1/user-memories", json=MEMORY).status_code for _ in range(3)] == [201, 201, 402]
        check_exchange(copied(sandbox, 3, tmp_path), make_pipeline(seed=1))
    with httpx.Client(base_url=make_server().url, headers=KEY) as sandbox:
        for _ in range(201):
            last = sandbox.get("/v1/user-memories")
        assert last.status_code == 429
        check_exchange(copied(sandbox, 201, tmp_path), make_pipeline(seed=1))


def test_a_key_that_was_refused_is_refused_again(make_server, tmp_path, make_pipeline):
    with httpx.Client(base_url=make_server(keys=("sk-1",)).url, headers=KEY) as sandbox:
        assert sandbox.get("/v1/user-memories").status_code == 401
        path = copied(sandbox, 1, tmp_path)
        assert "sk-1" not in path.read_text(encoding="utf-8")
        check_exchange(path, make_pipeline(seed=1))
