"""Credentials in every place that OpenAPI knows."""

from __future__ import annotations

import pytest

from mockserver.contract import Credential
from mockserver.errors import Problem
from mockserver.messages import Request
from mockserver.pipeline.auth import authenticate

BEARER = Credential("authorization", "bearer")
TOKEN = Credential("authorization", "token")
HEADER = Credential("header", "X-Key")
QUERY = Credential("query", "key")
COOKIE = Credential("cookie", "sid")


def request(query="", **headers):
    return Request("GET", "/", query, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("credential", "given", "key"),
    [
        (BEARER, request(authorization="Bearer abc"), "abc"),
        (BEARER, request(authorization="bearer abc"), "abc"),
        (BEARER, request(authorization="Bearer My API Key"), "My API Key"),
        (TOKEN, request(authorization="Token abc"), "abc"),
        (HEADER, request(x_key="abc"), "abc"),
        (QUERY, request("a=1&key=a%20b"), "a b"),
        (COOKIE, request(cookie="a=1; sid=abc"), "abc"),
    ],
)
def test_a_key_is_found(credential, given, key):
    assert authenticate(given, [(credential,)], ()) == key
    assert authenticate(given, [(credential,)], (b"other", key.encode())) == key
    with pytest.raises(Problem, match="not a valid one") as caught:
        authenticate(given, [(credential,)], (b"other",))
    assert key not in str(caught.value)


@pytest.mark.parametrize("credential", [BEARER, TOKEN, HEADER, QUERY, COOKIE])
def test_no_key_is_401_and_says_where_it_goes(credential):
    with pytest.raises(Problem, match="No API key was given; send") as caught:
        authenticate(request(), [(credential,)], ())
    assert credential.name.lower() in str(caught.value).lower()
    assert caught.value.status == 401


def test_one_alternative_is_enough_but_all_of_it():
    both = [(HEADER, QUERY), (BEARER,)]
    assert authenticate(request("key=q", x_key="h"), both, ()) == "h"
    assert authenticate(request(authorization="Bearer b"), both, ()) == "b"
    with pytest.raises(Problem):
        authenticate(request(x_key="h"), both, ())
    with pytest.raises(Problem):
        authenticate(request("key=wrong", x_key="h"), both, (b"h",))


def test_an_open_operation_asks_for_nothing():
    assert authenticate(request(), (), (b"k",)) == ""


def test_a_key_that_is_no_ascii_is_refused_quietly():
    with pytest.raises(Problem):
        authenticate(request(authorization="Bearer \xff\udce9"), [(BEARER,)], (b"k",))
