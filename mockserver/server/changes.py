"""What became different when a document or a scenario was read again: one line for each thing, for people.

It compares, and removes the rows that a contract does not take any more. It knows no files.
"""

from __future__ import annotations

from typing import Any

from mockserver.apis import Api
from mockserver.contract import Contract, Operation
from mockserver.contract.diff.operations import differences
from mockserver.contract.references import unescape
from mockserver.journal.entries import printable
from mockserver.messages import Write
from mockserver.scenarios import Scenario
from mockserver.state.store import Store
from mockserver.text.jsontext import to_json

SHOWN = 20
"""Operations, rules or rows that one report names."""
_AT_ONCE = ("seed", "keys", "expect")
_AT_RESET = ("credits", "clock")
"""What a scenario says of the start of a sandbox."""


def operations_changed(was: Contract, now: Contract) -> list[str]:
    """What became of the operations: a line for each that was added, removed or changed, and for its changes that may
    break clients."""
    lines = [f"added {id}" for id in now.operations if id not in was.operations]
    lines += [f"removed {id}" for id in was.operations if id not in now.operations]
    changed = {
        f"{operation.method} {operation.path}": id
        for id, operation in now.operations.items()
        if id in was.operations and _written(was, was.operations[id]) != _written(now, operation)
    }
    findings = differences(was, now, changed) if changed else []
    for title, id in changed.items():
        lines.append(f"changed {id}")
        lines += [
            f"  {finding.level}: {printable(finding.message)} [{finding.rule}]"
            for finding in findings
            if title in finding.operations and finding.level != "safe"
        ]
    return lines


def _written(contract: Contract, operation: Operation) -> bytes:
    """Everything that the document says of an operation, what it refers to included."""
    seen: dict[str, Any] = {}
    waiting: list[Any] = [operation.node]
    pointers = [parameter.pointer for parameter in operation.parameters]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            ref = node.get("$ref")
            if isinstance(ref, str) and ref not in seen:
                try:
                    seen[ref] = contract.refs.lookup(unescape(ref))
                except KeyError:
                    seen[ref] = None
                waiting.append(seen[ref])
            waiting += node.values()
    shared = [contract.refs.lookup(pointer) for pointer in pointers if pointer]
    return to_json([operation.method, operation.path, operation.node, sorted(seen.items()), shared])


def scenario_changed(was: Scenario, now: Scenario) -> list[str]:
    """What became of a scenario, with what it extends: its rules, and what else it says."""
    before, after = was.entries, now.entries
    lines = [f"added rule {id}" for id in after if id not in before]
    lines += [f"removed rule {id}" for id in before if id not in after]
    lines += [f"changed rule {id}" for id, rule in after.items() if id in before and before[id] != rule]
    kept = [rule.id for rule in was.rules if rule.id in after]
    if kept != [rule.id for rule in now.rules if rule.id in before]:
        lines.append("changed the order of the rules")
    if was.limits != now.limits:
        lines.append("changed limits")
    lines += [f"changed {name}" for name in _AT_ONCE if getattr(was.model, name) != getattr(now.model, name)]
    later = [name for name in _AT_RESET if getattr(was.model, name) != getattr(now.model, name)]
    if was.rows != now.rows:
        later.append("state")
    return [*lines, *(f"changed {name}, which takes effect when a sandbox is reset" for name in later)]


def drop_rows(store: Store, was: Api, now: Api) -> list[str]:
    """Remove the rows of an API that its contract does not take any more; a line for each, with the reason."""
    tables, gone, dropped = now.state_tables, set(was.state_tables) - set(now.state_tables), []
    for name, partitions in store.snapshot().tables.items():
        table = tables.get(name)
        if table is None and name not in gone:
            continue  # of another API
        for partition, rows in partitions.items():
            for row in rows:
                if table is None:
                    reason = "the document has no such rows any more"
                else:
                    problems = table.whole_problems(now.contract, row)
                    if not problems:
                        continue
                    reason = str(problems[0])
                if store.commit([Write(name, row["id"], None, row, partition)]) == "done":
                    dropped.append(f"{name} {printable(str(row['id']))}: {printable(reason)}")
    return dropped


def block(title: str, changes: list[str], dropped: list[str]) -> str:
    """A report of several lines, clipped."""
    lines = changes[:SHOWN]
    if len(changes) > SHOWN:
        lines.append(f"and {len(changes) - SHOWN} more")
    lines += [f"dropped {line}" for line in dropped[:SHOWN]]
    if len(dropped) > SHOWN:
        lines.append(f"and {len(dropped) - SHOWN} more rows")
    return title + ("".join(f"\n  {line}" for line in lines) or ": nothing that is served has changed")


__all__ = ["SHOWN", "block", "drop_rows", "operations_changed", "scenario_changed"]
