"""What the journal keeps of an exchange, and what it shows of it."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.journal import entries
from mockserver.journal.entries import MAX_BODY, decode, decode_all, encode
from mockserver.messages import Exchange, Headers, Request, Response, Violation

words = st.text(max_size=5)
headers = st.dictionaries(st.sampled_from(["host", "x-a", "x-b"]), words, max_size=3)
violations = st.builds(Violation, st.sampled_from(["client", "server", "upstream", "declared"]), *[words] * 5)
changes = st.tuples(st.sampled_from(["added", "changed", "removed"]), words, words)
exchanges = st.builds(
    Exchange,
    st.builds(Request, words, words, words, headers, st.binary(max_size=20)),
    st.floats(0, 1e11),
    response=st.none()
    | st.builds(
        Response,
        st.integers(0, 599),
        headers=headers,
        media_type=st.none() | words,
        content=st.none() | st.binary(max_size=20),
    ),
    api=words,
    operation=words,
    sandbox=words,
    stage=words,
    reason=words,
    traceback=words,
    violations=st.lists(violations, max_size=2),
    replied_at=st.none() | st.floats(0, 1e11),
    duration=st.floats(0, 9),
    rule=words,
    rule_at=words,
    violates=words,
    charged=st.integers(0, 5) | st.floats(0, 5),
    committed=st.booleans(),
    changes=st.lists(changes, max_size=2),
    changed=st.integers(0, 5),
    lost=words,
    faults=st.lists(words, max_size=2),
    defect=words,
).filter(
    lambda exchange: (
        (exchange.rule or not (exchange.rule_at or exchange.violates or exchange.faults))
        and (exchange.defect or not exchange.traceback)
    )
)
"""Only a rule has a place, breaks the contract on purpose, or does faults; only a defect has a traceback."""


def facts(exchange: Exchange) -> dict:
    found = {field.name: getattr(exchange, field.name) for field in fields(Exchange) if field.name != "response"}
    response = exchange.response
    answered = response and (response.status, response.headers, response.media_type, response.content or b"")
    found["faults"] = list(exchange.faults)
    return {**found, "response": answered}


def written(value):
    """Text as an entry holds it: half a surrogate pair is no character and is spelled out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Violation):
        return Violation(*map(written, (getattr(value, name) for name in value.__slots__)))
    if isinstance(value, Request):
        return Request(*map(written, (value.method, value.path, value.query, value.headers, value.body)))
    if isinstance(value, dict):
        return {written(key): written(item) for key, item in value.items()}
    return type(value)(map(written, value)) if isinstance(value, list | tuple) else value


@given(exchanges, st.integers(1, 10**6))
def test_an_entry_says_all_that_the_exchange_said(exchange, number):
    entry = decode(encode(exchange), number)
    exchange.number = number
    assert facts(entry) == written(facts(exchange))


def test_only_the_beginning_of_a_long_body_is_kept():
    body, content = b"a" * (MAX_BODY + 1), b"\x00" * (MAX_BODY + 1)
    entry = decode(encode(Exchange(Request("POST", "/", body=body), 0.0, response=Response(200, content=content))), 1)
    assert entry.request.body == body[:MAX_BODY]
    assert entry.response.content == content[:MAX_BODY]


@pytest.mark.parametrize("name", ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-mockserver-admin"])
def test_secrets_are_masked_and_the_request_keeps_them(name):
    request = Request("GET", "/", headers={name: "Bearer s3cret", "x-other": "seen"})
    entry = encode(Exchange(request, 0.0))
    assert b"s3cret" not in entry
    assert decode(entry, 1).request.headers == {name: "Bearer ***", "x-other": "seen"}
    assert request.headers[name] == "Bearer s3cret"
    assert b"s3cret" not in encode(Exchange(Request("GET", "/", headers={name: "s3cret"}), 0.0))


def test_an_exchange_has_no_other_facts():
    with pytest.raises(TypeError, match="'opration'"):
        Exchange(Request("GET", "/"), 0.0, opration="x")
    with pytest.raises(AttributeError, match="'opration'"):
        Exchange(Request("GET", "/"), 0.0).opration = "x"


def test_every_fact_of_an_exchange_is_kept_but_its_number():
    kept = {"request", "response", "number", *entries._FIELDS, *entries._RARE}
    assert {field.name for field in fields(Exchange)} == kept


def test_entries_of_another_version_are_left_out_and_the_log_says_so_once(caplog, monkeypatch):
    monkeypatch.setattr(entries, "_warned", False)
    own = encode(Exchange(Request("GET", "/"), 0.0))
    for _ in range(2):
        read = decode_all([(1, b'[2,["GET","/"]]\0'), (2, own), (3, b"9" + own[1:])])
        assert [exchange.number for exchange in read] == [2]
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "2 entries of a journal were written by another version of mockserver and are left out"
    ]


def test_repeated_headers_keep_their_lines():
    sent = Headers.of({"x-a": ["1", "2"], "host": "h"})
    answered = Headers.of({"set-cookie": ["a=1", "b=2"]})
    exchange = Exchange(Request("GET", "/", headers=sent), 0.0, Response(200, headers=answered))
    entry = decode(encode(exchange), 1)
    assert entry.request.headers.pairs() == sent.pairs()
    assert entry.response.headers.pairs() == answered.pairs()
