"""The hint of a 404: what it names among a thousand paths, and that few of them are compared for it."""

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
