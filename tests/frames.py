"""How long a page works for each of its frames, in time of its own thread, so that a busy machine does not count.

Must not know: what the page shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from playwright.sync_api import Browser, Page

MARK = "mockserver-frame"
"""What the page notes at the beginning of each frame."""
TASK = "ThreadControllerImpl::RunTask"
"""What Chromium calls a piece of work of a thread."""
_CATEGORIES = ["toplevel", "blink.user_timing", "__metadata"]
_FRAMES = "const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
_MARKING = f"""() => {{
    {_FRAMES}
    const frame = () => {{ performance.mark("{MARK}"); window.marking = requestAnimationFrame(frame); }};
    requestAnimationFrame(frame);
    return frames();
}}"""
_ENDING = f"() => {{ {_FRAMES} return frames().then(() => cancelAnimationFrame(marking)); }}"
"""Both last until what was begun before is drawn and marked."""


@contextmanager
def frames_of(browser: Browser, page: Page) -> Iterator[list[float]]:
    """Collects, until the block ends, the milliseconds that the page's main thread worked from frame to frame."""
    worked: list[float] = []
    browser.start_tracing(page=page, categories=_CATEGORIES)
    page.evaluate(_MARKING)
    try:
        yield worked
        page.evaluate(_ENDING)
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    worked += _between(events)


def _between(events: list[dict[str, Any]]) -> list[float]:
    marks = [event for event in events if event["name"] == MARK]
    thread = {(event["pid"], event["tid"]) for event in marks}
    tasks = [event for event in events if event["name"] == TASK and (event["pid"], event["tid"]) in thread]
    tasks.sort(key=lambda task: task["ts"])
    worked, place = [], 0
    for _, end in pairwise(sorted(mark["ts"] for mark in marks)):
        total = 0.0
        while place < len(tasks) and tasks[place]["ts"] < end:
            total += tasks[place].get("tdur", 0) / 1000
            place += 1
        worked.append(total)
    return worked[1:]  # the first one has what came before it
