"""All tools, and what each does to the server: `reads` it, `changes` it, or `removes` what cannot be had back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from mockserver.admin.client import AdminClient
from mockserver.admin.tools.contracts import ContractTools
from mockserver.admin.tools.control import ControlTools
from mockserver.admin.tools.journal import JournalTools
from mockserver.admin.tools.sandboxes import SandboxTools
from mockserver.admin.tools.scenarios import ScenarioTools
from mockserver.admin.tools.shared import Result

Effect = Literal["reads", "changes", "removes"]

EFFECTS: dict[str, Effect] = {
    "list_apis": "reads",
    "list_operations": "reads",
    "describe_operation": "reads",
    "read_contract": "reads",
    "list_sandboxes": "reads",
    "show_sandbox": "reads",
    "create_sandbox": "changes",
    "reset_sandbox": "removes",
    "delete_sandbox": "removes",
    "list_scenarios": "reads",
    "get_scenario": "reads",
    "check_scenario": "reads",
    "set_scenario": "removes",
    "remove_scenario": "changes",
    "advance_clock": "changes",
    "set_clock": "changes",
    "set_credits": "changes",
    "list_limits": "reads",
    "read_state": "reads",
    "list_exchanges": "reads",
    "get_exchange": "reads",
    "verify": "reads",
    "check_expectations": "reads",
    "check_retries": "reads",
}


class Tool(NamedTuple):
    """A tool by its name."""

    name: str
    function: Callable[..., Result]
    effect: Effect


class AllTools(ContractTools, SandboxTools, ScenarioTools, ControlTools, JournalTools):
    """Every tool."""


def tools(client: AdminClient) -> Iterator[Tool]:
    """The tools for a server, at the sandbox that is meant where none is named."""
    bound = AllTools(client)
    for name, effect in EFFECTS.items():
        yield Tool(name, getattr(bound, name), effect)
