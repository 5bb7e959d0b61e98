"""The test clock never goes back, and stands still when it is told to."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.clock import Clock, parse_duration, parse_time, timestamp
from mockserver.errors import UserError

steps = st.one_of(
    st.tuples(st.just("advance"), st.floats(0, 1e6)),
    st.tuples(st.just("set"), st.floats(0, 1e9)),
    st.tuples(st.just("run"), st.sampled_from([0.0, 1.0, 10.0, 1000.0])),
    st.tuples(st.just("freeze"), st.none()),
)


@given(st.lists(steps, max_size=20))
def test_it_never_goes_back(path):
    clock = Clock(1000.0, rate=0)
    before = clock.now()
    for name, argument in path:
        try:
            getattr(clock, name)(*([] if argument is None else [argument]))
        except UserError:
            assert name == "set"
        after = clock.now()
        assert after >= before
        before = after


def test_a_frozen_clock_moves_only_when_told():
    clock = Clock(1000.0, rate=0)
    assert (clock.now(), clock.mode) == (1000.0, "frozen")
    assert clock.advance(61) == clock.now() == 1061.0
    assert clock.set(2000.0) == clock.now() == 2000.0


def test_it_refuses_to_go_back_and_keeps_its_time():
    clock = Clock(1000.0, rate=0)
    for change in (lambda: clock.advance(-1), lambda: clock.set(999.0), lambda: clock.advance(float("nan"))):
        with pytest.raises(UserError, match="never goes back"):
            change()
    assert clock.now() == 1000.0


def test_a_rate_multiplies_real_time(monkeypatch):
    real = [50.0]
    monkeypatch.setattr("mockserver.clock.time.monotonic", lambda: real[0])
    clock = Clock(1000.0, rate=10)
    real[0] += 2
    assert clock.now() == 1020.0
    clock.freeze()
    real[0] += 100
    assert clock.now() == 1020.0
    clock.run(1)
    real[0] += 3
    assert clock.now() == 1023.0
    clock.advance(7)
    real[0] += 1
    assert clock.now() == 1031.0


@pytest.mark.parametrize("rate", [-1, 1e9, float("nan")])
def test_a_rate_has_bounds(rate):
    with pytest.raises(UserError, match="rate"):
        Clock(0, rate=rate)


def test_concurrent_advances_all_count():
    clock = Clock(0.0, rate=0)
    threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 8000.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("2s", 2), ("1.5m", 90), ("1h30m", 5400), ("1d", 86400), ("0s", 0)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1 s", "1s2", "1y", "1..5s", "½s"])
def test_what_is_no_duration(text):
    with pytest.raises(UserError, match="is not a duration"):
        parse_duration(text)


def test_moments():
    assert parse_time("2026-01-01T00:00:00Z") == parse_time("2026-01-01T01:00:00+01:00") == 1767225600.0
    assert parse_time("2026-01-01") == 1767225600.0
    assert timestamp(1767225600.1234) == "2026-01-01T00:00:00.123Z"
    with pytest.raises(UserError, match="is not a moment"):
        parse_time("soon")
