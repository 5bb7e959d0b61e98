"""Attempts are linked into calls, and a client's way of retrying is validated as it was."""

from __future__ import annotations

import itertools
from email.utils import formatdate

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import UserError
from mockserver.journal.retries import RETRY_RULES, Attempt, annotate, asked_to_wait, validate, verdicts
from mockserver.messages import Exchange, Request, Response

START = 1_767_225_600.0
OP = "Memory.createUserMemory"


def attempt(number, at, status=201, *, count=None, body=b"{}", charged=0, lost="", operation=OP, **headers):
    """An exchange `at` seconds after the start; keywords with underscores are headers of the response."""
    request = Request("POST", "/v1/user-memories", body=body)
    if count is not None:
        request.headers["x-stainless-retry-count"] = str(count)
    reply = {name.replace("_", "-"): value for name, value in headers.items()}
    return Exchange(
        request,
        START + at,
        api="datagrid",
        operation=operation,
        response=Response(status, headers=reply),
        number=number,
        charged=charged,
        committed=status < 300,
        lost=lost,
    )


def only(exchanges):
    (verdict,) = verdicts(exchanges)
    return verdict


# -- what a response asked ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({}, None),
        ({"retry_after": "2"}, 2),
        ({"retry_after": " 1.5 "}, 1.5),
        ({"retry_after": "61"}, 61),
        ({"retry_after": "0"}, None),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "1_0"}, None),
        ({"retry_after": "1e999"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": formatdate(START + 12, usegmt=True)}, 2),
        ({"retry_after": formatdate(START + 12)}, 2),
        ({"retry_after": formatdate(START + 10, usegmt=True)}, None),
        ({"retry_after": formatdate(START - 60, usegmt=True)}, None),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after_ms": "250.5", "retry_after": "9"}, 0.2505),
        ({"retry_after_ms": "x", "retry_after": "9"}, 9),
        ({"retry_after_ms": "0", "retry_after": "9"}, None),
    ],
)
def test_what_a_response_asks_is_read_as_clients_read_it(headers, asked):
    assert asked_to_wait(attempt(1, 10, 429, **headers)) == asked


def test_a_response_that_was_lost_asks_nothing():
    assert asked_to_wait(attempt(1, 0, 429, lost="reset_before", retry_after="2")) is None
    assert asked_to_wait(Exchange(Request("GET", "/"), START)) is None


@given(st.text(max_size=30) | st.text("0123456789-+.eE ", max_size=8))
def test_no_header_upsets_it(text):
    asked = asked_to_wait(attempt(1, 0, 429, retry_after=text))
    assert asked is None or 0 < asked < float("inf")


# -- attempts of one call ----------------------------------------------------------------------


def test_attempts_of_one_call_are_linked():
    journal = [
        attempt(1, 0, 429, retry_after="2"),
        attempt(2, 0.51, 503),
        attempt(3, 1.5, 201),
        attempt(4, 1.6, 201),
    ]
    assert annotate(journal) == {
        1: Attempt(1),
        2: Attempt(2, of=1, waited=0.51, retry_after=2, early_by=1.49),
        3: Attempt(3, of=2, waited=0.99),
        4: Attempt(1),
    }


@pytest.mark.parametrize("status", [402, 408, 409, 429, 500, 503, 599])
def test_an_identical_request_after_a_failure_is_a_retry(status):
    assert annotate([attempt(1, 0, status), attempt(2, 1)])[2].of == 1


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 422])
def test_an_identical_request_after_an_answer_is_a_new_call(status):
    assert annotate([attempt(1, 0, status), attempt(2, 1)])[2] == Attempt(1)


def test_a_lost_response_and_a_word_from_the_server_invite_a_retry():
    assert annotate([attempt(1, 0, 201, lost="reset_after_commit"), attempt(2, 1)])[2].of == 1
    assert annotate([attempt(1, 0, 400, x_should_retry="true"), attempt(2, 1)])[2].of == 1
    assert annotate([attempt(1, 0, 200, x_should_retry="true"), attempt(2, 1)])[2].of is None


def test_a_different_request_is_a_new_call():
    first = attempt(1, 0, 503)
    for change in ({"body": b"[]"}, {"path": "/x"}, {"method": "PUT"}, {"query": "a=1"}):
        other = attempt(2, 1)
        for name, value in change.items():
            setattr(other.request, name, value)
        assert annotate([first, other])[2] == Attempt(1)
    for name in ("api", "sandbox"):
        other = attempt(2, 1)
        setattr(other, name, "other")
        assert annotate([first, other])[2] == Attempt(1)


def test_the_clients_count_decides():
    assert annotate([attempt(1, 0, 503, count=0), attempt(2, 1, count=0)])[2] == Attempt(1), "0 is a new call"
    assert annotate([attempt(1, 0, 200, count=0), attempt(2, 9, count=1)])[2].of == 1, "it gave up waiting"
    assert annotate([attempt(7, 0, count=2)])[7] == Attempt(3), "the first attempts are no longer in the journal"
    assert annotate([attempt(1, 0, 503, count="x"), attempt(2, 1, count="9" * 50)])[2].of == 1, "noise says nothing"


def test_identical_calls_at_once_are_told_apart_by_their_counts():
    journal = [
        attempt(1, 0, 503, count=0),
        attempt(2, 1, 503, count=1),
        attempt(3, 2, 503, count=2),
        attempt(4, 3, 503, count=0),
        attempt(5, 3.1, 201, count=0),
        attempt(6, 4, 201, count=1),
    ]
    assert [annotate(journal)[n].of for n in range(1, 7)] == [None, 1, 2, None, None, 4]
    slow = [attempt(1, 0, 503, count=0), attempt(2, 1, 503, count=0), attempt(3, 2, count=1), attempt(4, 3, count=2)]
    assert [annotate(slow)[n].of for n in range(1, 5)] == [None, None, 2, 3], "the count before it comes first"


def test_a_request_that_hung_is_recorded_after_its_retry():
    journal = [attempt(1, 5, 201), attempt(2, 0, 201, lost="hang")]
    assert annotate(journal) == {2: Attempt(1), 1: Attempt(2, of=2, waited=5)}
    overtaken = [attempt(1, 0.1, 201), attempt(2, 0, 503)]
    assert annotate(overtaken)[1] == Attempt(1), "the 503 had not been answered yet"


def test_a_hair_too_early_is_on_time():
    journal = [attempt(1, 0.1, 429, retry_after="2"), attempt(2, 2.0999)]
    assert annotate(journal)[2].early_by == 0
    assert annotate([journal[0], attempt(2, 2.05)])[2].early_by == pytest.approx(0.05, abs=1e-5)


@st.composite
def journals(draw):
    at = itertools.accumulate(draw(st.lists(st.sampled_from([0, 0.3, 2, 61]), max_size=14)))
    return [
        attempt(
            number,
            moment,
            draw(st.sampled_from([200, 201, 402, 404, 429, 503])),
            count=draw(st.sampled_from([None, None, 0, 1, 2])),
            body=draw(st.sampled_from([b"1", b"2"])),
            charged=draw(st.sampled_from([0, 1])),
            lost=draw(st.sampled_from(["", "", "", "reset_after_commit"])),
            **draw(st.sampled_from([{}, {"retry_after": "2"}, {"retry_after": "0"}])),
        )
        for number, moment in enumerate(at, 1)
    ]


@given(journals(), st.randoms())
def test_every_exchange_is_one_attempt_of_one_call(journal, random):
    attempts = annotate(journal)
    by_number = {exchange.number: exchange for exchange in journal}
    assert attempts.keys() == by_number.keys()
    parents = [attempt.of for attempt in attempts.values() if attempt.of is not None]
    assert len(parents) == len(set(parents)), "no exchange is retried twice"
    for number, found in attempts.items():
        exchange, count = by_number[number], by_number[number].request.headers.get("x-stainless-retry-count")
        assert found.number >= 1 and found.early_by >= 0
        assert found.number == int(count) + 1 if count is not None else True
        if found.of is None:
            assert (found.waited, found.retry_after, found.early_by) == (None, None, 0)
            continue
        previous = by_number[found.of]
        assert count != "0"
        assert (previous.at, previous.number) < (exchange.at, exchange.number)
        assert previous.request.body == exchange.request.body
        assert found.number > attempts[found.of].number
        assert found.waited == pytest.approx(exchange.at - previous.at)
        if count is None:
            assert previous.lost or previous.status in (402, 429, 503)
        if found.retry_after is not None:
            assert found.early_by == pytest.approx(max(0, found.retry_after - found.waited), abs=0.011)
    shuffled = list(journal)
    random.shuffle(shuffled)
    assert annotate(shuffled) == attempts


@given(journals())
def test_verdicts_hold_together(journal):
    found = verdicts(journal)
    numbers = [number for verdict in found for number in verdict.attempts]
    assert len(numbers) == len(set(numbers)), "no exchange is in two calls"
    retried = {number for number, attempt in annotate(journal).items() if attempt.number > 1}
    assert retried <= set(numbers)
    for verdict in found:
        assert (verdict.honoured_retry_after is None) is (verdict.capped is None)
        assert (verdict.early_by > 0) is (verdict.honoured_retry_after is False)
        assert not (verdict.capped and verdict.honoured_retry_after)
        assert verdict.explain() and "\n" not in verdict.explain()
        assert orjson.dumps(verdict.as_json())
    for rule, holds in RETRY_RULES.items():
        assert len(validate(journal, rule)) == sum(not holds(verdict) for verdict in found)


# -- verdicts ----------------------------------------------------------------------------------


def test_a_call_that_went_well_is_no_news():
    assert verdicts([attempt(1, 0), attempt(2, 1), attempt(3, 2, 404)]) == []
    assert all(validate([attempt(1, 0)], rule) == [] for rule in RETRY_RULES)


def test_an_early_retry_is_named_with_the_time():
    verdict = only([attempt(1, 0, 429, retry_after="2"), attempt(2, 0.51)])
    assert (verdict.honoured_retry_after, verdict.early_by, verdict.capped, verdict.backed_off) == (
        False,
        1.49,
        True,
        None,
    )
    assert verdict.explain() == "attempt 2 came after 0.51 s, 1.49 s too early; 429 said Retry-After: 2"
    assert validate([attempt(1, 0, 429, retry_after="2"), attempt(2, 0.51)], "honour_retry_after") == [
        f"{OP}: {verdict.explain()}"
    ]
    assert verdict.as_json()["attempts"] == [1, 2]
    assert verdict.as_json()["explain"] == verdict.explain()
    assert "story" not in verdict.as_json()


@pytest.mark.parametrize(
    ("asked", "waited", "honoured", "capped"),
    [("2", 2, True, False), ("2", 1.9, False, False), ("61", 0.5, False, True), ("61", 60, False, False)],
)
def test_a_little_early_is_not_capped(asked, waited, honoured, capped):
    verdict = only([attempt(1, 0, 429, retry_after=asked), attempt(2, waited)])
    assert (verdict.honoured_retry_after, verdict.capped) == (honoured, capped)


@pytest.mark.parametrize(
    ("waits", "backed_off"),
    [
        ([0.4, 0.8], True),
        ([0.5, 0.375], True),
        ([1, 1, 1], True),
        ([0.5, 0.3], False),
        ([0.4, 0.32, 0.26], False),
        ([0.05], False),
        ([0], False),
        ([0.1], True),
    ],
)
def test_delays_that_shrink_are_no_backing_off(waits, backed_off):
    moments = [0.0, *itertools.accumulate(waits)]
    journal = [attempt(number, at, 503) for number, at in enumerate(moments, 1)]
    verdict = only(journal)
    assert verdict.backed_off is backed_off
    assert (verdict.honoured_retry_after, verdict.gave_up, verdict.retries) == (None, True, len(waits))
    assert bool(validate(journal, "back_off")) is not backed_off


def test_an_ignored_zero_leaves_the_client_to_back_off():
    assert only([attempt(1, 0, 429, retry_after="0"), attempt(2, 0)]).backed_off is False


def test_402_ends_a_call():
    assert only([attempt(1, 0, 402)]).stopped_at_402 is True
    assert only([attempt(1, 0, 402), attempt(2, 1, 402)]).stopped_at_402 is False
    assert only([attempt(1, 0, 402, x_should_retry="true"), attempt(2, 1)]).stopped_at_402 is None
    assert only([attempt(1, 0, 503), attempt(2, 1, 402)]).stopped_at_402 is True
    assert validate([attempt(1, 0, 402), attempt(2, 1, 402)], "stop_at_402")
    assert validate([attempt(1, 0, 402)], "stop_at_402") == validate([attempt(1, 0, 402)], "recover") == []


def test_a_create_paid_twice_is_found():
    journal = [
        attempt(1, 0, 201, charged=1, lost="reset_after_commit", count=0),
        attempt(2, 0.5, 201, charged=1, count=1),
    ]
    verdict = only(journal)
    assert verdict.duplicated and not verdict.gave_up
    assert verdict.explain() == (
        "attempt 2 came after 0.50 s; a lost response (reset_after_commit) asked nothing; "
        "carried out and charged 2 times (#1, #2)"
    )
    assert validate(journal, "no_duplicates")
    before = [attempt(1, 0, 201, lost="reset_before"), attempt(2, 0.5, 201, charged=1)]
    before[0].committed = False
    assert not only(before).duplicated
    free = [attempt(1, 0, 201, lost="reset_after_commit"), attempt(2, 0.5, 201, charged=1)]
    assert not only(free).duplicated, "nothing was charged for the first"
    journal[0].committed = False
    assert not only(journal).duplicated, "the first was not carried out"


def test_giving_up_is_told_from_recovering():
    assert only([attempt(1, 0, 429)]).gave_up
    assert only([attempt(1, 0, 429)]).explain() == "ended with 429 after 1 attempt"
    assert not only([attempt(1, 0, 429), attempt(2, 1, 201)]).gave_up
    assert only([attempt(1, 0, 201, lost="hang")]).gave_up
    assert validate([attempt(1, 0, 503), attempt(2, 1, 503)], "recover")
    assert verdicts([attempt(1, 0, 429, x_should_retry="false")]) == [], "it did as it was told"


def test_any_retry_breaks_none():
    assert validate([attempt(1, 0, 503)], "none") == []
    assert validate([attempt(1, 0, 503), attempt(2, 1)], "none")
    failures = validate([attempt(9, 0, count=1)], "none")
    assert failures == [f"{OP}: attempt 2 came; the one before it is not in the journal"]


def test_headers_cannot_forge_a_line():
    journal = [attempt(1, 0, 429, retry_after="2\nforged", operation=""), attempt(2, 1, operation="")]
    assert "\n" not in only(journal).explain()
    assert only(journal).operation == "POST /v1/user-memories"


def test_an_unknown_rule_is_named_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'honour_retry_after'"):
        validate([], "honor_retry_after")


def test_a_long_journal_of_one_request_is_validated_quickly():
    journal = [attempt(number, number, 200 if number % 2 else 503, count=number % 3) for number in range(1, 5001)]
    assert len(annotate(journal)) == 5000


def test_the_wait_begins_when_the_response_came():
    slow = attempt(1, 0, 429, count=0, retry_after="2")
    slow.replied_at = START + 10
    verdict = only([slow, attempt(2, 11, count=1)])
    assert verdict.honoured_retry_after is False
    assert verdict.early_by == 1.0
