"""mem0's filters: which memories a condition selects.

The grammar is the vendor's (docs: platform/features/v2-memory-filters): AND, OR, NOT; equality;
the operators in `OPERATORS`; `*` for any value that is set; `ne` holds for what is not set too.
Nothing here raises, whatever types meet: a comparison that makes no sense does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.clock import parse_time
from mockserver.errors import UserError
from mockserver.messages import JSON
from mockserver.state.store import Row

ENTITIES = {"user": "user_id", "agent": "agent_id", "app": "app_id", "run": "run_id"}
"""The sorts of entity that a memory may belong to, with the member that names each."""

_TEXTS = {*ENTITIES.values(), "categories"}
_TIMES = {"created_at": "created_at", "updated_at": "updated_at", "timestamp": "created_at"}


def matches(filters: Mapping[str, JSON], row: Row) -> bool:
    """Whether a memory meets every condition.

    Recursion is bounded: the server refuses JSON that is nested deeper than 200 levels, and a
    level costs two frames here.
    """
    for name, wanted in filters.items():
        if name in ("AND", "OR", "NOT"):
            parts = wanted if isinstance(wanted, list) else [wanted]
            held = [isinstance(part, dict) and matches(part, row) for part in parts]
            holds = {"AND": all(held), "OR": any(held), "NOT": not any(held)}[name]
        else:
            holds = _condition(name, wanted, row)
        if not holds:
            return False
    return True


def _condition(name: str, wanted: JSON, row: Row) -> bool:
    if name == "metadata":
        return isinstance(wanted, dict) and metadata_matches(wanted, row)
    if name == "memory_ids":
        return isinstance(wanted, list) and row["id"] in wanted
    if name == "keywords":
        # A bare text searches the memory; it need not be the whole of it.
        wanted = {"icontains": wanted} if isinstance(wanted, str) and wanted != "*" else wanted
        return _holds(row["memory"], wanted)
    if name in _TIMES:
        return _holds(epoch(row[_TIMES[name]]), _times(wanted))
    # Inside AND, OR and NOT any name may stand; one that is not known selects nothing.
    return name in _TEXTS and _holds(row[name], wanted)


def metadata_matches(wanted: Mapping[str, JSON], row: Row) -> bool:
    """Whether each named key of a memory's metadata meets its condition."""
    metadata = row["metadata"] or {}
    return all(_holds(metadata.get(key), condition) for key, condition in wanted.items())


def belongs(scope: Mapping[str, str], row: Row) -> bool:
    """Whether a memory belongs to all the entities named; `*` stands for any."""
    return all(_holds(row[name], scope[name]) for name in ENTITIES.values() if name in scope)


def created_within(row: Row, start: str | None, end: str | None) -> bool:
    """Whether a memory was made between two days or moments; both are included, a day wholly."""
    made = row["created_at"]
    if start is not None and (epoch(made) or 0.0) < (epoch(start) or 0.0):
        return False
    if end is None:
        return True
    if len(end) == len("2026-01-01"):
        return bool(made[: len(end)] <= end)
    return (epoch(made) or 0.0) <= (epoch(end) or 0.0)


def epoch(moment: JSON) -> float | None:
    """Epoch seconds of a number or of an ISO 8601 text; None for anything else."""
    if isinstance(moment, bool) or not isinstance(moment, int | float | str):
        return None
    if not isinstance(moment, str):
        return moment
    try:
        return parse_time(moment)
    except UserError:
        return None


def _times(wanted: JSON) -> JSON:
    """A condition on a time, its moments as epoch seconds, so that any notation compares."""
    if isinstance(wanted, dict):
        return {name: _times(value) for name, value in wanted.items()}
    if isinstance(wanted, list):
        return [epoch(one) for one in wanted]
    return wanted if wanted == "*" else epoch(wanted)


def _holds(actual: JSON, wanted: JSON) -> bool:
    if wanted == "*":
        return actual is not None
    if isinstance(wanted, dict) and wanted and wanted.keys() <= OPERATORS.keys():
        return all(OPERATORS[name](actual, value) for name, value in wanted.items())
    return _equal(actual, wanted)


def _equal(actual: JSON, wanted: JSON) -> bool:
    """Equality as JSON has it: true is not 1. A list equals each of its items as well."""
    if isinstance(actual, list) and not isinstance(wanted, list):
        return any(_equal(item, wanted) for item in actual)
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return actual is wanted
    return bool(actual == wanted)


def _in(actual: JSON, wanted: JSON) -> bool:
    return isinstance(wanted, list) and any(_equal(actual, one) for one in wanted)


def _contains(actual: JSON, wanted: JSON) -> bool:
    if isinstance(actual, list):
        return any(_contains(item, wanted) if isinstance(item, str) else _equal(item, wanted) for item in actual)
    return isinstance(actual, str) and isinstance(wanted, str) and wanted in actual


def _icontains(actual: JSON, wanted: JSON) -> bool:
    return _contains(_folded(actual), _folded(wanted))


def _folded(value: JSON) -> JSON:
    if isinstance(value, list):
        return [_folded(item) for item in value]
    return value.casefold() if isinstance(value, str) else value


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[JSON, JSON], bool]:
    """Order is between two numbers or between two texts."""

    def compare(actual: JSON, wanted: JSON) -> bool:
        for kind in (int | float, str):
            if isinstance(actual, kind) and isinstance(wanted, kind):
                return not isinstance(actual, bool) and not isinstance(wanted, bool) and holds(actual, wanted)
        return False

    return compare


OPERATORS: dict[str, Callable[[JSON, JSON], bool]] = {
    "eq": _equal,
    "ne": lambda actual, wanted: not _equal(actual, wanted),
    "in": _in,
    "gt": _ordered(lambda actual, wanted: bool(actual > wanted)),
    "gte": _ordered(lambda actual, wanted: bool(actual >= wanted)),
    "lt": _ordered(lambda actual, wanted: bool(actual < wanted)),
    "lte": _ordered(lambda actual, wanted: bool(actual <= wanted)),
    "contains": _contains,
    "icontains": _icontains,
}
"""What may stand in place of a value, by name: given the actual value and the operand."""
