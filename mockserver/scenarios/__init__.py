"""Scenario files: the starting state and the failures of a sandbox.

May import: `apis` and everything below it.
Must not know: sandboxes, the pipeline, ASGI.
What a server needs to answer requests is imported at once; what it takes to read a scenario file
only when there is one to read.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mockserver.scenarios.library import ScenarioError, ScenarioProblem, bundled_scenarios
from mockserver.scenarios.rules import NO_DECISION, CompiledRule, Decision, Facts, Origin, Scenario

if TYPE_CHECKING:
    from mockserver.scenarios.load import load_scenario, parse_scenario, restored
    from mockserver.scenarios.model import ScenarioModel

__all__ = [
    "NO_DECISION",
    "CompiledRule",
    "Decision",
    "Facts",
    "Origin",
    "Scenario",
    "ScenarioError",
    "ScenarioModel",
    "ScenarioProblem",
    "bundled_scenarios",
    "load_scenario",
    "parse_scenario",
    "restored",
]

_HOMES = {"load_scenario": "load", "parse_scenario": "load", "restored": "load", "ScenarioModel": "model"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mockserver.scenarios' has no attribute {name!r}")
    return getattr(import_module(f"mockserver.scenarios.{_HOMES[name]}"), name)
