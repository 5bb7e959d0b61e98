"""The clock bridge: this thread lives on the test clock, everyone else in real time, and nothing stays."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import http.client
import queue
import socket
import subprocess
import sys
import threading
import time
from email.utils import formatdate

import anyio
import httpx
import orjson
import pytest
from datagrid_ai import AsyncDatagrid, Datagrid, DefaultAioHttpClient

from mockserver.clock import Clock
from mockserver.errors import UserError
from mockserver.testing.bridge import bridge

START = 1_767_225_600.0
REAL = {
    (owner, name): getattr(owner, name)
    for owner, name in [
        (time, "sleep"),
        (time, "time"),
        (time, "time_ns"),
        (time, "monotonic"),
        (time, "monotonic_ns"),
        (time, "perf_counter"),
        (time, "perf_counter_ns"),
        (threading, "_time"),
        (queue, "time"),
        (subprocess, "time"),
        (threading.Condition, "wait"),
        (asyncio.BaseEventLoop, "time"),
        (asyncio.BaseEventLoop, "_run_once"),
        (asyncio.BaseEventLoop, "run_in_executor"),
        (datetime, "datetime"),
    ]
}


@pytest.fixture(autouse=True)
def nothing_leaks():
    yield
    assert {key: getattr(*key) for key in REAL} == REAL
    assert abs(datetime.datetime.now().timestamp() - time.time()) < 1
    assert not concurrent.futures.ThreadPoolExecutor(1).submit(lambda: time.time() < START).result()


@pytest.fixture
def clock():
    return Clock(START, 0)


@contextlib.contextmanager
def quick(seconds=1.0):
    started = REAL[time, "perf_counter"]()
    yield
    assert REAL[time, "perf_counter"]() - started < seconds


class Remote:
    """A clock behind the admin API, as a sidecar's is."""

    def __init__(self, server):
        self._port = server.port

    def _ask(self, method, part="", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        headers = {"X-Mockserver-Admin": "test", "Content-Type": "application/json"}
        connection.request(method, f"/__admin/sandboxes/default/clock{part}", body and orjson.dumps(body), headers)
        answer = orjson.loads(connection.getresponse().read())
        connection.close()
        return answer

    @property
    def rate(self):
        return self._ask("GET")["rate"]

    def now(self):
        return self._ask("GET")["now"]

    def advance(self, seconds):
        self._ask("POST", "/advance", {"by": f"{seconds:f}s"})
        return self.now()

    def run(self, rate):
        self._ask("PATCH", "", {"rate": rate} if rate else {"mode": "frozen"})


# The vendor's client


@pytest.fixture(params=["local", "remote"])
def throttled(request, make_server):
    """A server that throttles the third call for 30 s, its clock, and a real check of the elapsed time."""
    from mockserver.state.ratelimit import parse_limit

    server = make_server(limit=parse_limit("2/30s"))
    clock = server.app.state.pipeline.sandbox.clock
    return server, clock if request.param == "local" else Remote(server), clock


def test_sync_client_waits_out_the_limit(throttled):
    server, clock, own = throttled
    client = Datagrid(api_key="k", base_url=f"{server.url}/datagrid/v1", max_retries=1)
    with client, quick(), bridge(clock):
        for _ in range(3):
            client.memory.user.list()
    assert own.now() == START + 30


async def test_async_client_waits_out_the_limit(throttled):
    server, clock, own = throttled
    async with AsyncDatagrid(api_key="k", base_url=f"{server.url}/datagrid/v1", max_retries=1) as client:
        with quick(), bridge(clock):
            for _ in range(3):
                await client.memory.user.list()
    assert own.now() == START + 30


async def test_a_client_that_keeps_listening_on_idle_connections(throttled):
    server, clock, own = throttled
    url = f"{server.url}/datagrid/v1"
    async with AsyncDatagrid(api_key="k", base_url=url, max_retries=1, http_client=DefaultAioHttpClient()) as client:
        with quick(), bridge(clock):
            for _ in range(3):
                await client.memory.user.list()
    assert own.now() == START + 30


async def test_many_async_calls_at_once_are_throttled_and_all_succeed(throttled):
    server, clock, own = throttled
    async with AsyncDatagrid(api_key="k", base_url=f"{server.url}/datagrid/v1", max_retries=8) as client:
        with quick(4), bridge(clock):
            pages = await asyncio.gather(*(client.memory.user.list() for _ in range(6)))
    assert len(pages) == 6
    assert START + 60 <= own.now() < START + 600


@pytest.fixture
def answers():
    """A server that sends the responses of a list, whatever it is asked."""
    replies: list[bytes] = []
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while not stop.is_set():
                connection, _ = listening.accept()
                with connection:
                    if connection.recv(65536) and replies:
                        connection.sendall(replies.pop(0))
                    elif not stop.is_set():
                        stop.wait(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", replies
        stop.set()
        socket.create_connection(listening.getsockname()).close()
        thread.join()


PAGE = b'{"object":"list","data":[],"has_more":false}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE)
OK += PAGE


def throttle(retry_after):
    head = f"HTTP/1.1 429 Slow down\r\nRetry-After: {retry_after}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    return head.encode()


def test_a_date_in_retry_after_is_a_moment_of_the_test_clock(answers, clock):
    url, replies = answers
    replies += [throttle(formatdate(START + 45, usegmt=True)), OK]
    with Datagrid(api_key="k", base_url=url, max_retries=1) as client, quick(), bridge(clock):
        client.memory.user.list()
    assert clock.now() == START + 45


async def test_a_date_in_retry_after_in_an_async_client(answers, clock):
    url, replies = answers
    replies += [throttle(formatdate(START + 45, usegmt=True)), OK]
    async with AsyncDatagrid(api_key="k", base_url=url, max_retries=1) as client:
        with quick(), bridge(clock):
            await client.memory.user.list()
    assert clock.now() == START + 45


# Threads and calendars


def test_everything_that_waits_moves_the_clock(clock):
    with quick(), bridge(clock):
        before, counted = time.monotonic(), time.perf_counter_ns()
        time.sleep(30)
        assert time.time() == datetime.datetime.now().timestamp() == START + 30
        assert time.time_ns() == (int(START) + 30) * 10**9
        assert datetime.datetime.now(datetime.UTC) == datetime.datetime.fromtimestamp(START + 30, datetime.UTC)
        assert time.gmtime()[:6] == (2026, 1, 1, 0, 0, 30)
        assert 30 <= time.monotonic() - before < 31
        assert not threading.Event().wait(60)
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=10)
        condition = threading.Condition()
        with condition:
            assert not condition.wait_for(lambda: False, timeout=5)
            assert not condition.wait(5)
        assert not threading.Semaphore(0).acquire(timeout=10)
        clock.advance(1000)
        assert 1120 <= time.monotonic() - before < 1121
        assert 1120 <= (time.perf_counter_ns() - counted) / 1e9 < 1121
    assert clock.now() == pytest.approx(START + 1120, abs=0.2)


def test_a_sleep_that_python_refuses_is_still_refused(clock):
    with bridge(clock):
        with pytest.raises(ValueError, match="non-negative"):
            time.sleep(-1)
        with pytest.raises(TypeError):
            time.sleep("1")
        with pytest.raises(UserError, match="advanced by inf"):
            time.sleep(float("inf"))
        time.sleep(0)
    assert clock.now() == START


def test_other_threads_keep_real_time_and_really_sleep(clock):
    seen = []

    def other(real=REAL[time, "perf_counter"]):
        started, ticks = real(), time.monotonic()
        time.sleep(0.1)
        threading.Event().wait(0.1)
        asyncio.run(asyncio.sleep(0.1))
        seen.append((real() - started, time.monotonic() - ticks, time.time(), datetime.datetime.now().year))

    with bridge(clock):
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(3600)
        thread.join()
    slept, ticks, wall, year = seen[0]
    assert 0.3 <= slept < 2 and 0.3 <= ticks < 2
    assert abs(wall - time.time()) < 5 and year == datetime.datetime.now().year
    assert clock.now() == START + 3600


def test_an_event_that_another_thread_sets_wakes_its_waiter(clock):
    event = threading.Event()
    timer = threading.Timer(0.02, event.set)
    timer.start()
    with bridge(clock, patience=2):
        assert event.wait(60)
    assert clock.now() == START
    timer.join()


def test_threads_have_a_bridge_each():
    clocks = [Clock(START + n, 0) for n in range(4)]
    barrier = threading.Barrier(4)

    def live(own):
        barrier.wait()
        with bridge(own):
            for _ in range(50):
                time.sleep(1)
                assert time.time() == own.now()
            asyncio.run(asyncio.sleep(50))
        return own.now()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(live, clocks)) == [START + n + 100 for n in range(4)]


def test_a_running_clock_stands_for_the_block_and_runs_on():
    clock = Clock(START, 5)
    with bridge(clock):
        assert clock.rate == 0
        with bridge(clock):
            time.sleep(10)
        assert clock.rate == 0
    assert clock.rate == 5
    with pytest.raises(KeyError), bridge(clock):
        raise KeyError
    assert clock.rate == 5


def test_blocks_nest_and_time_never_goes_back(clock):
    other = Clock(START * 1.1, 0)
    with bridge(clock):
        time.sleep(10)
        first = time.monotonic()
        with bridge(other):
            assert time.time() == other.now()
            time.sleep(100)
            second = time.monotonic()
        assert time.time() == START + 10
        assert time.monotonic() >= second >= first + 100
    assert clock.now() == START + 10


def test_nothing_leaks_when_the_test_fails(clock):
    with contextlib.suppress(ZeroDivisionError), bridge(clock):
        time.sleep(5)
        raise ZeroDivisionError
    assert clock.now() == START + 5
    with quick(5):
        started = time.perf_counter()
        time.sleep(0.01)
        assert time.perf_counter() - started >= 0.01


def test_a_clock_that_fails_leaves_nothing_behind():
    class Broken(Clock):
        def advance(self, seconds):
            raise UserError("gone")

    with pytest.raises(UserError, match="gone"), bridge(Broken(START, 1)):
        time.sleep(5)


def test_a_fixture_may_hold_the_block_open(clock):
    def fixture():
        with bridge(clock):
            yield

    held = fixture()
    next(held)
    time.sleep(60)
    held.close()
    assert clock.now() == START + 60


def test_a_module_imported_in_the_block_gets_the_real_functions(clock, tmp_path, monkeypatch):
    (tmp_path / "newcomer.py").write_text("from time import sleep, monotonic as now")
    monkeypatch.syspath_prepend(tmp_path)
    with bridge(clock):
        import newcomer

        newcomer.sleep(7)
    del sys.modules["newcomer"]
    assert clock.now() == START + 7
    assert newcomer.sleep is time.sleep and newcomer.now is time.monotonic


def test_sockets_and_child_processes_are_waited_for_in_real_time(answers, clock):
    url, _ = answers
    with bridge(clock):
        started = REAL[time, "perf_counter"]()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url, timeout=0.2, trust_env=False)
        assert 0.2 <= REAL[time, "perf_counter"]() - started < 0.9
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.1)"])
        assert child.wait(timeout=20) == 0
    assert clock.now() == START


# asyncio


def test_a_loop_jumps_from_timer_to_timer(clock):
    order = []

    async def sleeper(seconds):
        await asyncio.sleep(seconds)
        order.append((seconds, time.time() - START))

    async def main():
        await asyncio.gather(*(sleeper(n) for n in (3600, 30, 60, 86400 * 3)))
        await anyio.sleep(1)

    with quick(), bridge(clock):
        asyncio.run(main())
    assert order == [(n, n) for n in (30, 60, 3600, 86400 * 3)]
    assert clock.now() == START + 86400 * 3 + 1


async def test_timeouts_follow_the_clock(clock):
    with quick(), bridge(clock):
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 60)
        assert clock.now() == START + 60
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.sleep(30)
        with pytest.raises(TimeoutError), anyio.fail_after(5):
            await anyio.sleep(30)
        assert await asyncio.wait_for(asyncio.sleep(30, "in time"), 31) == "in time"
        assert loop.time() - begun == pytest.approx(105)
    assert clock.now() == START + 105


async def test_a_worker_thread_gets_its_time(clock):
    def work():
        time.sleep(0.15)
        return "done"

    with quick(3), bridge(clock):
        assert await asyncio.wait_for(asyncio.to_thread(work), 60) == "done"
        with anyio.fail_after(60):
            assert await anyio.to_thread.run_sync(work) == "done"
    assert clock.now() == START


async def test_an_async_socket_timeout_takes_real_time(answers, clock):
    url, _ = answers
    async with httpx.AsyncClient(trust_env=False) as client:
        with bridge(clock):
            started = REAL[time, "perf_counter"]()
            with pytest.raises(httpx.ReadTimeout):
                await client.get(url, timeout=0.2)
            assert 0.2 <= REAL[time, "perf_counter"]() - started < 0.9


async def test_a_socket_that_never_falls_silent_cannot_stop_a_timeout(clock):
    def drip():
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)

    async def listen(reader):
        while True:
            assert await asyncio.wait_for(reader.read(1), 30) == b"x"

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        with quick(5), bridge(clock):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(listen(reader), 0.4)
            writer.close()
            await writer.wait_closed()
        thread.join()
    assert clock.now() == pytest.approx(START + 0.4)


async def test_a_request_in_flight_outlives_a_sleep_beside_it(server):
    clock = server.app.state.pipeline.sandbox.clock

    async def poll(done):
        while not done.is_set():
            await asyncio.sleep(0.1)

    async with httpx.AsyncClient(trust_env=False) as client:
        with quick(3), bridge(clock):
            done = asyncio.Event()
            poller = asyncio.create_task(poll(done))
            answer = await client.get(f"{server.url}/__admin/health", timeout=5)
            done.set()
            await poller
    assert answer.status_code == 200
    assert clock.now() < START + 5


async def test_the_time_of_a_loop_never_goes_back(clock):
    loop = asyncio.get_running_loop()
    for _ in range(2):
        with bridge(clock):
            before = loop.time()
            await asyncio.sleep(500)
        assert loop.time() >= before + 500
        with quick(0.5):
            started = time.perf_counter()
            await asyncio.sleep(0.02)
            assert time.perf_counter() - started >= 0.02
    assert clock.now() == START + 1000


async def test_blocks_of_two_tasks_may_overlap(clock):
    other = Clock(START, 0)

    async def live(own, seconds):
        with bridge(own):
            await asyncio.sleep(seconds)

    with quick():
        await asyncio.gather(live(clock, 10), live(other, 20))
    assert clock.now() + other.now() >= 2 * START + 20


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_under_the_plugin_of_anyio(anyio_backend, clock):
    with quick(), bridge(clock):
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 60)
            group.start_soon(anyio.sleep, 90)
    assert clock.now() == START + 90


def test_a_loop_that_is_not_asyncios_own_is_refused(clock):
    uvloop = pytest.importorskip("uvloop")

    async def main():
        with bridge(clock):
            pass

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(UserError, match="uvloop"):
        runner.run(main())
