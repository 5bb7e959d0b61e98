"""Following a journal: what a follower makes of servers that go, come back, or are others, without a socket."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from mockserver.admin.client import AdminClient, InProcess
from mockserver.admin.events import Follower
from mockserver.errors import UserError
from mockserver.messages import Response


def entry(number, at=0.0):
    return {"number": number, "at": at, "method": "GET", "path": "/", "duration_ms": 1.0}


class Journals:
    """A way to a server whose journal is another one after each stream; None is a server that does not answer."""

    url = "http://mock"
    has_token = False

    def __init__(self, *journals):
        self._journals = iter(journals)
        self._journal = next(self._journals)

    def __call__(self, method, path, media_type, body):
        if self._journal is None:
            self._journal = next(self._journals)
            raise UserError("nothing answers")
        if "journal" not in path:
            newest = self._journal[-1]["number"] if self._journal else 0
            return 200, orjson.dumps({"requests": newest})
        after = int(parse_qs(urlsplit(path).query)["after"][0])
        return 200, orjson.dumps({"entries": [known for known in self._journal if known["number"] > after][:1]})

    def lines(self, path, timeout):
        after = int(parse_qs(urlsplit(path).query)["after"][0])
        yield b": mockserver journal\n"
        for known in self._journal:
            if isinstance(known, bytes):
                yield known
            elif known["number"] > after:
                yield b"data: " + orjson.dumps(known) + b"\n"
        self._journal = next(self._journals)


@pytest.fixture
def follow():
    """Follows journals until there is none any more: the numbers of the exchanges, the notices, and the pauses."""

    def follow_(*journals, after=0):
        notices, pauses, numbers = [], [], []
        follower = Follower(AdminClient(Journals(*journals)), after, notices.append, pauses.append)
        with pytest.raises(RuntimeError, match="StopIteration"):
            numbers.extend(seen["number"] for seen in follower)
        return numbers, notices, pauses

    return follow_


def numbered(*numbers, at=0.0):
    return [entry(number, at) for number in numbers]


def test_the_same_journal_goes_on_without_a_word(follow):
    assert follow(numbered(1, 2), numbered(1, 2, 3), numbered(1, 2, 3)) == ([1, 2, 3], [], [])


def test_only_new_exchanges_are_followed_unless_it_is_said_where_to_start(follow):
    assert follow(numbered(1, 2), numbered(1, 2, 3), after=None)[0] == [3]


@pytest.mark.parametrize("newer", [(1,), (1, 2), (1, 2, 3, 4)], ids=len)
def test_another_journal_is_known_however_long_it_is(follow, newer):
    numbers, notices, _ = follow(numbered(1, 2), numbered(*newer, at=9.0))
    assert numbers == [1, 2, *newer]
    assert notices == ["the journal began anew: what it held after #2 is missed"]


def test_another_journal_is_known_before_anything_was_followed(follow):
    assert follow(numbered(1, 2), [], numbered(1, 2, 3, at=9.0), after=None)[0] == [1, 2, 3]


def test_dropped_exchanges_are_counted(follow):
    numbers, notices, _ = follow(numbered(1), numbered(7, 8))
    assert (numbers, notices) == ([1, 7, 8], ["5 exchanges are missed: the journal has dropped those before #7"])


def test_a_server_that_is_gone_is_waited_for_and_mentioned_once(follow):
    numbers, notices, pauses = follow(numbered(1), *[None] * 6, numbered(1, 2))
    assert numbers == [1, 2]
    assert notices == ["nothing answers (waiting)", "http://mock answers again"]
    assert pauses == [0.2, 0.5, 1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("line", [b"data: x\n", b"data: []\n", b'data: {"number": "1"}\n', b"data: {}\n"])
def test_an_event_that_is_no_exchange_is_said_to_be_none(follow, line):
    class Once(Journals):
        def lines(self, path, timeout):
            yield line

    notices = []
    follower = Follower(AdminClient(Once(numbered(1), numbered(1))), 0, notices.append, _stop)
    with pytest.raises(_Stopped):
        list(follower)
    assert notices == ["http://mock sent an event that is no exchange; it is no mockserver of this version (waiting)"]


class _Stopped(Exception):
    pass


def _stop(seconds):
    raise _Stopped


def test_a_start_beyond_the_journal_is_refused():
    with pytest.raises(UserError, match="there is no exchange #3; the newest is #2"):
        Follower(AdminClient(Journals(numbered(1, 2))), 3, print, print)


def test_a_server_in_this_process_is_not_followed():
    client = AdminClient(InProcess(lambda request: Response(200, content=b'{"requests": 0}'), "http://mock"))
    with pytest.raises(_Stopped):
        list(Follower(client, 0, print, _stop))
