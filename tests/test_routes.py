"""Which API and operation a path means, and the hint of a 404: few of a thousand paths are compared for it."""

from __future__ import annotations

import difflib

import orjson
import pytest
from contracts import contract

from mockserver.apis import Api
from mockserver.errors import MAX_COMPARED, nearest
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline

WORDS = ["invoices", "customers", "orders", "carts", "users", "teams", "files", "events", "hooks", "keys"]
PATHS = [f"/{a}/{{id}}/{b}/{c}" for a in WORDS for b in WORDS for c in WORDS]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    node = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
    servers = [{"url": "https://example.com/v2"}]
    return Pipeline([Api("test", contract({path: {"get": dict(node)} for path in PATHS}, servers=servers))])


@pytest.fixture
def compared(monkeypatch) -> list[int]:
    """How many names each search compares."""
    found: list[int] = []
    close = difflib.get_close_matches

    def noted(word, names, *args, **kwargs):
        found.append(len(names))
        return close(word, names, *args, **kwargs)

    monkeypatch.setattr(difflib, "get_close_matches", noted)
    return found


@pytest.mark.parametrize(
    ("path", "likest"),
    [
        ("/users/7/orders/fils", "/v2/users/{id}/orders/files"),
        ("/v2/users/7/orders/fils", "/v2/users/{id}/orders/files"),
        ("/user/7/orders/files", "/v2/users/{id}/orders/files"),
        ("/keys/7/hooks", "/v2/keys/{id}/hooks/keys"),
        ("/teams/7/carts/keys/more", "/v2/teams/{id}/carts/keys"),
    ],
)
def test_the_likest_path_is_named_and_few_are_compared(pipeline, compared, path, likest):
    reply = orjson.loads(pipeline.handle(Request("GET", path, "", {}, b"")).content)
    assert f"did you mean '{likest}" in reply["detail"]
    assert compared and max(compared) <= MAX_COMPARED


@pytest.mark.parametrize("path", ["/", "/" + "x/" * 5000, "/%00", "/~", "/" + "é" * 300, "/{id}/{id}/{id}/{id}"])
def test_any_path_at_all_is_compared_with_few(pipeline, compared, path):
    assert pipeline.handle(Request("GET", path, "", {}, b"")).status == 404
    assert max(compared, default=0) <= MAX_COMPARED


def test_of_very_many_names_those_are_compared_that_begin_alike(compared):
    names = [f"sandbox-{n}" for n in range(10_000)] + ["checkout-1"]
    assert nearest("checkout-2", names) == "checkout-1"
    assert nearest("sandbox-77x", names) is not None
    assert max(compared) <= MAX_COMPARED


def answers(*apis: tuple[str, list[str]]) -> Pipeline:
    """A pipeline over APIs, given by name with their paths; each operation answers its API and path."""

    def item(text: str) -> dict:
        return {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"example": text}}}}}}

    return Pipeline([Api(name, contract({path: item(f"{name} {path}") for path in paths})) for name, paths in apis])


def got(pipeline: Pipeline, path: str) -> object:
    response = pipeline.handle(Request("GET", path, "", {}, b""))
    return response.data if response.status == 200 else response.status


def test_the_root_is_a_path_as_any_other():
    one = answers(("shop", ["/", "/health"]))
    assert [got(one, path) for path in ("/", "/health", "/shop", "/shop/", "/nowhere")] == [
        "shop /",
        "shop /health",
        "shop /",
        "shop /",
        404,
    ]
    assert got(answers(("shop", ["/health"])), "/") == 404


def test_a_path_that_begins_with_the_name_of_an_api_may_be_another_ones():
    two = answers(("orders", ["/list"]), ("shop", ["/orders/open", "/list"]))
    assert got(two, "/orders/list") == "orders /list", "the API that is named goes before"
    assert got(two, "/orders/open") == "shop /orders/open"
    assert got(two, "/shop/orders/open") == "shop /orders/open"
    assert got(answers(("orders", ["/orders", "/orders/{id}"])), "/orders/7") == "orders /orders/{id}"


def test_what_no_api_knows_is_the_named_ones_404():
    pipeline = answers(("orders", ["/list"]), ("shop", ["/open"]))
    exchange = pipeline.exchange(Request("GET", "/shop/opne", "", {}, b""))
    assert (exchange.api, exchange.status) == ("shop", 404)
    assert "did you mean '/open'" in exchange.response.data["detail"]
    assert pipeline.exchange(Request("PUT", "/shop/open", "", {}, b"")).status == 405
