"""Tools that check, set and show scenarios: what fails in a sandbox, and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mockserver.admin.tools.excerpts import bounded, fitting
from mockserver.admin.tools.shared import Result, Sandbox, Tools
from mockserver.errors import UserError

SOURCE = "scenario.yaml"
"""What messages call a scenario that was sent."""
Yaml = Annotated[str, Field(description="The whole text of a scenario, as YAML or JSON.")]


class ScenarioTools(Tools):
    """The tools about scenarios."""

    def list_scenarios(self) -> Result:
        """List the scenarios that set_scenario and create_sandbox take by name."""
        rows = self._client.scenarios()
        return {"scenarios": fitting(rows), "total": len(rows)}

    def get_scenario(self, sandbox: Sandbox = "") -> Result:
        """Show the scenario in force with its text, and how often each of its rules acted. `name` is null for none."""
        return bounded(self._at(sandbox).scenario())

    def check_scenario(self, yaml: Yaml) -> Result:
        """Check the text of a scenario and change nothing. `problems` name line, column, rule and what is wrong.

        The resource mockserver://schemas/scenario is the JSON Schema of scenarios.
        """
        return bounded(self._client.check_scenario(yaml))

    def set_scenario(
        self,
        yaml: Yaml = "",
        name: Annotated[str, Field(description="Name of a scenario, as list_scenarios shows it.")] = "",
        sandbox: Sandbox = "",
    ) -> Result:
        """Set the scenario of a sandbox: what fails, and when. Give `yaml` or `name`, not both.

        The sandbox starts anew with it: state, credits, limits, clock and journal. A scenario with a problem changes
        nothing, and the error names line and column. An example that lets the third create fail:

            version: 1
            name: third-create-fails
            api: datagrid
            rules:
              - id: third-create
                op: Memory.createUserMemory
                when: {call: 3}
                reply: {rate_limited: {retry_after: 2s}}

        A rule has an `id`, an operation `op` (an operationId, or "*"), a condition `when` (call: 3, 2..4 or every 10;
        body, header, query, method, path, chance, window) and either `reply` (rate_limited, out_of_credits,
        unauthorized, not_found, {server_error: {status: 503}}, or {status: 502, body: text}), `fault` ({latency: 2s},
        {reset: before} or after_commit, {billing_write: lost}, {body: {truncate: 0.5}}), or `sequence`, a list of
        actions for call after call: [ok, ok, rate_limited, {fault: {latency: 2s}}]. A response that breaks the
        contract needs `violates: reason`. The first rule that acts wins.
        """
        if bool(yaml) == bool(name):
            raise UserError("give either `yaml`, the text of a scenario, or `name`, that of a known one")
        client = self._at(sandbox)
        shown = client.upload_scenario(yaml, SOURCE) if yaml else client.use_scenario(name)
        return bounded({"name": shown["name"], "rules": shown["rules"], "sandbox": client.sandbox})

    def remove_scenario(self, sandbox: Sandbox = "") -> Result:
        """Go on without a scenario: nothing fails on command from here on. State, credits and journal stay."""
        client = self._at(sandbox)
        client.remove_scenario()
        return {"name": None, "sandbox": client.sandbox}
