"""What the console asks about a contract: an operation with its schemas, a sample to send, sending it, and coverage."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

WRITE = {"x-mockserver-admin": "1"}
MEMORY = {"agent_id": "a1", "memory": "m"}
DOCUMENTS = Path(__file__).parent / "documents"


@pytest.fixture
def admin(server):
    """A client of the admin API."""
    with httpx.Client(base_url=f"{server.url}/__admin", headers=WRITE) as client:
        yield client


def operation(admin: httpx.Client, api: str, id: str) -> dict:
    response = admin.get(f"/apis/{api}/operation", params={"operation": id})
    assert response.status_code == 200, response.text
    return response.json()


def test_an_operation_is_told_with_its_schemas_and_where_it_stands(admin):
    view = operation(admin, "datagrid", "Memory.createUserMemory")
    (content,) = view["request"]["content"]
    assert content["schema"]["$ref"] in view["schemas"]
    assert view["schemas"][content["schema"]["$ref"]]["required"] == ["agent_id", "memory"]
    assert {"201", "402", "429"} <= {response["status"] for response in view["responses"]}
    assert view["place"]["file"] == "spec/datagrid.yaml" and view["place"]["line"] > 0
    assert {addition["provenance"] for addition in view["additions"]} <= {"documented", "sdk", "assumed"} and view[
        "additions"
    ]
    limit = next(
        one for one in operation(admin, "datagrid", "Memory.listUserMemory")["parameters"] if one["name"] == "limit"
    )
    assert (limit["in"], limit["required"], limit["schema"]["maximum"]) == ("query", False, 100)


def test_what_an_overlay_adds_stands_in_the_overlay(admin):
    place = operation(admin, "datagrid", "getCredits")["place"]
    assert place["file"] == "spec/datagrid.overlay.yaml" and any(
        "getCredits" in line["text"] for line in place["lines"]
    )


def test_an_operation_or_an_api_that_is_not_there_names_the_nearest(admin):
    response = admin.get("/apis/datagrid/operation", params={"operation": "getCredit"})
    assert response.status_code == 404 and "getCredits" in response.json()["detail"]
    assert "datagrid" in admin.get("/apis/datagrit/operation", params={"operation": "x"}).json()["detail"]


def test_every_sample_is_valid_and_is_sent_into_its_sandbox(admin):
    admin.post("/sandboxes", json={"name": "mine"})
    for sandbox in ("default", "mine"):
        sent = 0
        for api in admin.get("/apis").json()["apis"]:
            for known in api["operations"]:
                names = {"api": api["name"], "operation": known["id"]}
                sample = admin.get(f"/sandboxes/{sandbox}/sample", params=names)
                assert sample.status_code == 200, sample.text
                answer = admin.post(f"/sandboxes/{sandbox}/send", json=sample.json())
                assert answer.status_code == 200, answer.text
                sent += 1
                assert (answer.json()["number"], answer.json()["sandbox"]) == (sent, sandbox)
        entries = admin.get(f"/sandboxes/{sandbox}/journal").json()["entries"]
        assert [entry["violations"] for entry in entries] == [[]] * sent
        assert {entry["status"] for entry in entries} <= {200, 201, 204, 404}, [entry["why"] for entry in entries]


@pytest.mark.parametrize("document", sorted(DOCUMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_operations_and_samples_of_any_document_are_told_and_valid(document):
    with (
        serve_in_thread(create_app(Settings(apis=(f"mine={document}",)))) as served,
        httpx.Client(base_url=f"{served.url}/__admin", headers=WRITE) as admin,
    ):
        operations = admin.get("/apis").json()["apis"][0]["operations"]
        for known in operations:
            view = operation(admin, "mine", known["id"])
            assert view["responses"] and view["place"]["file"] == str(document) and view["place"]["line"] > 1
            sample = admin.get("/sandboxes/default/sample", params={"api": "mine", "operation": known["id"]})
            assert sample.status_code == 200, sample.text
            assert admin.post("/sandboxes/default/send", json=sample.json()).status_code == 200
        entries = admin.get("/sandboxes/default/journal").json()["entries"]
    # Two variables side by side, as in ships{route}{wind}, can be told apart in more than one way.
    judged = [entry for entry in entries if entry["operation"] != "shipsAt"]
    assert [(entry["operation"], entry["violations"]) for entry in judged if entry["violations"]] == []
    assert len(entries) == len(operations)


def test_a_sample_names_a_row_that_is_there(admin, server):
    id = httpx.post(f"{server.url}/v1/user-memories", json=MEMORY, headers={"authorization": "Bearer k"}).json()["id"]
    names = {"api": "datagrid", "operation": "Memory.deleteUserMemory"}
    assert id in admin.get("/sandboxes/default/sample", params=names).json()["path"]


def test_a_sample_has_the_key_of_its_sandbox(admin, make_server):
    key = admin.post("/sandboxes", json={"name": "mine"}).json()["api_key"]
    names = {"api": "datagrid", "operation": "getCredits"}
    assert admin.get("/sandboxes/mine/sample", params=names).json()["headers"]["authorization"] == f"Bearer {key}"
    listed = make_server(keys=("sk-1",)).url
    got = httpx.get(f"{listed}/__admin/sandboxes/default/sample", params=names)
    assert "sk-1" not in got.text, "who cannot steer is told no key"


def test_a_request_is_sent_into_its_own_sandbox_only(admin):
    admin.post("/sandboxes", json={"name": "mine"})
    for sandbox, path in (("default", "/~mine/v1/user-memories"), ("mine", "/v1/user-memories")):
        response = admin.post(f"/sandboxes/{sandbox}/send", json={"method": "GET", "path": path})
        assert response.status_code == 409 and f"sandbox {sandbox}" in response.json()["detail"]
    for spec in ({"method": "GET", "path": "/a\r\nb"}, {"method": "G T", "path": "/"}, {"method": "GET", "path": "x"}):
        assert admin.post("/sandboxes/default/send", json=spec).status_code == 400
    header = {"method": "GET", "path": "/v1/user-memories", "headers": {"x": "a\nb"}}
    assert admin.post("/sandboxes/default/send", json=header).status_code == 400
    assert httpx.post(f"{admin.base_url}sandboxes/default/send", json={"method": "GET", "path": "/"}).status_code == 403
    assert admin.get("/sandboxes/default/journal").json()["total"] == 0


def test_a_body_that_is_too_large_is_refused_as_a_clients_is(admin):
    spec = {
        "method": "POST",
        "path": "/v1/user-memories",
        "body": "x" * 1_500_000,
        "headers": {"authorization": "Bearer k"},
    }
    assert admin.post("/sandboxes/default/send", json=spec).json()["status"] == 413


SCENARIO = {
    "version": 1,
    "name": "faults",
    "api": "datagrid",
    "rules": [
        {"id": "late", "op": "Memory.createUserMemory", "when": {"call": 2}, "fault": {"reset": "after_commit"}},
        {"id": "slow", "op": "Memory.createUserMemory", "when": {"call": 3}, "fault": {"billing_write": "lost"}},
    ],
}


def test_coverage_tells_statuses_by_the_faults_that_were_done(admin):
    admin.put("/sandboxes/default/scenario", json=SCENARIO)
    send = {
        "method": "POST",
        "path": "/v1/user-memories",
        "headers": {"authorization": "Bearer k", "content-type": "application/json"},
    }
    for body in ('{"agent_id": "a", "memory": "m"}',) * 4 + ("{}",):
        admin.post("/sandboxes/default/send", json={**send, "body": body})
    admin.get("/nowhere")

    def cells() -> dict:
        found = admin.get("/sandboxes/default/coverage").json()["cells"]
        assert {cell["operation"] for cell in found} <= {"Memory.createUserMemory"}
        return {(cell["status"], cell["fault"]): cell["count"] for cell in found}

    assert cells() == {(201, ""): 2, (201, "reset"): 1, (201, "billing_write"): 1, (400, ""): 1}
    for (status, fault), count in cells().items():
        wanted = {"operation": "Memory.createUserMemory", "status": status, "fault": fault or "none"}
        assert admin.get("/sandboxes/default/journal", params=wanted).json()["total"] == count
    admin.delete("/sandboxes/default/journal")
    assert cells() == {}, "what the journal has dropped is no cell"
