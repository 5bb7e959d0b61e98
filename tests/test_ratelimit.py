"""The sliding window against a naive model, and what the headers promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import UserError
from mockserver.messages import Limit, Window
from mockserver.state.memory import MemoryStore
from mockserver.state.ratelimit import headers, parse_limit, retry_after
from mockserver.state.store import MAX_WINDOWS

gaps = st.lists(st.sampled_from([0.0, 0.001, 0.4, 1.0, 5.0, 9.999, 10.0, 30.0]), min_size=1, max_size=60)


@given(gaps, st.integers(1, 5))
def test_it_admits_exactly_what_a_naive_log_admits(path, limit):
    store, now, admitted = MemoryStore(0), 1000.0, []
    for gap in path:
        now += gap
        recent = [hit for hit in admitted if hit + 10.0 > now]
        window = store.hit("k", now, limit, 10.0)
        assert window.admitted == (len(recent) < limit)
        if window.admitted:
            admitted.append(now)
            recent.append(now)
        assert window.remaining == limit - len(recent)
        assert window.free_at == recent[0] + 10.0


@given(gaps, st.integers(1, 3))
def test_waiting_as_told_is_enough_and_a_second_less_is_not(path, limit):
    store, now = MemoryStore(0), 1000.0
    for gap in path:
        now += gap
        window = store.hit("k", now, limit, 10.0)
        if not window.admitted:
            wait = retry_after(window, now)
            if wait > 1:
                assert not store.hit("k", window.free_at - 0.0005, limit, 10.0, count=False).admitted
            now += wait
            assert store.hit("k", now, limit, 10.0).admitted


def test_looking_counts_nothing():
    store = MemoryStore(0)
    for _ in range(5):
        assert store.hit("k", 0, 1, 60, count=False).remaining == 1
    assert store.hit("k", 0, 1, 60).admitted
    assert not store.hit("k", 0, 1, 60, count=False).admitted


def test_looking_at_a_window_in_use_counts_nothing_either():
    store = MemoryStore(0)
    store.hit("k", 0, 2, 60)
    for _ in range(5):
        assert store.hit("k", 0, 2, 60, count=False).remaining == 1
    assert store.hit("k", 0, 2, 60).admitted


def test_keys_do_not_share_a_window():
    store = MemoryStore(0)
    assert store.hit("a", 0, 1, 60).admitted
    assert store.hit("b", 0, 1, 60).admitted


def test_callers_cannot_make_the_server_keep_windows_without_end():
    store = MemoryStore(0)
    for i in range(MAX_WINDOWS + 500):
        store.hit(f"teamspace {i}", 0.0, 1, 60)
    assert len(store._windows) <= MAX_WINDOWS


def test_headers_of_a_window_with_room():
    assert headers(Window(200, 199, 1060.0), 1000.0) == {
        "x-ratelimit-limit": "200",
        "x-ratelimit-remaining": "199",
        "x-ratelimit-reset": "1060",
    }


def test_headers_of_a_full_window_round_up():
    found = headers(Window(200, 0, 1059.2), 1000.0)
    assert found["retry-after"] == str(math.ceil(59.2)) == "60"
    assert found["x-ratelimit-reset"] == "1060"
    assert headers(Window(1, 0, 1000.0), 1000.0)["retry-after"] == "1", "never 0"


@pytest.mark.parametrize(
    ("text", "limit"),
    [("200", Limit(200, 60)), ("3/10s", Limit(3, 10)), ("5/1m", Limit(5, 60)), ("off", None), (" OFF ", None)],
)
def test_limits_as_options(text, limit):
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "5/", "5/x", "5/0s", "1.5"])
def test_what_is_no_limit(text):
    with pytest.raises(UserError):
        parse_limit(text)
