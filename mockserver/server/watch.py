"""Reload documents and scenarios whose files have changed, while the server goes on: `mockserver serve --watch`.

Files are looked at by their time and size, which also works where a container's mount tells of no events. A file that
changed is taken once it stands still. What is broken is reported, and what was served before goes on being served.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mockserver.apis import BUNDLED, Api
from mockserver.apis.loader import is_code, is_url, named
from mockserver.contract import Contract, Operation
from mockserver.contract.references import unescape
from mockserver.errors import UserError
from mockserver.pipeline.build import load, scenario_files
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import Scenario, load_scenario
from mockserver.scenarios.library import bundled_scenarios
from mockserver.settings import Settings
from mockserver.state.store import Snapshot
from mockserver.text.jsontext import to_json

log = logging.getLogger("mockserver")

EVERY = 0.5
"""Seconds between two looks at the files."""
_SHOWN = 20
"""Operations, rules or rows that one report names."""

Stamp = tuple[tuple[int, int] | None, ...]
"""The time of change and the size of each file; None for one that is not there."""
Apply = Callable[[Callable[[], None]], None]
"""Has a function run where requests are answered, so that none of them sees half of a change."""


class Watcher:
    """Watches what the settings name.

    Args:
        settings: what is served.
        pipeline: what serves it.
        apply: runs a change where requests are answered.
    """

    def __init__(self, settings: Settings, pipeline: Pipeline, apply: Apply) -> None:
        self._settings, self._pipeline, self._apply = settings, pipeline, apply
        self._specs: dict[str, str] = {}
        """By the name of an API: what the settings call it."""
        for spec in settings.apis:
            _, equals, path = named(spec)
            if is_url(path) or path == "-" or (not equals and (spec in BUNDLED or is_code(spec))):
                continue
            self._specs[load(settings, spec).name] = spec
        bundled = bundled_scenarios()
        self._scenarios = [file for file in scenario_files(settings) if file not in bundled]
        self._stamps: dict[str, Stamp] = {key: self._stamp(key) for key in self._watched()}
        self._moving: dict[str, Stamp] = {}
        """What has changed and is waited for to stand still."""

    def look(self) -> None:
        """Reload what has changed and stands still."""
        for key in self._watched():
            stamp = self._stamp(key)
            if stamp == self._stamps[key]:
                self._moving.pop(key, None)
            elif self._moving.get(key) != stamp or None in stamp:
                self._moving[key] = stamp  # an editor may be at it, or has moved the file away for a moment
            else:
                del self._moving[key]
                self._reload(key)
                self._stamps[key] = self._stamp(key)

    def _watched(self) -> list[str]:
        return [*self._specs, *self._scenarios]

    def _files(self, key: str) -> list[str]:
        if key in self._specs:
            return [file for file in self._pipeline.apis[key].contract.files if "://" not in file]
        return [key, *sorted(str(path) for path in Path(key).parent.glob("*.y*ml") if str(path) != key)]

    def _stamp(self, key: str) -> Stamp:
        return tuple(_stamp_of(file) for file in self._files(key))

    def _reload(self, key: str) -> None:
        try:
            if key in self._specs:
                self._reload_api(key)
            else:
                self._reload_scenario(key)
        except UserError as error:
            log.error("%s is not reloaded, and what was read before is served: %s", key, error)

    def _reload_api(self, name: str) -> None:
        was, api = self._pipeline.apis[name], load(self._settings, self._specs[name])
        for fault in api.contract.faults[:_SHOWN]:
            if fault.severity != "note":
                log.warning("%s", fault)
        changes = operations_changed(was.contract, api.contract)
        dropped: list[str] = []

        def replace() -> None:
            self._pipeline.replace(api)
            for sandbox in self._pipeline.sandboxes.all():
                dropped.extend(drop_rows(sandbox.world.store, api))

        self._apply(replace)
        _report(name, changes, dropped)

    def _reload_scenario(self, file: str) -> None:
        scenario = load_scenario(file, self._pipeline.apis)
        was = self._pipeline.sandbox.world.scenarios.get(scenario.model.api)
        changes = rules_changed(was, scenario)
        if was is not None and not changes and was.text == scenario.text:
            return
        self._apply(lambda: self._pipeline.sandbox.revise(scenario))
        _report(file, changes, [])


def _stamp_of(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _report(what: str, changes: list[str], dropped: list[str]) -> None:
    shown = "".join(f"\n  {line}" for line in changes[:_SHOWN])
    more = f"\n  and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    rows = "".join(f"\n  dropped {line}" for line in dropped[:_SHOWN])
    rest = f"\n  and {len(dropped) - _SHOWN} more rows" if len(dropped) > _SHOWN else ""
    log.info("%s is reloaded%s", what, (shown + more + rows + rest) or ": nothing that is served has changed")


def operations_changed(was: Contract, now: Contract) -> list[str]:
    """What became of the operations: one line for each that was added, removed or changed."""
    lines = [f"added {id}" for id in now.operations if id not in was.operations]
    lines += [f"removed {id}" for id in was.operations if id not in now.operations]
    for id, operation in now.operations.items():
        before = was.operations.get(id)
        if before is not None and _written(was, before) != _written(now, operation):
            lines.append(f"changed {id}")
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


def rules_changed(was: Scenario | None, now: Scenario) -> list[str]:
    """What became of the rules of a scenario."""
    before = {} if was is None else {rule.id: rule for rule in was.model.rules}
    after = {rule.id: rule for rule in now.model.rules}
    lines = [f"added rule {id}" for id in after if id not in before]
    lines += [f"removed rule {id}" for id in before if id not in after]
    lines += [f"changed rule {id}" for id, rule in after.items() if id in before and before[id] != rule]
    return lines


def drop_rows(store: Any, api: Api) -> list[str]:
    """Remove the rows of an API that its contract does not take any more; a line for each, with the reason."""
    snapshot = store.snapshot()
    dropped, tables = [], dict(snapshot.tables)
    for name, table in api.state_tables.items():
        for partition, rows in tables.get(name, {}).items():
            kept = []
            for row in rows:
                problems = table.whole_problems(api.contract, row)
                if problems:
                    dropped.append(f"{name} {row['id']}: {problems[0]}")
                else:
                    kept.append(row)
            if len(kept) < len(rows):
                tables[name] = {**tables[name], partition: kept}
    if dropped:
        store.restore(Snapshot(tables, snapshot.counters, snapshot.balance))
    return dropped


__all__ = ["EVERY", "Watcher", "drop_rows", "operations_changed", "rules_changed"]
