"""Whatever bytes come in: a refusal that says what is wrong, never a failure of ours."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.apis import Api
from mockserver.contract import load_contract
from mockserver.errors import problem_body
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Terms

PRESS = load_contract(Path(__file__).parent / "documents" / "press-3.0.yaml", strict=False)
PIPELINE = Pipeline([Api("press", PRESS, {}, problem_body)], terms=Terms(journal_size=10))

texts = st.text(st.characters(codec="latin-1"), max_size=20)
types = st.sampled_from(
    [
        "application/xml",
        "text/xml",
        "text/csv",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=B",
        "multipart/form-data; boundary=\xff",
        "text/markdown; charset=utf-16",
        "application/pdf",
    ]
)
codings = st.sampled_from(["gzip", "deflate", "br", "identity", "gzip, br", "x", ",", "deflate,,"])
raw = st.one_of(
    st.binary(max_size=50),
    st.text('-B\r\n:;="<>/a%&?![]{}\x00\xff,1', max_size=50).map(lambda text: text.encode("latin-1")),
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_request_is_a_failure_of_ours(data):
    headers = {"content-type": data.draw(types | texts)}
    for name, values in (("content-encoding", codings), ("cookie", texts), ("prefer", texts), ("authorization", texts)):
        if data.draw(st.integers(0, 3)) == 0:
            headers[name] = data.draw(values)
    query = data.draw(st.sampled_from(["", "pages=", "authors=%ff", "filter[a]=1&filter[a][b]=2"]) | texts)
    method = data.draw(st.sampled_from(["GET", "POST"]))
    exchange = PIPELINE.exchange(Request(method, "/sheets", query, headers, data.draw(raw)))
    assert exchange.status != 500 and not exchange.defect, exchange.defect
    if exchange.status in (400, 413, 415):
        assert orjson.loads(exchange.response.content)["detail"]


@pytest.mark.parametrize(
    ("query", "content_type", "body", "place"),
    [
        ("pages=%ff", "", b"", "query pages"),
        ("", "application/x-www-form-urlencoded", b"copies=%ff", "copies"),
        ("", "application/x-ndjson", b'{"title": "a"}\n\xff', "line 2"),
        ("", "application/xml", b"<a>\xff</a>", "line 1 column"),
        ("", "text/csv", b"title\n\xff\n", "byte 6"),
        ("", "multipart/form-data; boundary=B", b"no boundary", "boundary"),
    ],
)
def test_a_refusal_names_the_place(query, content_type, body, place):
    request = Request("POST" if body else "GET", "/sheets", query, {"content-type": content_type}, body)
    exchange = PIPELINE.exchange(request)
    assert exchange.status == 400 and place in orjson.loads(exchange.response.content)["detail"]
