"""The admin API: who may use it, what it answers, and that it is described by its own document."""

from __future__ import annotations

import json
import re
import signal

import httpx
import pytest
from test_server import ready, running, stop

from mockserver.admin.api import Admin
from mockserver.admin.handlers import HANDLERS
from mockserver.contract import load_contract
from mockserver.data import bundled_file
from mockserver.messages import Request
from mockserver.scenarios import ScenarioModel
from mockserver.text.models import editor_schema

WRITE = {"X-Mockserver-Admin": "1"}
MEMORY = {"agent_id": "a", "memory": "m"}


class Caller:
    """Short ways to call the admin API of one pipeline, in process."""

    def __init__(self, pipeline, **options):
        self.pipeline = pipeline
        self.admin = Admin(pipeline, **options)

    def __call__(self, method, path, body=None, *, host="localhost:4010", **headers):
        given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = b""
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        response = self.admin.handle(Request(method, f"/__admin{path}", "", given, raw))
        data = json.loads(response.content) if response.content and "json" in str(response.media_type) else None
        return response.status, data

    def write(self, method, path, body=None, **headers):
        return self(method, path, body, x_mockserver_admin="1", **headers)

    def create_memory(self, key="k"):
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        return self.pipeline.handle(Request("POST", "/user-memories", "", headers, json.dumps(MEMORY).encode()))


@pytest.fixture
def call(make_pipeline):
    return Caller(make_pipeline())


KEYS = """
version: 1
api: datagrid
name: keyed
keys: [scenario-key]
rules: []
"""


def test_client_kwargs_of_the_default_sandbox_have_a_key_that_is_valid(make_pipeline):
    """A listed key is told to who may steer the sandbox, and to no web page that only reads."""
    is_open, listed = Caller(make_pipeline()), Caller(make_pipeline(keys=("first-key", "other-key")))
    header = {"x_mockserver_admin": "1"}
    for call, key in ((is_open, "any-key"), (listed, "first-key")):
        shown = call("GET", "/sandboxes/default", **header)[1]
        assert {name: kwargs["api_key"] for name, kwargs in shown["client_kwargs"].items()} == {
            "datagrid": key,
            "mem0": key,
        }
        assert call("GET", "/sandboxes", **header)[1]["sandboxes"] == [shown]
        assert call.create_memory(key).status == 201
    assert "first-key" not in json.dumps([listed("GET", "/sandboxes"), listed("GET", "/sandboxes/default")])
    assert listed("GET", "/sandboxes/default")[1]["client_kwargs"]["mem0"]["api_key"] == "one-of-the-listed-keys"
    is_open.write("PUT", "/sandboxes/default/scenario", KEYS.encode(), content_type="application/yaml")
    shown = is_open("GET", "/sandboxes/default", **header)[1]
    assert shown["client_kwargs"]["datagrid"]["api_key"] == "scenario-key"
    assert is_open.create_memory("scenario-key").status == 201


def test_a_write_without_the_header_is_refused(call):
    for method, path in (("POST", "/sandboxes"), ("POST", "/sandboxes/default/reset"), ("DELETE", "/sandboxes/x")):
        status, problem = call(method, path)
        assert status == 403
        assert "X-Mockserver-Admin" in problem["detail"]
    assert len(call.pipeline.sandboxes.all()) == 1
    assert call("GET", "/sandboxes")[0] == 200


def test_with_a_token_reads_need_it_too(make_pipeline):
    call = Caller(make_pipeline(), token="s3cret")
    assert call("GET", "/sandboxes")[0] == 401
    status, problem = call("GET", "/sandboxes", x_mockserver_admin="wrong")
    assert status == 403 and "s3cret" not in str(problem)
    assert call("GET", "/sandboxes", x_mockserver_admin="s3cret")[0] == 200
    assert call("GET", "/health")[0] == call("GET", "/ready")[0] == 200
    assert call("GET", "/sandboxes", host="evil.example", x_mockserver_admin="s3cret")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4010", "mock.evil.example"])
def test_a_public_host_name_may_be_a_web_pages_doing(call, host):
    assert call("GET", "/sandboxes", host=host)[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example, x.localhost", "evil.example,localhost", "a b", "x@localhost.localhost/"]
)
def test_two_hosts_are_none(call, host):
    assert call("GET", "/sandboxes", host=host)[0] == 403


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:4010", "[::1]:4010", "10.0.0.3", "mockserver:4010", "mock.local", "m.default.svc"]
)
def test_local_names_and_addresses_are_fine(call, host):
    assert call("GET", "/sandboxes", host=host)[0] == 200


def test_a_sandbox_from_birth_to_death(call):
    status, made = call.write("POST", "/sandboxes", {"name": "ci", "scenario": "last-credit", "credits": 3})
    assert status == 201
    assert made["base_urls"]["datagrid"] == "http://localhost:4010/~ci/datagrid/v1"
    assert made["scenario"] == "last-credit"
    assert made["credits"]["remaining"] == 3
    assert call.create_memory(made["api_key"]).status == 201
    assert call("GET", "/sandboxes/ci")[1]["requests"] == 1
    assert call.write("POST", "/sandboxes/ci/reset")[0] == 204
    assert call("GET", "/sandboxes/ci")[1]["requests"] == 0
    assert call.write("DELETE", "/sandboxes/ci")[0] == 204
    assert call("GET", "/sandboxes/ci")[0] == 404


def test_a_name_that_is_wrong_names_the_nearest(call):
    call.write("POST", "/sandboxes", {"name": "nightly"})
    assert "did you mean 'nightly'?" in call("GET", "/sandboxes/nigthly")[1]["detail"]
    status, problem = call.write("POST", "/sandboxes", {"scenario": "out-of-credit"})
    assert status == 409 and "did you mean 'out-of-credits'?" in problem["detail"]
    status, problem = call.write("POST", "/sandboxes/default/verify", {"operation": "getCredit"})
    assert status == 409 and "did you mean 'getCredits'?" in problem["detail"]
    status, problem = call("GET", "/sandboxs")
    assert status == 404 and "did you mean '/__admin/sandboxes'?" in problem["detail"]
    assert call("PATCH", "/sandboxes")[0] == 405


@pytest.mark.parametrize("name", ["/etc/passwd", "../spec/admin.yaml", "pyproject.toml"])
def test_a_scenario_by_name_is_never_a_path(call, name):
    status, problem = call.write("PUT", "/sandboxes/default/scenario", {"use": name})
    assert status == 409
    assert "no bundled scenario" in problem["detail"]


def test_a_scenario_of_the_servers_folder_goes_by_its_name(make_pipeline, tmp_path):
    (tmp_path / "inner").mkdir()
    for place in ("own.yaml", "inner/hidden.yaml"):
        (tmp_path / place).write_text("version: 1\nname: own\napi: datagrid\ncredits: 7\n")
    call = Caller(make_pipeline(), scenario_dir=str(tmp_path))
    assert call.write("PUT", "/sandboxes/default/scenario", {"use": "own"})[0] == 200
    status, made = call.write("POST", "/sandboxes", {"scenario": "own"})
    assert (status, made["credits"]["remaining"]) == (201, 7)
    for name in ("own.yaml", "inner/hidden", "../own", "hidden", str(tmp_path / "own.yaml")):
        status, problem = call.write("PUT", "/sandboxes/default/scenario", {"use": name})
        assert status == 409
        assert "and none in the server's folder" in problem["detail"]


def test_a_scenario_that_does_not_load_leaves_the_one_in_force(call):
    assert call.write("PUT", "/sandboxes/default/scenario", {"use": "out-of-credits"})[0] == 200
    call.create_memory()
    text = b"version: 1\nname: x\napi: datagrid\nrules:\n  - {id: a, op: getCredit}\n  - {id: a, reply: confict}\n"
    status, problem = call.write("PUT", "/sandboxes/default/scenario", text, content_type="application/yaml")
    assert status == 409
    assert [p["line"] for p in problem["problems"]] == [5, 5, 6, 6]
    assert "upload.yaml:6:13" in problem["detail"]
    assert call("GET", "/sandboxes/default/scenario")[1]["name"] == "out-of-credits"
    assert call("GET", "/sandboxes/default")[1]["requests"] == 1
    assert call.create_memory().status == 402


def test_an_inline_scenario_and_its_rules(call):
    scenario = {
        "version": 1, "name": "x", "api": "datagrid",
        "rules": [{"id": "r", "op": "Memory.createUserMemory", "sequence": ["ok", "rate_limited"]}],
        "expect": [{"rule": "r", "fired": 1}],
    }  # fmt: skip
    assert call.write("PUT", "/sandboxes/default/scenario", scenario)[0] == 200
    assert call("GET", "/sandboxes/default/expectations")[1]["ok"] is False
    (unfired,) = call("GET", "/sandboxes/default/expectations")[1]["unfired"]
    assert unfired == {"rule": "r", "at": "upload.yaml:5", "number": None, "differences": []}
    assert [call.create_memory().status for _ in range(3)] == [201, 429, 201]
    assert call("GET", "/sandboxes/default/scenario")[1]["rules"][0]["fired"] == 1
    assert call("GET", "/sandboxes/default/expectations")[1] == {
        "ok": True,
        "expectations": [{"expect": {"rule": "r", "fired": 1}, "ok": True, "message": "met"}],
        "unfired": [],
    }
    assert call.write("DELETE", "/sandboxes/default/scenario")[0] == 204
    assert call("GET", "/sandboxes/default/scenario")[1]["name"] is None


def test_the_clock(call):
    assert call("GET", "/sandboxes/default/clock")[1]["mode"] == "frozen"
    now = call.write("POST", "/sandboxes/default/clock/advance", {"by": "61s"})[1]["now"]
    assert now == 1_767_225_661.0
    later = call.write("PATCH", "/sandboxes/default/clock", {"now": "2026-01-02T00:00:00Z"})[1]
    assert later["iso"] == "2026-01-02T00:00:00.000Z"
    status, problem = call.write("PATCH", "/sandboxes/default/clock", {"now": "2025-01-01T00:00:00Z"})
    assert status == 409 and "never goes back" in problem["detail"]
    assert call.write("PATCH", "/sandboxes/default/clock", {"rate": 10})[1]["rate"] == 10
    assert call.write("PATCH", "/sandboxes/default/clock", {"mode": "frozen"})[1]["rate"] == 0


def test_the_journal_and_its_filters(call):
    call.create_memory()
    headers = {"authorization": "Bearer secret-key"}
    call.pipeline.handle(Request("GET", "/user-memories", "limit=0", headers))
    call.pipeline.handle(Request("GET", "/nowhere", "", headers))
    journal = call("GET", "/sandboxes/default/journal")[1]
    assert [entry["status"] for entry in journal["entries"]] == [201, 400, 404]
    assert "secret-key" not in json.dumps(journal)
    first, second, _ = journal["entries"]
    assert (first["charged"], first["committed"], first["attempt"]) == (1, True, 1)
    assert first["request"]["body"] == MEMORY
    assert first["response"]["body"]["object"] == "user_memory"
    assert second["violations"][0]["side"] == "client"

    def numbers(query):
        request = Request("GET", "/__admin/sandboxes/default/journal", query, {"host": "localhost"})
        return [entry["number"] for entry in json.loads(call.admin.handle(request).content)["entries"]]

    assert numbers("status=400") == numbers("side=client") == [2]
    assert numbers("operation=Memory.createUserMemory") == [1]
    assert numbers("after=1") == [2, 3]
    assert numbers("after=1&limit=1") == [2]
    assert numbers("limit=1") == [3]
    assert numbers("before=3") == [1, 2]
    assert numbers("before=3&limit=1") == [2]
    assert numbers("before=3&after=0&limit=1") == [1]
    assert numbers("before=3&operation=Memory.createUserMemory") == [1]
    assert numbers("before=2&status=400") == numbers("before=1") == numbers("after=2&before=3") == []
    assert call.write("DELETE", "/sandboxes/default/journal")[0] == 204
    assert numbers("") == []


def test_a_failed_verification_shows_what_came_nearest(call):
    call.create_memory()
    wanted = {"operation": "Memory.createUserMemory", "times": 1, "body": {"memory": {"regex": "^tea"}}}
    verdict = call.write("POST", "/sandboxes/default/verify", wanted)[1]
    assert (verdict["ok"], verdict["found"], verdict["expected"]) == (False, 0, "1")
    (miss,) = verdict["near_misses"]
    assert miss["number"] == 1
    assert miss["differences"][0]["found"] == '"m"'
    wanted["body"] = {"memory": "m"}
    assert call.write("POST", "/sandboxes/default/verify", wanted)[1]["ok"] is True
    order = {"order": [{"operation": "Memory.listUserMemory"}, {"operation": "Memory.createUserMemory"}]}
    assert call.write("POST", "/sandboxes/default/verify", order)[1]["ok"] is False


def test_a_state_with_more_rows_than_there_is_room_for_is_refused(make_pipeline):
    call = Caller(make_pipeline(max_rows=1))
    call.create_memory()
    _, state = call("GET", "/sandboxes/default/state")
    (row,) = state["tables"]["user_memories"][""]
    del state["credits"]["remaining"]
    assert call.write("PUT", "/sandboxes/default/state", state)[0] == 204
    state["tables"]["user_memories"][""] = [row, {**row, "id": "other"}]
    status, problem = call.write("PUT", "/sandboxes/default/state", state)
    assert (status, problem["detail"]) == (409, "there are 2 rows, and room for 1 (--max-rows)")


def test_state_goes_out_and_back(call):
    call.create_memory()
    state = call("GET", "/sandboxes/default/state")[1]
    call.create_memory()
    assert call.write("PUT", "/sandboxes/default/state", state)[0] == 204
    assert call("GET", "/sandboxes/default/state")[1] == state
    broken = json.loads(json.dumps(state))
    broken["tables"]["user_memories"][""][0]["memory"] = "text"
    status, problem = call.write("PUT", "/sandboxes/default/state", broken)
    assert status == 409 and "memory" in problem["detail"]
    assert call("GET", "/sandboxes/default/state")[1] == state


def test_coverage_limits_credits_metrics_apis(call):
    call.create_memory()
    coverage = call("GET", "/sandboxes/default/coverage")[1]
    (row,) = [row for row in coverage["operations"] if row["operation"] == "Memory.createUserMemory"]
    assert row["statuses"] == {"201": 1} and "402" in row["unseen"]
    limits = call("GET", "/sandboxes/default/limits")[1]["limits"]
    assert [row["remaining"] for row in limits if row["operation"] == "Memory.createUserMemory"] == [199]
    assert call.write("PUT", "/sandboxes/default/credits", {"remaining": 5})[1]["remaining"] == 5
    metrics = call.admin.handle(Request("GET", "/__admin/metrics", "", {"host": "localhost"})).content.decode()
    labels = 'api="datagrid",operation="Memory.createUserMemory",status="201",rule=""'
    assert f"mockserver_requests_total{{{labels}}} 1" in metrics
    apis = call("GET", "/apis")[1]["apis"]
    assert {api["name"] for api in apis} == {"datagrid", "mem0"}
    assert any(addition["provenance"] == "assumed" for addition in apis[0]["additions"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sandboxes", {"nmae": "x"}, 400),
        ("/sandboxes", {"name": "UPPER"}, 400),
        ("/sandboxes", {"name": "x", "credits": -1}, 400),
        ("/sandboxes", b"{", 400),
        ("/sandboxes", b"[" * 10_000, 400),
        ("/sandboxes/default/verify", {"times": 1.5}, 400),
        ("/sandboxes/default/clock/advance", {"by": "soon"}, 400),
        ("/sandboxes/default/clock/advance", {"by": "9999999999999999d"}, 409),
        ("/sandboxes/default/verify", {"times": "6..4"}, 409),
        ("/sandboxes/default/verify", {"body": {"regex": "("}}, 409),
    ],
    ids=str,
)
def test_bad_input_is_a_problem_and_changes_nothing(call, path, body, status):
    answered, problem = call.write("POST", path, body)
    assert answered == status
    assert problem["status"] == status and problem["detail"]
    assert len(call.pipeline.sandboxes.all()) == 1


def test_too_many_sandboxes_is_503(apis):
    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.sandbox.sandboxes import Bounds

    call = Caller(Pipeline(apis, bounds=Bounds(count=1)))
    status, problem = call.write("POST", "/sandboxes")
    assert status == 503 and "--max-sandboxes" in problem["detail"]


def test_while_draining_it_is_not_ready(make_pipeline):
    call = Caller(make_pipeline(), draining=lambda: True)
    assert call("GET", "/ready") == (503, {"status": "draining", "apis": ["datagrid", "mem0"]})
    assert call("GET", "/health")[0] == 200


def test_events_are_the_journal_as_it_is_written(server):
    memories = f"{server.url}/user-memories"
    key = {"Authorization": "Bearer k"}
    httpx.post(memories, json=MEMORY, headers=key)
    with httpx.stream("GET", f"{server.url}/__admin/sandboxes/default/events?after=0") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        found = []
        for line in lines:
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if len(found) == 1:
                    httpx.get(memories, headers=key)
                else:
                    break
    assert [entry["status"] for entry in found] == [201, 200]
    assert httpx.get(f"{server.url}/__admin/sandboxes/x/events").status_code == 404
    ended = httpx.get(f"{server.url}/__admin/sandboxes/default/events?after=0&seconds=0")
    assert ended.text.count("data: ") == 2


def test_a_port_of_its_own():
    with running("--admin-port", "0", "--admin-token", "t", "--scenario", "out-of-credits") as (url, process):
        line = process.stderr.readline() + process.stderr.readline()
        admin = re.search(r"admin on (http://\S+)/__admin", line)[1]
        ready(admin)
        assert admin != url
        answer = httpx.get(f"{url}/__admin/sandboxes", headers={"X-Mockserver-Admin": "t"})
        assert answer.status_code == 404, "nothing of it on the port that clients see"
        assert httpx.get(f"{admin}/__admin/sandboxes").status_code == 401
        listed = httpx.get(f"{admin}/__admin/sandboxes", headers={"X-Mockserver-Admin": "t"}).json()
        assert listed["sandboxes"][0]["base_urls"]["datagrid"] == f"{url}/datagrid/v1"
        assert listed["sandboxes"][0]["scenario"] == "out-of-credits"
        assert httpx.post(f"{url}/user-memories", json=MEMORY, headers={"Authorization": "Bearer k"}).status_code == 402
        assert stop(process, signal.SIGTERM)[0] == 0


def test_its_document_is_sound():
    contract = load_contract(bundled_file("spec", "admin.yaml"), name="admin", strict=True)
    assert set(contract.operations) - {"getDocument"} == set(HANDLERS)


def test_the_contract_of_an_api_is_told_with_its_overlay(call):
    status, document = call("GET", "/apis/datagrid/contract")
    assert status == 200 and document == call.pipeline.apis["datagrid"].contract.document
    assert "402" in document["paths"]["/user-memories"]["post"]["responses"], "the overlay's"
    status, problem = call("GET", "/apis/datgrid/contract")
    assert status == 404 and "did you mean 'datagrid'?" in problem["detail"]


def test_a_scenario_is_checked_without_being_set(call):
    text = (
        b"version: 1\napi: datagrid\nname: n\nrules:\n  - {id: r, op: Memory.createUserMemry, reply: {status: 500}}\n"
    )
    status, verdict = call.write("POST", "/scenarios/check", text, content_type="application/yaml")
    assert status == 200 and verdict["ok"] is False
    problem = verdict["problems"][0]
    assert (problem["line"], problem["rule"]) == (5, "r") and "did you mean" in problem["message"]
    fine = text.replace(b"Memry", b"Memory")
    assert call.write("POST", "/scenarios/check", fine, content_type="application/yaml")[1]["ok"] is True
    assert call("GET", "/sandboxes/default/scenario")[1]["name"] is None
    assert call("POST", "/scenarios/check", fine, content_type="application/yaml")[0] == 403


def test_scenarios_are_listed_by_the_names_that_can_be_set(call):
    status, listed = call("GET", "/scenarios")
    assert status == 200 and {"name": "out-of-credits", "source": "bundled"} in listed["scenarios"]
    for scenario in listed["scenarios"]:
        assert call.write("PUT", "/sandboxes/default/scenario", {"use": scenario["name"]})[0] == 200


def test_the_schema_of_scenarios_names_what_may_be_written(call):
    status, schema = call("GET", "/scenarios/schema")
    assert status == 200
    known = editor_schema(ScenarioModel)  # pydantic 2.10 tells a default now and then
    assert schema["properties"].keys() == known["properties"].keys() and schema["$defs"].keys() == known["$defs"].keys()
    words = schema["$defs"]["Rule"]["properties"]["sequence"]["anyOf"][0]["items"]["anyOf"][0]["enum"]
    assert words[:2] == ["ok", "rate_limited"]


def test_a_rule_tells_its_counter_and_the_steps_of_its_sequence(call):
    rules = [
        {"id": "steps", "op": "Memory.createUserMemory", "sequence": ["ok", {"fault": {"reset": "before"}}]},
        {"id": "late", "op": "*", "when": {"call": 3}, "reply": "rate_limited"},
    ]
    rules[0]["sequence"] += [{"rate_limited": {}, "fault": {"latency": "1ms"}}, {"set": {"/id": "x"}}]
    assert (
        call.write(
            "PUT", "/sandboxes/default/scenario", {"version": 1, "name": "mine", "api": "datagrid", "rules": rules}
        )[0]
        == 200
    )
    for _ in range(2):
        call.create_memory()
    shown = call("GET", "/sandboxes/default/scenario")[1]["rules"]
    assert [(rule["id"], rule["calls"], rule["fired"], rule["steps"]) for rule in shown] == [
        ("steps", 2, 1, ["ok", "reset", "429, latency", "change"]),
        ("late", 2, 0, []),
    ]


def test_sandboxes_are_found_by_name_and_scenario_and_only_some_are_shown(call):
    for name in ("b-2", "a-1", "b-1"):
        assert call.write("POST", "/sandboxes", {"name": name})[0] == 201
    call.write("PUT", "/sandboxes/a-1/scenario", {"use": "out-of-credits"})

    def listed(**params):
        request = Request("GET", "/__admin/sandboxes", str(httpx.QueryParams(params)), {"host": "localhost"})
        data = json.loads(call.admin.handle(request).content)
        return [sandbox["name"] for sandbox in data["sandboxes"]], data["total"]

    assert listed() == (["default", "a-1", "b-1", "b-2"], 4)
    assert listed(limit=2) == (["default", "a-1"], 4)
    assert listed(text="B-", limit=1) == (["b-1"], 2)
    assert listed(text="credits") == (["a-1"], 1)
    assert listed(text="<b>") == ([], 0)
