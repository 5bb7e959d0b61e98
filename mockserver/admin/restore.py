"""Put rows, counters and the account of a sandbox in the place of what it holds, when all of it may stand there.

Must not know: HTTP, or who asks.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.apis import Api
from mockserver.errors import UserError
from mockserver.messages import JSON, Balance
from mockserver.sandbox import schedule
from mockserver.sandbox.sandbox import Sandbox
from mockserver.state.store import Snapshot


def restore(sandbox: Sandbox, apis: Mapping[str, Api], body: JSON) -> None:
    """Replace everything. Raises UserError for what the contract refuses, and has changed nothing then."""
    given = sum(len(rows) for partitions in body["tables"].values() for rows in partitions.values())
    if given > sandbox.terms.max_rows:
        raise UserError(f"there are {given:,} rows, and room for {sandbox.terms.max_rows:,} (--max-rows)")
    tables = {name: (api, table) for api in apis.values() for name, table in api.state_tables.items()}
    for row in (row for rows in body["tables"].get(schedule.TABLE, {}).values() for row in rows):
        if problem := schedule.problem(row, apis):
            raise UserError(f"{schedule.TABLE}: {problem}")
    for name, partitions in body["tables"].items():
        if name == schedule.TABLE:
            continue
        if name not in tables:
            raise UserError(f"there is no table {name!r}; there are {', '.join(tables)}")
        api, table = tables[name]
        for partition, rows in partitions.items():
            seen: set[str] = set()
            for index, row in enumerate(rows):
                where = f"{name} {partition!r} row {index}"
                if not isinstance(row.get("id"), str) or row["id"] in seen:
                    raise UserError(f"{where}: `id` must be a text that no other row has")
                seen.add(row["id"])
                problems = table.whole_problems(api.contract, row)
                if problems:
                    raise UserError(f"{where}: {problems[0]}")
    credits = body["credits"]
    if credits["consumed"] > credits["total"]:
        raise UserError("credits: more is consumed than there is in total")
    counters = {name: int(count) for name, count in body["counters"].items()}
    balance = Balance(credits["total"], credits["consumed"])
    sandbox.store.restore(Snapshot(body["tables"], counters, balance))


__all__ = ["restore"]
