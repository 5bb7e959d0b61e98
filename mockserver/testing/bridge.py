"""The clock bridge: inside a block, the code of this thread lives on a test clock.

Sleeps and timeouts move the test clock instead of waiting. Other threads keep real time: whatever is
replaced asks first whose thread it runs in. Three depths are needed, and none is enough alone:

- The calendar (`time.time`, `datetime.now`, `gmtime`) is redirected below Python by time-machine,
  which is given a source that tells threads apart. It touches neither sleeps nor `monotonic`.
- `sleep`, `monotonic` and `perf_counter` are replaced by name in the modules that hold them, and
  `threading.Condition.wait` as a method; events, queues and futures wait through it.
- An asyncio loop stands still in test time. When it would idle until a timer, the clock jumps there;
  while a socket or a worker thread may still answer, that gets real time first.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import subprocess
import sys
import threading
import weakref
from asyncio import futures
from collections.abc import Callable, Iterator
from time import monotonic, monotonic_ns, perf_counter, perf_counter_ns, sleep
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

from mockserver import clock as clock_module
from mockserver.clock import Clock
from mockserver.errors import UserError

PATIENCE = 0.05
"""Real seconds that something outside the thread gets to answer before a sleep beside it is over."""

_TIMEOUT_PATIENCE = 20
"""Times PATIENCE before a timeout strikes while something else sleeps."""

_WORKERS = ("AnyIO worker thread", "waitpid-")
"""Names of the threads that wake a loop without telling it beforehand."""


class BridgedClock(Protocol):
    """What a clock must be able to do; `Clock` is one, and so is a remote sandbox's."""

    @property
    def rate(self) -> float:
        """Test seconds per real second; 0 when frozen."""

    def now(self) -> float:
        """Epoch seconds."""

    def advance(self, seconds: float) -> float:
        """Move ahead; the new time."""

    def run(self, rate: float) -> None:
        """Go on at another rate."""


class _Thread(threading.local):
    """What a thread knows about itself."""

    def __init__(self) -> None:
        self.bridges: list[_Bridge] = []
        self.aside = False


_WAKE: Any = futures._set_result_unless_cancelled  # type: ignore[attr-defined]
"""What the timer of `asyncio.sleep` calls."""

_HOUSEKEEPING = "_weakref_handle"
"""What the timer calls with which aiohttp closes idle connections: it guards nothing."""

_thread = _Thread()
_lock = threading.RLock()
_held: dict[int, tuple[int, float]] = {}
"""By the identity of a clock: how many bridges hold it frozen, and the rate it had before."""


def _current() -> _Bridge | None:
    return _thread.bridges[-1] if _thread.bridges and not _thread.aside else None


@contextlib.contextmanager
def _aside() -> Iterator[None]:
    """Real time for what the bridge does itself: a remote clock speaks HTTP, and may log."""
    before, _thread.aside = _thread.aside, True
    try:
        yield
    finally:
        _thread.aside = before


class _Bridge:
    """One thread in one block. `passed` is how far test time is ahead of real time."""

    def __init__(self, clock: BridgedClock, patience: float) -> None:
        self._clock = clock
        self._cheap = isinstance(clock, Clock)
        self.patience = patience
        self.outside: set[asyncio.Future[Any]] = set()
        self.loops: weakref.WeakSet[Any] = weakref.WeakSet()
        self._due: dict[int, tuple[Any, float]] = {}
        self._stack = _thread.bridges
        outer = self._stack[-1] if self._stack else None
        self._known = clock.now()
        self._passed = outer.passed() if outer else 0.0
        self._origin: float = outer._origin if outer else monotonic()

    def wall(self) -> float:
        """Epoch seconds; notices when the test itself has moved the clock."""
        with _aside():
            now = self._clock.now()
        self._passed += max(0.0, now - self._known)
        self._known = now
        return now

    def passed(self) -> float:
        """Seconds skipped so far. A remote clock is not asked for this."""
        if self._cheap:
            self.wall()
        return self._passed

    def skip(self, seconds: float) -> None:
        """Move the test clock; the loop's own time moves by exactly as much."""
        moved = round(seconds, 6)
        if moved:
            with _aside():
                now = self._clock.advance(moved)
            elsewhere = now - self._known - moved
            self._passed += elsewhere if elsewhere > 1e-3 else 0.0
            self._known = now
        self._passed += seconds

    def loop_time(self) -> float:
        """The time of this thread's event loops: it stands still, except for what is skipped."""
        return self._origin + self.passed()

    def enter(self) -> None:
        self._stack.append(self)
        with contextlib.suppress(RuntimeError):
            self.loops.add(asyncio.get_running_loop())

    def leave(self) -> None:
        """Give the thread back. No clock of it goes back: an outer bridge or an open loop keeps what was skipped."""
        self._stack.remove(self)
        if self._stack:
            outer = self._stack[-1]
            outer.loops |= self.loops
            outer._passed += max(0.0, self._passed - outer.passed())
            return
        ahead = self._origin + self._passed - monotonic()
        for loop in list(self.loops):
            if ahead > 0 and not loop.is_closed():
                earlier = getattr(loop.__dict__.get("time"), "keywords", {}).get("ahead", 0.0)
                loop.time = functools.partial(_time_ahead, weakref.proxy(loop), ahead=ahead + earlier)

    def select(self, loop: Any, real: Callable[[float | None], Any], timeout: float | None) -> Any:
        """The loop has nothing to do for `timeout` seconds: wait for what is outside, then jump."""
        if timeout is None or timeout <= 0:
            return real(timeout)
        wait, started = self._wait(loop, timeout), monotonic()
        events = real(wait)
        if not events and monotonic() - started >= wait - 0.002:
            self.skip(timeout)
        return events

    def _wait(self, loop: Any, timeout: float) -> float:
        """Real seconds to wait for sockets and worker threads before the jump."""
        watched = getattr(loop._selector, "get_map", None)
        if (
            watched is not None
            and len(watched()) <= 1  # the loop's own pipe
            and not self.outside
            and not any(thread.name.startswith(_WORKERS) for thread in threading.enumerate())
        ):
            return 0.0
        now, here = monotonic(), loop.time()
        timers = [timer for timer in loop._scheduled if not timer._cancelled]
        guards = [timer for timer in timers if timer._callback is not _WAKE]
        if len(guards) < len(timers):
            guards = [timer for timer in guards if getattr(timer._callback, "__name__", "") != _HOUSEKEEPING]
        # A timeout also strikes when its real time is up, however many sockets spoke in between.
        self._due = {id(t): self._due.get(id(t), (t, now + t._when - here)) for t in guards}
        if loop._scheduled[0] not in guards:
            return min(timeout, self.patience)
        wait = max(0.0, min(due for _, due in self._due.values()) - now)
        return min(wait, self.patience * _TIMEOUT_PATIENCE) if len(guards) < len(timers) else wait


def _time_ahead(loop: Any, *, ahead: float) -> float:
    """The time of a loop that outlived a block."""
    return _loop_time(loop) + ahead


# What stands in for the real functions. Each asks first whether its thread is bridged.


def _sleep(seconds: float, /) -> None:
    bridged = _current()
    if bridged is None or not seconds > 0:
        return sleep(seconds)
    bridged.skip(float(seconds))
    return sleep(0)


def _reader(real: Callable[[], Any], unit: Callable[[float], float] = float) -> Callable[[], Any]:
    @functools.wraps(real)
    def read() -> Any:
        bridged = _current()
        return real() if bridged is None else real() + unit(bridged.passed())

    return read


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


_real_wait = threading.Condition.wait
_real_loop_time = asyncio.BaseEventLoop.time
_real_run_once: Callable[[Any], None] = asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]
_real_run_in_executor = asyncio.BaseEventLoop.run_in_executor


def _condition_wait(condition: threading.Condition, timeout: float | None = None) -> bool:
    bridged = _current()
    if bridged is None or timeout is None or timeout <= 0:
        return _real_wait(condition, timeout)
    if _real_wait(condition, min(timeout, bridged.patience)):
        return True
    bridged.skip(timeout)
    return False


def _loop_time(loop: Any) -> float:
    bridged = _current()
    return _real_loop_time(loop) if bridged is None else bridged.loop_time()


def _run_once(loop: Any) -> None:
    bridged = _current()
    if bridged is None:
        return _real_run_once(loop)
    bridged.loops.add(loop)
    selector = loop._selector
    selector.select = functools.partial(bridged.select, loop, selector.select)
    try:
        _real_run_once(loop)
    finally:
        vars(selector).pop("select", None)


def _run_in_executor(loop: Any, executor: Any, func: Any, *args: Any) -> Any:
    future = _real_run_in_executor(loop, executor, func, *args)
    bridged = _current()
    if bridged is not None:
        bridged.outside.add(future)
        future.add_done_callback(bridged.outside.discard)
    return future


_BY_NAME: dict[Any, Any] = {
    sleep: functools.wraps(sleep)(_sleep),
    monotonic: _reader(monotonic),
    perf_counter: _reader(perf_counter),
    monotonic_ns: _reader(monotonic_ns, _nanoseconds),
    perf_counter_ns: _reader(perf_counter_ns, _nanoseconds),
}
_IDS = frozenset(map(id, [*_BY_NAME.keys(), *_BY_NAME.values()]))
_METHODS: tuple[tuple[type, str, Any], ...] = (
    (threading.Condition, "wait", functools.wraps(_real_wait)(_condition_wait)),
    (asyncio.BaseEventLoop, "time", functools.wraps(_real_loop_time)(_loop_time)),
    (asyncio.BaseEventLoop, "_run_once", functools.wraps(_real_run_once)(_run_once)),
    (asyncio.BaseEventLoop, "run_in_executor", functools.wraps(_real_run_in_executor)(_run_in_executor)),
)
_UNTOUCHED = {__name__, clock_module.__name__, subprocess.__name__}


class _Patches:
    """The replacements, in place while any thread is bridged."""

    def __init__(self) -> None:
        self._users = 0
        self._undo = contextlib.ExitStack()
        self._checked: dict[int, Any] = {}
        self._sites: dict[int, tuple[dict[str, Any], list[str]]] = {}

    def acquire(self) -> None:
        with _lock:
            if not self._users:
                with contextlib.ExitStack() as undo:
                    self._install(undo)
                    self._undo = undo.pop_all()
            self._users += 1

    def release(self) -> None:
        with _lock:
            self._users -= 1
            if not self._users:
                self._undo.close()

    def _install(self, undo: contextlib.ExitStack) -> None:
        import time_machine

        travel = time_machine.travel(0, tick=False)
        travel_source = travel.start()
        undo.callback(travel.stop)
        real_ns = time_machine.escape_hatch.time.time_ns

        def epoch_ns() -> int:
            bridged = _current()
            return real_ns() if bridged is None else _nanoseconds(bridged.wall())

        vars(travel_source)["time_ns"] = epoch_ns
        for owner, name, replacement in _METHODS:
            undo.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, replacement)
        # The test clock itself and the wait for a child process are about real time.
        own = SimpleNamespace(
            time=time_machine.escape_hatch.time.time, monotonic=monotonic, perf_counter=perf_counter, sleep=sleep
        )
        for module in (clock_module, subprocess):
            undo.callback(setattr, module, "time", vars(module)["time"])
            vars(module)["time"] = own
        undo.callback(self._swap, {replacement: real for real, replacement in _BY_NAME.items()})
        self._swap(_BY_NAME)

    def _swap(self, table: dict[Any, Any]) -> None:
        """Replace what modules hold under any name; also in those imported meanwhile."""
        loaded = {id(module): module for module in list(sys.modules.values())}
        for ident in loaded.keys() - self._checked.keys():
            module = loaded[ident]
            if not isinstance(module, ModuleType) or module.__name__ in _UNTOUCHED:
                continue
            held = vars(module)
            # One pass in C over the values; few modules hold any of these functions.
            if not _IDS.isdisjoint(map(id, list(held.values()))):
                self._sites[ident] = (held, [name for name, value in list(held.items()) if id(value) in _IDS])
        for ident, (held, names) in list(self._sites.items()):
            for name in names:
                if id(held.get(name)) in _IDS:
                    held[name] = table.get(held[name], held[name])
            if ident not in loaded and table is not _BY_NAME:
                del self._sites[ident]
        self._checked = loaded


_patches = _Patches()


@contextlib.contextmanager
def _held_still(clock: BridgedClock) -> Iterator[None]:
    """Freezes a clock until the last of the blocks that hold it ends."""
    with _lock, _aside():
        count, rate = _held.get(id(clock), (0, 0.0))
        if not count and (rate := clock.rate):
            clock.run(0.0)
        _held[id(clock)] = (count + 1, rate)
    try:
        yield
    finally:
        with _lock, _aside():
            count, rate = _held.pop(id(clock))
            if count > 1:
                _held[id(clock)] = (count - 1, rate)
            elif rate and not clock.rate:
                clock.run(rate)


@contextlib.contextmanager
def bridge(clock: BridgedClock, *, patience: float = PATIENCE) -> Iterator[None]:
    """Let this thread, and the asyncio loops that it runs, live on a test clock until the block ends.

    The clock is frozen for the block. Blocks nest; several threads may have one each.

    Args:
        clock: the test clock.
        patience: real seconds that a timed wait gives to other threads and to sockets before it is over.

    Raises:
        UserError: the running loop is not asyncio's own (uvloop): its timers cannot be moved.
    """
    with contextlib.suppress(RuntimeError):
        if not hasattr(asyncio.get_running_loop(), "_selector"):
            raise UserError("the clock bridge needs asyncio's own event loop; this one is another (uvloop?)")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_held_still(clock))
        with _aside():
            bridged = _Bridge(clock, patience)
        _patches.acquire()
        stack.callback(_patches.release)
        bridged.enter()
        stack.callback(bridged.leave)
        yield
