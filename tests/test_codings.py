"""Content-Encoding of requests: undone once, within bounds, before anything looks at the body."""

from __future__ import annotations

import gzip
import zlib

import brotli
import orjson
import pytest
from contracts import contract
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.apis import Api
from mockserver.errors import problem_body
from mockserver.messages import Request
from mockserver.pipeline import codings
from mockserver.pipeline.codings import decoded
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Terms
from mockserver.scenarios import parse_scenario

BODY = b'{"agent_id": "a", "memory": "likes tea"}'
MOST = 1000


def raw_deflate(data):
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


CODERS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}


def coded(body, coding):
    return Request("POST", "/x", "", {"content-encoding": coding}, body)


@pytest.mark.parametrize(("coding", "encode"), [*CODERS.items(), ("deflate", raw_deflate), ("GZip", gzip.compress)])
def test_a_body_is_decoded(coding, encode):
    request = decoded(coded(encode(BODY), coding), MOST)
    assert (request.body, request.refusal, request.too_large) == (BODY, None, False)


@settings(deadline=None)
@given(st.binary(max_size=MOST), st.lists(st.sampled_from([*CODERS]), min_size=1, max_size=4))
def test_codings_are_undone_from_the_last_to_the_first(body, applied):
    sent = body
    for coding in applied:
        sent = CODERS[coding](sent)
    request = decoded(coded(sent, ", ".join(applied)), MOST + 200)
    assert request.body == body and request.refusal is None


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([*CODERS]))
def test_no_bytes_raise_anything(body, coding):
    request = decoded(coded(body, coding), MOST)
    assert request.refusal is None or request.refusal.status == 400


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_what_grows_beyond_the_bound_is_too_large_and_what_just_fits_is_not(coding):
    request = decoded(coded(CODERS[coding](b"a" * 50_000_000), coding), MOST)
    assert request.too_large and request.body == b""
    assert decoded(coded(CODERS[coding](b"a" * MOST), coding), MOST).body == b"a" * MOST
    twice = CODERS[coding](CODERS[coding](b"a" * 50_000_000))
    assert decoded(coded(twice, f"{coding}, {coding}"), MOST).too_large


def test_members_of_a_gzip_file_count_together():
    several = gzip.compress(b"a" * 600) + gzip.compress(b"b") + b"\0" * 8
    assert decoded(coded(several, "gzip"), MOST).body == b"a" * 600 + b"b"
    assert decoded(coded(gzip.compress(b"a" * 600) * 2, "gzip"), MOST).too_large


@pytest.mark.parametrize(
    ("coding", "body", "message"),
    [
        ("gzip", BODY, "is not valid gzip"),
        ("gzip", gzip.compress(BODY)[:-9], "it is cut off"),
        ("gzip", gzip.compress(BODY) + b"x", "is not valid gzip"),
        ("deflate", b"\xff" * 9, "is not valid deflate"),
        ("deflate", zlib.compress(BODY) + b"x", "something comes behind its end"),
        ("br", BODY, "is not valid br"),
        ("br", brotli.compress(BODY * 9)[:-4], "is not valid br"),
    ],
    ids=["no gzip", "gzip cut", "gzip and more", "no deflate", "deflate and more", "no br", "br cut"],
)
def test_what_is_not_of_its_coding_is_400(coding, body, message):
    request = decoded(coded(body, coding), MOST)
    assert request.refusal.status == 400 and message in request.refusal.message
    assert request.body == body


@pytest.mark.parametrize("coding", ["zstd", "gzip, compress", "gzip, gzip, gzip, gzip, gzip", "nonsense"])
def test_an_unknown_coding_is_415_and_says_what_is_taken(coding):
    refusal = decoded(coded(BODY, coding), MOST).refusal
    assert (refusal.status, refusal.headers) == (415, {"accept-encoding": "gzip, deflate, br"})


@pytest.mark.parametrize("coding", ["", "identity", " , "])
def test_no_coding_leaves_the_request_alone(coding):
    request = coded(BODY, coding)
    assert decoded(request, MOST) is request


def test_without_its_package_brotli_is_unknown(monkeypatch):
    monkeypatch.delitem(codings._DECODERS, "br")
    monkeypatch.setattr(codings, "ACCEPTED", ("gzip", "deflate"))
    refusal = decoded(coded(brotli.compress(BODY), "br"), MOST).refusal
    assert (refusal.status, refusal.headers) == (415, {"accept-encoding": "gzip, deflate"})


HEADERS = {"authorization": "Bearer k", "content-type": "application/json", "content-encoding": "gzip"}


def post(pipeline, body, **headers):
    return pipeline.exchange(Request("POST", "/v1/user-memories", "", {**HEADERS, **headers}, body))


def test_behaviour_rules_and_journal_see_the_decoded_body(make_pipeline):
    pipeline = make_pipeline()
    rule = "{id: r, op: Memory.createUserMemory, when: {body: {agent_id: b}}, reply: {rate_limited: {}}}"
    text = f"version: 1\nname: x\napi: datagrid\nrules: [{rule}]\n"
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "x.yaml"))
    exchange = post(pipeline, gzip.compress(BODY))
    assert exchange.status == 201 and orjson.loads(exchange.response.content)["memory"] == ["likes tea"]
    assert post(pipeline, gzip.compress(BODY.replace(b'"a"', b'"b"'))).rule == "r"
    assert next(iter(pipeline.sandbox.exchanges())).request.body == BODY


def test_refusals_come_where_the_body_is_read(make_pipeline):
    pipeline = make_pipeline(keys=("k",))
    assert post(pipeline, BODY).status == 400
    assert post(pipeline, gzip.compress(b'{"agent_id": 5}')).status == 400
    assert post(pipeline, gzip.compress(b" " * 20_000_000)).status == 413
    exchange = post(pipeline, BODY, **{"content-encoding": "zstd"})
    assert exchange.status == 415 and "accept-encoding" in exchange.response.headers
    assert post(pipeline, BODY, authorization="Bearer wrong").status == 401, "the key is looked at before"


def test_a_request_that_is_sent_again_is_decoded_again(make_pipeline):
    pipeline = make_pipeline()
    request = Request("POST", "/v1/user-memories", "", HEADERS, gzip.compress(BODY))
    assert [pipeline.handle(request).status for _ in range(2)] == [201, 201]


def test_an_operation_without_a_body_ignores_its_coding():
    api = Api("t", contract({"/x": {"get": {}}}), {}, problem_body)
    pipeline = Pipeline([api], terms=Terms())
    assert pipeline.handle(Request("GET", "/x", "", {"content-encoding": "zstd"}, b"x")).status == 200
