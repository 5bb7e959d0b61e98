"""What the admin API tells a reader: named scenarios, a scenario's faults, inferred resources, text in a journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver.admin.api import Admin
from mockserver.messages import Request
from mockserver.pipeline.build import build
from mockserver.settings import Settings

GOOD = "version: 1\nname: mine\napi: datagrid\nrules: []\n"


def ask(admin, method, path, query="", body=b"", media_type="application/yaml"):
    headers = {"host": "localhost", "x-mockserver-admin": "1", "content-type": media_type}
    response = admin.handle(Request(method, f"/__admin{path}", query, headers, body))
    return response.status, json.loads(response.content)


@pytest.fixture
def pipeline(make_pipeline):
    return make_pipeline()


@pytest.fixture
def admin(pipeline):
    return Admin(pipeline)


def test_scenarios_are_listed_by_name_with_where_they_are_from(pipeline, tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD)
    (tmp_path / "out-of-credits.yaml").write_text(GOOD)
    _, shown = ask(Admin(pipeline, scenario_dir=str(tmp_path)), "GET", "/scenarios")
    sources = {scenario["name"]: scenario["source"] for scenario in shown["scenarios"]}
    assert list(sources) == sorted(sources)
    assert (sources["mine"], sources["out-of-credits"]) == ("folder", "bundled")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (GOOD.replace("rules: []", "rules: [{id: a, replay: rate_limited}]").encode(), "application/yaml"),
        (b"version: 1\nname: [", "application/yaml"),
        (b'{"version": 1, "name": "x", "api": "none"}', "application/json"),
    ],
)
def test_a_check_finds_what_setting_would_and_changes_nothing(pipeline, admin, body, media_type):
    status, checked = ask(admin, "POST", "/scenarios/check", "", body, media_type)
    assert (status, checked["ok"]) == (200, False)
    status, refused = ask(admin, "PUT", "/sandboxes/default/scenario", "", body, media_type)
    assert status == 409
    assert refused.get("problems", checked["problems"]) == checked["problems"]
    assert checked["problems"][0]["message"] in refused["detail"]
    assert pipeline.sandbox.scenarios == {}


def test_a_good_scenario_checks_and_is_not_used(pipeline, admin):
    assert ask(admin, "POST", "/scenarios/check", "", GOOD.encode()) == (200, {"ok": True, "problems": []})
    assert pipeline.sandbox.scenarios == {}


def test_text_is_found_in_bodies_paths_and_headers_whatever_its_case(pipeline, admin):
    def send(memory, path="/user-memories", **headers):
        body = json.dumps({"agent_id": "a", "memory": memory}).encode()
        known = {"authorization": "Bearer k", "content-type": "application/json", **headers}
        pipeline.handle(Request("POST", path, "", known, body))

    send("likes Green tea")
    send("likes milk", **{"x-note": "green"})
    send("likes milk", path="/GREEN")
    send("likes milk")

    def numbers(query):
        return [entry["number"] for entry in ask(admin, "GET", "/sandboxes/default/journal", query)[1]["entries"]]

    assert numbers("text=green") == [1, 2, 3]
    assert numbers("text=green&status=201") == [1, 2]
    assert numbers("text=Bearer%20k") == [], "what is masked is not found"
    assert ask(admin, "GET", "/sandboxes/default/journal", "text=milk&limit=1")[1]["total"] == 3


def test_what_was_concluded_of_a_document_is_told_with_its_reason():
    document = Path(__file__).parent / "documents" / "harbour-3.0.yaml"
    api = ask(Admin(build(Settings(apis=(f"harbour={document}",)))), "GET", "/apis")[1]["apis"][0]
    assert api["resources"], "the document has resources"
    concluded = set()
    for resource in api["resources"]:
        for conclusion in resource["conclusions"]:
            assert conclusion["reason"]
            concluded |= {id for id in [*conclusion["value"], conclusion["value"]] if isinstance(id, str)}
    assert {operation["id"] for operation in api["operations"]} - concluded == set(api["sampled"])
