"""Tools that make and remove sandboxes, and that show what is stored in one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mockserver.admin.tools.excerpts import ROOM, fitting, whole_or_cut
from mockserver.admin.tools.shared import Limit, Offset, Result, Sandbox, Tools
from mockserver.errors import UserError, did_you_mean

_LISTED = ("name", "scenario", "clock", "credits", "requests", "defects", "invalid")


class SandboxTools(Tools):
    """The tools about sandboxes."""

    def list_sandboxes(self, offset: Offset = 0, limit: Limit = 50) -> Result:
        """List the sandboxes: name, scenario in force, test clock, credits, and counts of requests.

        A sandbox is a world of its own with state, credits, rate limits, clock, scenario and journal. `default` is
        always there. `defects` counts failures of the mock itself, `invalid` requests that broke the contract.
        """
        rows = self._client.sandboxes()
        listed = [{name: row[name] for name in _LISTED} for row in rows[offset : offset + limit]]
        return {"sandboxes": fitting(listed), "total": len(rows)}

    def show_sandbox(self, sandbox: Sandbox = "") -> Result:
        """Show a sandbox: base URLs and key for a client, scenario, clock, credits, and counts of requests."""
        return self._at(sandbox).show()

    def create_sandbox(
        self,
        name: Annotated[
            str, Field(description="Lower-case letters, digits, `.`, `_`, `-`. Empty: one is made up.")
        ] = "",
        scenario: Annotated[str, Field(description="Name of a scenario, as list_scenarios shows it.")] = "",
        credits: Annotated[float | None, Field(description="Credits to start with.")] = None,
        rate_limit: Annotated[str, Field(description="`3/10s`, `off`, or `vendor` for that of the vendor.")] = "",
    ) -> Result:
        """Create a sandbox, so that a test disturbs nobody else, and nobody disturbs the test.

        Give the client a URL from `base_urls` as its base URL and `api_key` as its key, which is the only one that is
        valid there. `client_kwargs` are the same as arguments of the vendor's own client.
        Delete it with delete_sandbox when the work is done.
        """
        terms = {"scenario": scenario or None, "credits": credits, "rate_limit": rate_limit or None}
        return self._client.create(name or None, **terms)

    def reset_sandbox(self, sandbox: Sandbox = "") -> Result:
        """Put a sandbox back to where its scenario starts.

        State, credits, limits, counters, clock and journal start anew. Name, key and scenario stay.
        """
        client = self._at(sandbox)
        client.reset()
        return client.show()

    def delete_sandbox(self, sandbox: Annotated[str, Field(description="Name of the sandbox.")]) -> Result:
        """Remove a sandbox with everything in it. The `default` one cannot be removed; reset it instead."""
        self._client.at(sandbox).delete()
        return {"deleted": sandbox}

    def read_state(
        self,
        table: Annotated[str, Field(description="A table. Empty: count the rows of all tables.")] = "",
        partition: Annotated[str | None, Field(description="A tenant: Datagrid's teamspace. Left out: all.")] = None,
        offset: Offset = 0,
        limit: Limit = 20,
        sandbox: Sandbox = "",
    ) -> Result:
        """Read what a sandbox stores: without `table` the number of rows by table, with `table` its rows, newest first.

        Rows are kept by tenant (`partition`); "" is the home one.
        """
        state = self._at(sandbox).state()
        tables = state["tables"]
        if not table:
            counts = [
                {"table": name, "partition": key, "rows": len(rows)}
                for name, partitions in tables.items()
                for key, rows in partitions.items()
            ]
            return {
                "tables": fitting(counts[offset : offset + limit]),
                "total": len(counts),
                "credits": state["credits"],
            }
        if table not in tables:
            known = f"; there are {', '.join(tables)}" if tables else "; nothing is stored yet"
            raise UserError(f"there is no table {table[:80]!r}{did_you_mean(table, tables) or known}")
        rows = [
            {"partition": key, "row": row}
            for key, stored in tables[table].items()
            if partition in (None, key)
            for row in reversed(stored)
        ]
        shown = [{**row, "row": whole_or_cut(row["row"], ROOM // 2)} for row in rows[offset : offset + limit]]
        return {"rows": fitting(shown), "total": len(rows)}
