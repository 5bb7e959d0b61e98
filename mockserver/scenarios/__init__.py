"""Scenario files: the starting state and the failures of a sandbox."""

from mockserver.scenarios.load import (
    ScenarioError,
    ScenarioProblem,
    bundled_scenarios,
    load_scenario,
    parse_scenario,
)
from mockserver.scenarios.model import ScenarioModel
from mockserver.scenarios.rules import NO_DECISION, Decision, Facts, Rule, Scenario

__all__ = [
    "NO_DECISION",
    "Decision",
    "Facts",
    "Rule",
    "Scenario",
    "ScenarioError",
    "ScenarioModel",
    "ScenarioProblem",
    "bundled_scenarios",
    "load_scenario",
    "parse_scenario",
]
