"""What one connection may do, by events and times alone: no socket, no clock."""

from __future__ import annotations

import pytest

from mockserver.server.bounds import (
    ANSWERING,
    BODY,
    HEAD,
    IDLE,
    LAST,
    MAX_HEADERS,
    MAX_TARGET,
    Connection,
    Verdict,
)
from mockserver.settings import SocketBounds

BOUNDS = SocketBounds(connections=2, head_bytes=1000, request_seconds=10, idle_seconds=20)


@pytest.fixture
def may():
    return Connection(BOUNDS)


def begin(may, size=10):
    may.piece(size)
    may.begun()
    assert may.parsed() is None


def status(found):
    return None if found is None else found.status


def test_the_states_of_a_request_in_their_order(may):
    assert may.state is IDLE
    begin(may)
    assert may.state is HEAD
    may.head_taken()
    assert may.state is BODY
    may.whole(is_answered=False)
    assert may.state is ANSWERING
    may.answered()
    assert may.state is IDLE
    may.last()
    assert may.state is LAST


def test_a_response_before_the_body_is_whole_leaves_the_body_arriving(may):
    begin(may)
    may.head_taken()
    may.answered()
    assert may.state is BODY


def test_one_connection_more_than_allowed_is_rejected_with_503(may):
    assert (may.opened(2), status(may.opened(3))) == (None, 503)


@pytest.mark.parametrize("is_body", [False, True])
def test_a_request_may_take_its_time_and_no_longer(may, is_body):
    begin(may)
    if is_body:
        may.head_taken()
    assert may.tick(100, 0, False) is None
    assert may.tick(110, 0, False) is None
    assert status(may.tick(110.1, 0, False)) == 408


def test_bytes_of_a_request_now_and_then_give_it_no_more_time(may):
    begin(may)
    assert may.tick(100, 0, False) is None
    for second in range(1, 10):
        may.piece(1)
        assert may.parsed() is None
        assert may.tick(100 + second, 0, False) is None
    assert status(may.tick(110.1, 0, False)) == 408


def test_each_request_has_its_own_time(may):
    begin(may)
    assert may.tick(100, 0, False) is None
    may.head_taken()
    may.whole(is_answered=True)
    begin(may)
    assert may.tick(109, 0, False) is None
    assert may.tick(118, 0, False) is None
    assert status(may.tick(119.1, 0, False)) == 408


def test_time_in_which_the_server_does_not_read_does_not_count(may):
    begin(may)
    assert may.tick(100, 0, False) is None
    assert may.tick(200, 0, True) is None
    assert may.tick(201, 0, False) is None
    assert status(may.tick(211.1, 0, False)) == 408


def test_an_idle_connection_is_closed_and_one_in_use_is_not(may):
    used = Connection(BOUNDS)
    for now in (0, 15, 30, 45):
        assert used.tick(now, 0, False) is None
        begin(used)
        used.head_taken()
        used.whole(is_answered=True)
    assert may.tick(0, 0, False) is None
    assert may.tick(20, 0, False) is None
    assert may.tick(20.1, 0, False) is Verdict.CLOSE


def test_a_slow_response_takes_as_long_as_it_takes(may):
    begin(may)
    may.head_taken()
    may.whole(is_answered=False)
    assert may.tick(0, 0, False) is None
    assert may.tick(1000, 0, False) is None
    may.answered()
    assert may.tick(1001, 0, False) is None
    assert may.tick(1021.1, 0, False) is Verdict.CLOSE


def test_a_client_that_reads_nothing_is_dropped_and_one_that_reads_slowly_is_not(may):
    for now in range(0, 100, 9):
        assert may.tick(now, 5000 - now, True) is None
    assert may.tick(101, 5000 - 99, True) is Verdict.ABORT or may.tick(112, 5000 - 99, True) is Verdict.ABORT


def test_bytes_that_end_no_head_and_are_no_body_are_bounded(may):
    begin(may)
    for _ in range(10):
        may.piece(100)
        assert may.parsed() is None
    may.piece(1)
    assert status(may.parsed()) == 431


def test_bytes_of_a_body_do_not_count_as_head(may):
    begin(may)
    may.head_taken()
    for _ in range(100):
        may.piece(100)
        may.body()
        assert may.parsed() is None


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_head_is_measured_however_it_is_cut(may, pieces):
    may.piece(1010 // pieces)
    may.begun()
    if pieces == 2:
        may.piece(500)
    fits = {"a": "x" * (1000 - 1 - 5)}
    assert may.head(b"/", fits, 0) is None
    assert status(may.head(b"/", {"a": fits["a"] + "x"}, 0)) == 431


def test_headers_and_the_target_are_bounded():
    may = Connection(SocketBounds())
    may.piece(10)
    may.begun()
    names = {str(number): "" for number in range(MAX_HEADERS)}
    assert may.head(b"/", names, 0) is None
    assert status(may.head(b"/", names, 1)) == 431
    assert may.head(b"/" * MAX_TARGET, {}, 0) is None
    assert status(may.head(b"/" * (MAX_TARGET + 1), {}, 0)) == 414
