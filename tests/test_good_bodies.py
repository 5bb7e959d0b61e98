"""A long body whose text was found good is not validated again; anything else is."""

from __future__ import annotations

import pytest

from mockserver.apis import Api
from mockserver.contract.responses import LEAST_BODY, MAX_GOOD_BODIES
from mockserver.messages import Request, Response
from mockserver.pipeline.pipeline import Pipeline
from mockserver.text.jsontext import to_json

DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/texts": {
            "get": {
                "operationId": "list",
                "responses": {
                    "200": {
                        "description": "texts",
                        "headers": {"X-Count": {"schema": {"type": "integer", "minimum": 0}}},
                        "content": {
                            "application/json": {"schema": {"type": "array", "items": {"type": "string"}}},
                        },
                    }
                },
            }
        }
    },
}
LONG = ["x" * LEAST_BODY]


@pytest.fixture
def declared():
    return Api.from_openapi(DOCUMENT, name="texts").contract.operations["list"].response(200)


@pytest.fixture
def validated(declared, monkeypatch):
    """The data that was validated."""
    seen = []
    reading = declared.bodies["application/json"]
    accepts = reading.accepts
    monkeypatch.setattr(reading, "accepts", lambda data: seen.append(data) or accepts(data))
    return seen


def accepted(declared, data, headers=()):
    return declared.accepts(Response(200, data, dict(headers)), to_json(data))


def test_a_text_is_validated_once(declared, validated):
    assert [accepted(declared, list(LONG)) for _ in range(3)] == [True] * 3
    assert len(validated) == 1


def test_another_text_of_the_same_length_is_validated(declared, validated):
    assert accepted(declared, LONG)
    assert accepted(declared, ["y" * LEAST_BODY]) and len(validated) == 2
    wrong = [10 ** (LEAST_BODY + 1)]
    assert len(to_json(wrong)) == len(to_json(LONG)) and not accepted(declared, wrong)
    assert not accepted(declared, wrong)


def test_short_bodies_and_those_that_nobody_wrote_are_always_validated(declared, validated):
    for _ in range(2):
        assert accepted(declared, ["short"]) and declared.accepts(Response(200, LONG, {}))
    assert len(validated) == 4


def test_few_texts_are_remembered(declared, validated):
    for size in range(MAX_GOOD_BODIES * 3):
        assert accepted(declared, ["x" * (LEAST_BODY + size)])
    assert len(declared._good_bodies) <= MAX_GOOD_BODIES


@pytest.mark.parametrize(
    ("text", "is_good"),
    [("0", True), ("7", True), ("123456789012345", True), ("01", False), ("-1", False), ("1.5", False), ("", False)],
)
def test_counts_in_headers(declared, text, is_good):
    for _ in range(2):
        assert accepted(declared, [], {"x-count": text}) is is_good
        assert not accepted(declared, [], {"x-count": "²"})


def test_a_row_that_a_behaviour_spoils_is_found_although_its_page_was_good_before():
    api, rows = Api.from_openapi(DOCUMENT, name="texts"), list(LONG)
    api.operation("list")(lambda call: rows)
    pipeline, request = Pipeline([api]), Request("GET", "/texts")
    assert [pipeline.handle(request).status for _ in range(2)] == [200, 200]
    rows.append(5)
    assert pipeline.handle(request).status == 500
    rows.pop()
    assert pipeline.handle(request).status == 200


@pytest.mark.parametrize("value", [{1, 2}, object()])
def test_what_cannot_be_written_is_a_defect_with_a_reason(value):
    api = Api.from_openapi(DOCUMENT, name="texts")
    api.operation("list")(lambda call: Response(200, [value]))
    exchange = Pipeline([api]).exchange(Request("GET", "/texts"))
    assert exchange.status == 500 and "list" in exchange.defect
