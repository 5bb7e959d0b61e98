"""Who waits for a shared store while a request is answered there: a thread, or the event loop.

Must not know: which store it is, nor what is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from typing import Any, Protocol

from mockserver.errors import Problem
from mockserver.messages import Exchange

log = logging.getLogger("mockserver")


class Question(Protocol):
    """Something that is to be asked of the store."""

    def wait(self) -> Any:
        """Ask, and wait for the answer in this thread. Raises Problem when there is none."""

    def send(self, then: Callable[[Any], None]) -> bool:
        """Ask from an event loop; `then` is called with the answer or the Problem. False when only a thread can ask."""


Steps = Generator[Question, Any, Exchange]
"""A request that is answered step by step: yields what it has to know, ends with its exchange."""


def answered(steps: Steps) -> Exchange:
    """Go through the steps in this thread."""
    try:
        question = next(steps)
        while True:
            try:
                answer = question.wait()
            except Problem as problem:
                question = steps.throw(problem)
            else:
                question = steps.send(answer)
    except StopIteration as end:
        exchange: Exchange = end.value
        return exchange


def go(steps: Steps, then: Callable[[Exchange | None], None], answer: Any = None) -> None:
    """Go through the steps on the event loop without waiting; `then` is called in the end.

    Args:
        steps: the request.
        then: takes the exchange; None when a defect of ours has left it without one.
        answer: what the step before has come to.
    """
    try:
        question = steps.throw(answer) if isinstance(answer, Problem) else steps.send(answer)
    except StopIteration as end:
        then(end.value)
        return
    except Exception:
        log.exception("the mock server failed to answer a request")
        then(None)
        return

    def go_on(answer: Any) -> None:
        go(steps, then, answer)

    if not question.send(go_on):
        loop = asyncio.get_running_loop()

        def ask() -> None:
            try:
                found = question.wait()
            except Problem as problem:
                found = problem
            loop.call_soon_threadsafe(go_on, found)

        loop.run_in_executor(None, ask)
