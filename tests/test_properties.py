"""Whatever a client sends, the response passes the contract or is a declared error. Never a 500."""

from __future__ import annotations

import json
import re
import string
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.contract.samples import Sampler
from mockserver.journal.logs import json_line, text_line
from mockserver.messages import Limit, Request

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
content_types = st.sampled_from(
    [
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "",
        ";",
        "application/*",
        "multipart/form-data",
    ]
)
PREFERENCES = ["", "code=429", "code=200", "code=201", "dynamic=true", "example=x", "code=999", "return=minimal"]


def dumps(value) -> bytes:
    """JSON with integers of any size, which orjson does not write."""
    return json.dumps(value).encode()


@st.composite
def requests(draw, operations):
    """A request near some operation: often valid, often broken in one place, sometimes noise."""
    api, operation = draw(st.sampled_from(operations))
    path = api.contract.base_path + operation.path
    for variable in re.findall(r"\{[^}]+\}", path):
        value = draw(st.sampled_from(["x", "user", "id/with space?", "é", "%"]) | st.text(max_size=10))
        path = path.replace(variable, quote(value, safe=""), 1)
    names = [p.name for p in operation.parameters if p.place == "query"] + ["user_id", "x"]
    values = st.sampled_from(["1", "0", "101", "abc", "", "-1", "u"]) | st.text(string.printable, max_size=6)
    query = "&".join(
        f"{quote(name)}={quote(value)}"
        for name, value in draw(st.lists(st.tuples(st.sampled_from(names), values), max_size=3))
    )
    body = b""
    if "requestBody" in operation.node:
        schema = operation.node["requestBody"]["content"]["application/json"]["schema"]
        sample = Sampler(api.contract._refs).value(schema)
        if isinstance(sample, dict) and draw(st.booleans()):
            sample = {**sample, **draw(st.dictionaries(st.sampled_from([*sample, "extra"]), json_values, max_size=2))}
        body = draw(st.one_of(st.just(dumps(sample)), json_values.map(dumps), st.binary(max_size=40)))
    headers = {
        "authorization": draw(st.sampled_from(["Bearer k", "Bearer k", "Bearer k", "Token k", "Basic k", ""])),
        "content-type": draw(st.just("application/json") | content_types),
        "datagrid-teamspace": draw(st.sampled_from(["", "ts"])),
        "prefer": draw(st.sampled_from(PREFERENCES)),
    }
    method = draw(st.sampled_from([operation.method, operation.method, operation.method, "PATCH", "GET"]))
    return Request(method, f"/{api.name}{path}", query, headers, body)


@pytest.mark.parametrize("terms", [{}, {"credits": 3, "limit": Limit(5)}, {"stateless": True}], ids=str)
def test_every_response_passes_the_contract_or_is_a_declared_error(apis, make_pipeline, terms):
    operations = [(api, operation) for api in apis for operation in api.contract.operations.values()]
    pipeline = make_pipeline(**{"limit": None, **terms})

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(requests(operations))
    def check(request):
        exchange = pipeline.exchange(request)
        assert exchange.defect == ""
        assert 200 <= exchange.status < 500
        assert not [v for v in exchange.violations if v.side != "client"]
        if not exchange.operation:
            assert exchange.status in (404, 405)
            return
        operation = pipeline.apis[exchange.api].contract.operations[exchange.operation]
        assert str(exchange.status) in operation.declared
        assert operation.check_response(exchange.response) == []
        if exchange.response.media_type == "application/json":
            assert orjson.loads(exchange.response.content) == exchange.response.data, "what leaves is what was checked"

    check()
    assert pipeline.sandbox.store.balance().remaining >= 0


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=8),
    st.text(max_size=40),
    st.text(max_size=40),
    st.dictionaries(
        st.sampled_from(["authorization", "prefer", "content-type", "cookie", "host"]), st.text(max_size=20)
    ),
    st.binary(max_size=60),
)
def test_noise_is_answered_too(apis, method, path, query, headers, body):
    from mockserver.pipeline.pipeline import Pipeline

    exchange = Pipeline(apis).exchange(Request(method, path, query, headers, body))
    assert exchange.defect == ""
    assert 200 <= exchange.status < 500
    assert text_line(exchange, 0.0).count("\n") == json_line(exchange, 0.0).count("\n") == 1
