"""Resilience coverage: which of the ways the vendor can answer has a test-suite seen?

Every way is a goal: each declared status of each operation, the documented variants of its
responses, and the kinds of fault. Journal entries tick goals off. What a client never received does
not count: of a response that was lost on its way only the fault is seen, and of one that broke the
contract on purpose (`violates`) too. A failure of the mock itself counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mockserver.apis import Api
from mockserver.contract import Operation
from mockserver.contract.overlay import PROVENANCES
from mockserver.contract.references import unescape
from mockserver.errors import UserError
from mockserver.journal.coverage import StatusCoverage
from mockserver.messages import JSON
from mockserver.text.documents import pointer_of

VERSION = 1
"""Of the JSON form."""

GoalKind = Literal["status", "variant", "fault"]
Entry = Mapping[str, Any]
"""A journal entry as the admin API shows it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One way to be answered, and how often it was seen."""

    api: str
    operation: str
    """The operationId; "" for a fault, which belongs to the whole API."""
    kind: GoalKind
    name: str
    """A key of the operation's responses (`429`, `4XX`, `default`), or the name of a variant or fault."""
    seen: int
    provenance: str
    """How we know: `documented`, `sdk`, or `assumed` when the vendor does not say; "" for a fault."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault."""

    seen: Callable[[Entry, Api], bool]
    """Whether an entry shows it."""
    how: str
    """What to write into a scenario's rule to make it happen."""
    metered: bool = False
    """Whether only an API that meters credits can have it."""


def _damaged(entry: Entry) -> bool:
    """The rule damages it; or it breaks the contract on purpose, with a body that is no JSON or not valid."""
    if entry["lost"] or not entry["violates"]:
        return False
    breaches = [found for found in entry["violations"] if found["side"] == "declared" and found["where"] == "body"]
    return _has(entry, "body", "content_type") or bool(breaches) or isinstance(_reply(entry).get("body"), str)


def _unbilled(entry: Entry, api: Api) -> bool:
    """An operation that costs something ran and cost nothing. What it costs is never zero."""
    ran = entry["operation"] in api.costs and entry["committed"] and not entry["lost"]
    return bool(ran and not entry["charged"])


def _has(entry: Entry, *faults: str) -> bool:
    return not set(faults).isdisjoint(entry.get("faults", []))


def _reply(entry: Entry) -> Mapping[str, Any]:
    return entry["response"] or {}


FAULT_KINDS: dict[str, FaultKind] = {
    "latency": FaultKind(lambda e, _: not e["lost"] and _has(e, "latency", "drip"), "fault: {latency: 2s}"),
    "reset before": FaultKind(lambda e, _: e["lost"] == "reset_before", "fault: {reset: before}"),
    "reset after commit": FaultKind(lambda e, _: e["lost"] == "reset_after_commit", "fault: {reset: after_commit}"),
    "empty": FaultKind(lambda e, _: e["lost"] == "empty", "fault: {empty: true}"),
    "hang": FaultKind(lambda e, _: e["lost"] == "hang", "fault: {hang: 5s}"),
    "damaged body": FaultKind(lambda e, _: _damaged(e), "fault: {body: {truncate: 0.5}}"),
    "lost billing write": FaultKind(_unbilled, "fault: {billing_write: lost}", metered=True),
    "429 with Retry-After": FaultKind(
        lambda e, _: not e["lost"] and e["status"] == 429 and "retry-after" in _reply(e).get("headers", {}),
        "reply: {rate_limited: {retry_after: 2s}}",
    ),
    "5xx": FaultKind(lambda e, _: not e["lost"] and 500 <= e["status"] <= 599, "reply: {server_error: {status: 503}}"),
}
"""The kinds of fault, in the order of a report. `latency` is any slow response, so a dripped one too."""

_Key = tuple[str, str, GoalKind, str]


class Coverage:
    """Counts how often each goal was seen.

    Args:
        apis: the APIs that were served, by name. They say what the goals are.
    """

    def __init__(self, apis: Mapping[str, Api]) -> None:
        self.apis = apis
        self._statuses = StatusCoverage(
            {
                (api.name, operation.id): operation.declared
                for api in apis.values()
                for operation in api.contract.operations.values()
            }
        )
        self._goals: dict[_Key, str] = {}
        for api in apis.values():
            words = {addition.pointer: addition.provenance for addition in api.contract.additions}
            for operation in api.contract.operations.values():
                self._declare(api.name, operation, words)
            if api.behaviours:
                for name, fault in FAULT_KINDS.items():
                    if api.costs or not fault.metered:
                        self._goals[api.name, "", "fault", name] = ""
        self._others: Counter[_Key] = Counter()
        """How often each goal was seen that is no status."""

    def _declare(self, api: str, operation: Operation, words: Mapping[str, str]) -> None:
        for status in operation.declared:
            self._goals[api, operation.id, "status", status] = _provenance(operation, status, words)
        for name in self.apis[api].variants.get(operation.id, {}):
            origin = _provenance(operation, str(operation.success), words)
            self._goals[api, operation.id, "variant", name] = origin

    def add(self, entries: Iterable[Entry], answers: Iterable[Mapping[str, Any]] | None = None) -> None:
        """Count journal entries. Those of unknown APIs and operations are passed over.

        Args:
            entries: the entries, as the admin API shows them.
            answers: the operations of the admin API's coverage, which counts the statuses of those exchanges too that
                a full journal has dropped. None counts the statuses of the entries.
        """
        for answer in answers or ():
            api, operation, statuses = answer["api"], answer["operation"], answer["statuses"]
            for status, times in statuses.items():
                self._statuses.take(api, operation, int(status), times)
            self._statuses.take(api, operation, 0, answer["calls"] - sum(statuses.values()))
        for entry in entries:
            of = entry["api"], entry["operation"]
            if of in self._statuses.declared:
                how = {name: entry[name] for name in ("lost", "violates", "defect")}
                received = entry["status"] > 0 and not any(how.values())
                if answers is None:
                    self._statuses.add(*of, entry["status"], **how)
                if not entry["defect"]:
                    shown = _shown(self.apis[entry["api"]], entry, received)
                    self._others.update(key for key in shown if key in self._goals)

    def merge(self, other: JSON) -> None:
        """Add the counts of another one's `as_json`: of another worker, or another run.

        What is no goal here is passed over. Merging the same counts twice counts them twice.

        Raises:
            UserError: it is not the JSON form of a coverage. Nothing has been added then.
        """
        calls, seen = _read(other)
        self._statuses.calls.update({key: n for key, n in calls.items() if key in self._statuses.declared})
        for key, count in seen.items():
            api, operation, kind, name = key
            if key in self._goals and kind == "status":
                self._statuses.seen[api, operation, name] += count
            elif key in self._goals:
                self._others[key] += count

    def as_json(self) -> dict[str, Any]:
        """Everything as plain JSON: for `merge`, and for other programs."""
        calls = {
            api: {id: n for (name, id), n in sorted(self._statuses.calls.items()) if name == api}
            for api in sorted({name for name, _ in self._statuses.calls})
        }
        goals = [asdict(goal) for goal in self.goals()]
        return {"version": VERSION, "percent": self.percent, "calls": calls, "goals": goals}

    def goals(self) -> list[Goal]:
        """All goals, in the order of the documents; those of APIs that were not called too."""
        return [Goal(*key, self._times(*key), origin) for key, origin in self._goals.items()]

    def _times(self, api: str, operation: str, kind: GoalKind, name: str) -> int:
        if kind == "status":
            return self._statuses.seen[api, operation, name]
        return self._others[api, operation, kind, name]

    def counted(self) -> list[Goal]:
        """The goals that the percentage is of: a suite is not validated on an API that it never calls."""
        called = {name for name, _ in self._statuses.calls}
        return [goal for goal in self.goals() if goal.api in called]

    def called(self, api: str) -> bool:
        """Whether any operation of an API was called."""
        return any(name == api for name, _ in self._statuses.calls)

    def calls(self, api: str, operation: str) -> int:
        """How often an operation was called."""
        return self._statuses.calls[api, operation]

    @property
    def percent(self) -> float:
        """Share of the counted goals that were seen, 0 to 100; 0 when nothing was called."""
        goals = self.counted()
        if not goals:
            return 100.0 if self._statuses.calls else 0.0
        return 100 * sum(goal.seen > 0 for goal in goals) / len(goals)


def _provenance(operation: Operation, status: str, words: Mapping[str, str]) -> str:
    """The weakest word on a status: its own or that of what it stands in, its body's, and that of the
    shared response it refers to. What no overlay added is `documented`."""
    pointer = pointer_of(["paths", operation.path, operation.method.lower(), "responses", status])
    node = operation.node.get("responses", {}).get(status)
    shared = unescape(str(node["$ref"])) if isinstance(node, dict) and "$ref" in node else ""
    found = [_nearest(words, pointer), words.get(f"{pointer}/content", ""), _nearest(words, shared)]
    return max((word for word in found if word in PROVENANCES), key=PROVENANCES.index, default="documented")


def _nearest(words: Mapping[str, str], pointer: str) -> str:
    while pointer and pointer not in words:
        pointer = pointer.rpartition("/")[0]
    return words.get(pointer, "")


def _shown(api: Api, entry: Entry, received: bool) -> Iterable[_Key]:
    """The faults and the variants that one entry shows, and perhaps some that are no goals.

    `received` says that its response reached the client as the contract has it.
    """
    for name, fault in FAULT_KINDS.items():
        if fault.seen(entry, api):
            yield api.name, "", "fault", name
    body = _reply(entry).get("body")
    if received and 200 <= entry["status"] <= 299 and isinstance(body, dict):
        for name, matches in api.variants.get(entry["operation"], {}).items():
            if matches(body):
                yield api.name, entry["operation"], "variant", name


def _read(other: JSON) -> tuple[dict[tuple[str, str], int], dict[_Key, int]]:
    """The counts in a JSON form."""
    try:
        if other["version"] != VERSION:
            raise UserError(f"this coverage is of version {other['version']!r}; this program reads {VERSION}")
        calls = {(api, id): _count(n) for api, ids in other["calls"].items() for id, n in ids.items()}
        seen = {(g["api"], g["operation"], g["kind"], g["name"]): _count(g["seen"]) for g in other["goals"]}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"this is not a coverage that mockserver wrote: {error!r}") from None
    return {key: n for key, n in calls.items() if n}, seen


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value
