"""How a sandbox stands, and what of it was steered between two looks: for those who watch it and did not steer.

Must not know: HTTP, or who steered.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from mockserver.admin.views import clock_view, scenario_name
from mockserver.clock import Hands
from mockserver.messages import JSON
from mockserver.sandbox.sandbox import Sandbox
from mockserver.state.store import Store

Steered = Literal["reset", "scenario", "clock"]


class Standing(NamedTuple):
    """What steering changes."""

    store: Store
    scenarios: tuple[tuple[str, str], ...]
    """Names and texts of the scenarios in force."""
    hands: Hands


def standing(sandbox: Sandbox) -> Standing:
    """How a sandbox stands now."""
    world = sandbox.world
    scenarios = tuple((scenario.name, scenario.text) for scenario in world.scenarios.values())
    return Standing(world.store, scenarios, world.clock.hands())


def steered(before: Standing, now: Standing) -> list[Steered]:
    """What was steered between two looks. A scenario that begins the sandbox anew is told as a scenario."""
    if before.scenarios != now.scenarios:
        return ["scenario"]
    if before.store is not now.store:
        return ["reset"]
    return ["clock"] if before.hands != now.hands else []


def steered_view(sandbox: Sandbox, what: list[Steered], is_anew: bool) -> JSON:
    """What a stream tells of it."""
    return {"what": what, "anew": is_anew, "scenario": scenario_name(sandbox), "clock": clock_view(sandbox.clock)}
