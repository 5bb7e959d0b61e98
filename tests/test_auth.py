"""Credentials in every place that OpenAPI knows."""

from __future__ import annotations

import pytest
from contracts import contract

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
        (QUERY, request("key=abc&key=other"), "abc"),
        (COOKIE, request(cookie="a=1; sid=abc"), "abc"),
        (COOKIE, request(cookie='pref={"a":1}; sid=abc'), "abc"),
        (COOKIE, request(cookie="note=two words; sid=abc"), "abc"),
        (COOKIE, request(cookie='sid="abc"'), "abc"),
        (COOKIE, request(cookie="sid=a%20b"), "a b"),
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


def test_a_key_is_not_looked_for_in_a_query_that_is_not_utf_8():
    with pytest.raises(Problem, match="is not UTF-8") as caught:
        authenticate(request("key=%ff"), [(QUERY,)], ())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("credential", "challenge"),
    [
        (Credential("authorization", "basic"), 'Basic realm="shop", charset="UTF-8"'),
        (BEARER, 'Bearer realm="shop"'),
        (TOKEN, 'Token realm="shop"'),
        (HEADER, 'ApiKey realm="shop", in="header", name="X-Key"'),
        (QUERY, 'ApiKey realm="shop", in="query", name="key"'),
        (COOKIE, 'ApiKey realm="shop", in="cookie", name="sid"'),
    ],
)
def test_a_401_has_a_challenge_with_a_realm(credential, challenge):
    with pytest.raises(Problem) as caught:
        authenticate(request(), [(credential,), (credential,)], (), "shop")
    assert caught.value.headers["www-authenticate"] == challenge


def test_a_401_has_a_challenge_for_each_alternative_and_says_that_a_token_is_wrong():
    with pytest.raises(Problem) as caught:
        authenticate(request(authorization="Bearer no"), [(BEARER,), (HEADER,)], (b"k",), 'a"b')
    assert caught.value.headers["www-authenticate"] == (
        'Bearer realm="a\\"b", error="invalid_token", ApiKey realm="a\\"b", in="header", name="X-Key"'
    )


SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "tls": {"type": "mutualTLS"},
    "basic": {"type": "http", "scheme": "Basic"},
    "oidc": {"type": "openIdConnect", "openIdConnectUrl": "https://x"},
    "oauth": {"type": "oauth2", "flows": {}},
}


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ([{"key": []}], ((HEADER,),)),
        ([{"key": []}, {}], ((HEADER,), ())),
        ([{}, {"key": []}], ((HEADER,), ())),
        ([{"tls": []}], ()),
        ([{"tls": [], "key": []}], ((HEADER,),)),
        ([{"oidc": []}, {"oauth": []}], ((BEARER,),)),
        ([{"basic": []}], ((Credential("authorization", "basic"),),)),
        ([], ()),
        ([{}], ()),
        ([{"nobody": []}], ()),
        ([{"nobody": [], "key": []}], ((HEADER,),)),
        ([{"nobody": []}, {"key": []}], ((HEADER,), ())),
        ([{"#/components/securitySchemes/key": []}], ((HEADER,),)),
        ([{"#/components/securitySchemes/nobody": []}], ()),
    ],
)
def test_what_a_document_demands(security, expected):
    made = contract({"/x": {"get": {"security": security}}}, "3.1.0", components={"securitySchemes": SCHEMES})
    assert made.security(made.operations["GET /x"]) == expected


def test_a_key_that_is_optional_is_read_all_the_same():
    optional = [(HEADER,), ()]
    assert authenticate(request(x_key="k"), optional, (b"k",)) == "k"
    assert authenticate(request(x_key="wrong"), optional, (b"k",)) == ""
    assert authenticate(request(), optional, (b"k",)) == ""


def test_a_key_that_is_no_ascii_is_refused_quietly():
    with pytest.raises(Problem):
        authenticate(request(authorization="Bearer \xff\udce9"), [(BEARER,)], (b"k",))
