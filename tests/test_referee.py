"""The second opinion: openapi-core beside the engine, and the bytes of a response beside its value."""

from __future__ import annotations

import orjson
import pytest

from mockserver.contract import Checked, Operation
from mockserver.contract.reference.oracle import Oracle
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.scenarios import parse_scenario

HEADERS = {"authorization": "Bearer k", "content-type": "application/json"}
GOOD, BAD = b'{"agent_id": "a", "memory": "m"}', b'{"agent_id": "a"}'


def create(pipeline, body=GOOD):
    return pipeline.exchange(Request("POST", "/v1/user-memories", "", HEADERS, body))


@pytest.mark.parametrize("mode", ["on-reject", "always"])
def test_where_both_agree_there_is_nothing_to_tell(apis, mode):
    pipeline = Pipeline(apis, checks=Checks(oracle=mode))
    id = orjson.loads(create(pipeline).response.content)["id"]
    for method, path, query in (
        ("GET", "/v1/user-memories", "limit=5"),
        ("GET", "/v1/user-memories", "limit=%2B5"),  # a deviation that is meant
        ("GET", "/v1/user-memories", "limit=0"),
        ("DELETE", f"/v1/user-memories/{id}", ""),
        ("DELETE", "/v1/user-memories/gone", ""),
        ("GET", "/v1/nowhere", ""),
        ("PATCH", "/v1/user-memories", ""),
        ("GET", "/v1/ping/", ""),
    ):
        exchange = pipeline.exchange(Request(method, path, query, HEADERS))
        assert not exchange.defect, exchange.defect
    for body in (BAD, b"{", b"", b"[]"):
        assert create(pipeline, body).defect == ""


def test_what_openapi_core_refuses_and_we_do_not_is_a_defect(apis, monkeypatch):
    monkeypatch.setattr(Operation, "check_request", lambda self, request, values: Checked({}, orjson.loads(GOOD)))
    exchange = create(Pipeline(apis, checks=Checks(oracle="always")), BAD)
    assert exchange.status == 201, "the client is answered all the same"
    assert exchange.defect.startswith(
        "openapi-core disagrees on the request: the engine accepts what openapi-core refuses: "
    )
    assert "memory" in exchange.defect
    assert not create(Pipeline(apis, checks=Checks(oracle="on-reject")), BAD).defect, "it is asked about refusals only"


@pytest.mark.parametrize("mode", ["on-reject", "always"])
def test_what_we_refuse_and_openapi_core_does_not_is_a_defect(apis, monkeypatch, mode):
    monkeypatch.setattr(Oracle, "request_faults", lambda *args: [])
    exchange = create(Pipeline(apis, checks=Checks(oracle=mode)), BAD)
    assert exchange.status == 400
    assert "openapi-core accepts what the engine refuses: memory: is required and missing" in exchange.defect


def test_responses_are_validated_too(apis, monkeypatch):
    monkeypatch.setattr(Oracle, "response_faults", lambda *args: ["oh"])
    exchange = create(Pipeline(apis, checks=Checks(oracle="always")))
    assert exchange.defect == (
        "openapi-core disagrees on the response: the engine accepts what openapi-core refuses: oh"
    )


def test_a_response_that_breaks_the_contract_on_purpose_is_agreed_on(apis):
    pipeline = Pipeline(apis, checks=Checks(oracle="always", verify_wire=True))
    text = (
        "version: 1\nname: x\napi: datagrid\nrules:\n"
        "  - {id: r, op: Memory.createUserMemory, reply: {status: 201, body: {}}, violates: why}\n"
        "  - {id: t, op: Memory.listUserMemory, fault: {body: {truncate: 0.5}}, violates: why}\n"
    )
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "x.yaml"))
    assert create(pipeline).defect == ""
    assert pipeline.exchange(Request("GET", "/v1/user-memories", "", HEADERS)).defect == ""


def test_the_bytes_that_leave_are_read_again(apis, monkeypatch):
    monkeypatch.setattr("mockserver.pipeline.response.to_json", lambda value: b'{"remaining": 1, "total": "many"}')
    ask = Request("GET", "/v1/organization/credits", "", HEADERS)
    assert Pipeline(apis).exchange(ask).status == 200, "the value was right"
    exchange = Pipeline(apis, checks=Checks(verify_wire=True)).exchange(ask)
    assert exchange.status == 500
    assert "breaks the contract" in exchange.defect
    assert {violation.pointer for violation in exchange.violations} == {"/consumed", "/total"}
    monkeypatch.setattr("mockserver.pipeline.response.to_json", lambda value: b"{,")
    exchange = Pipeline(apis, checks=Checks(verify_wire=True)).exchange(ask)
    assert exchange.status == 500 and exchange.violations[0].side == "server"
