"""A sample repeats what the request says: members of the same name, as far as the contract takes them."""

from __future__ import annotations

from typing import Any

import pytest
from test_resources import Client, answer, body, query

TEXT = {"type": "string"}
SENT = {
    "type": "object",
    "required": ["model", "text"],
    "properties": {"model": TEXT, "text": TEXT, "topK": {"type": "integer"}, "password": TEXT, "note": TEXT},
}


def document(shown: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """One operation that is nobody's resource, as a POST and as a GET."""
    row = {"type": "object", "required": ["model", *required], "properties": shown}
    search = {"operationId": "search", "parameters": [query("page", "integer"), query("note")]}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Echo", "version": "1"},
        "paths": {
            "/embed": {"post": {"operationId": "embed", "requestBody": body(SENT), "responses": {"200": answer(row)}}},
            "/search": {"get": {**search, "responses": {"200": answer(row)}}},
        },
    }


def test_members_of_the_same_name_are_as_they_were_sent() -> None:
    client = Client(document({"model": TEXT, "top_k": {"type": "integer"}, "vector": {"type": "array", "items": TEXT}}))
    sent = {"model": "m-1", "text": "tea", "topK": 7}
    made = client.data("POST", "/embed", sent)
    assert (made["model"], made["top_k"]) == ("m-1", 7) and "text" not in made
    assert sent == {"model": "m-1", "text": "tea", "topK": 7}


def test_what_was_not_sent_is_sampled() -> None:
    made = Client(document({"model": TEXT, "note": {**TEXT, "example": "so it is"}})).data(
        "POST", "/embed", {"model": "m-1", "text": "tea"}
    )
    assert made == {"model": "m-1", "note": "so it is"}


@pytest.mark.parametrize("model", [{"type": "integer"}, {**TEXT, "enum": ["small"]}, {**TEXT, "maxLength": 2}])
def test_what_the_contract_does_not_take_stays_as_the_sample_has_it(model: Any) -> None:
    made = Client(document({"model": model})).data("POST", "/embed", {"model": "m-1", "text": "tea"})
    assert made["model"] != "m-1"


def test_what_is_never_shown_is_not_repeated() -> None:
    made = Client(document({"model": TEXT, "password": {**TEXT, "writeOnly": True}})).data(
        "POST", "/embed", {"model": "m-1", "text": "tea", "password": "hush"}
    )
    assert "hush" not in str(made)


def test_parameters_are_repeated_with_their_types() -> None:
    made = Client(document({"model": TEXT, "page": {"type": "integer"}})).data("GET", "/search?page=3")
    assert made["page"] == 3


def test_each_item_of_a_stream_repeats_them() -> None:
    asked = document({"model": TEXT})
    item = {"type": "object", "required": ["model", "delta"], "properties": {"model": TEXT, "delta": TEXT}}
    stream = {"description": "A stream.", "content": {"text/event-stream": {"schema": item}}}
    asked["paths"]["/embed"]["post"]["responses"] = {"200": stream}
    made = Client(asked).data("POST", "/embed", {"model": "m-1", "text": "tea"})
    assert [item["model"] for item in made] == ["m-1"]


def test_a_stateless_server_repeats_nothing() -> None:
    client = Client(document({"model": TEXT}), unknown_ids=None)
    assert client.data("POST", "/embed", {"model": "m-1", "text": "tea"}) == {"model": "model"}
