"""Who waits for a shared store while a request is answered there: a thread, or the event loop.

Must not know: which store it is, nor what is asked.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from mockserver.errors import Problem
from mockserver.messages import Exchange


class Question(Protocol):
    """Something that is to be asked of the store."""

    def wait(self) -> Any:
        """Ask, and wait for the answer in this thread. Raises Problem when there is none."""


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
