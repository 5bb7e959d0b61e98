"""Round trips over one document: a row is created, read, listed, changed, deleted and read again.

Used by `benchmarks.corpus --resources`. A pair is an operation that creates rows and one that reads one of them by
its id, as the shape of the paths tells: POST on a path, and GET on the path with one variable behind it. The
requests are made from the contract and go through the whole pipeline in this process. A pair is whole when every step
that the document has an operation for holds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from mockserver.apis import Api
from mockserver.apis.resources import ids
from mockserver.apis.resources.behaviours import Resourceful
from mockserver.apis.resources.model import Resource
from mockserver.apis.resources.shown import row_in
from mockserver.contract import Contract, Operation
from mockserver.contract.request_samples import RequestSamples
from mockserver.messages import Exchange, Request
from mockserver.pipeline.pipeline import Pipeline

STEPS = ("create", "read", "members", "list", "change", "delete", "gone")
"""What is looked at of a pair, in this order."""


SHOWN = 25
"""Reasons and defects that are shown."""


@dataclass
class Trips:
    """What became of the pairs of one document."""

    pairs: int = 0
    whole: int = 0
    idless: int = 0
    """Pairs whose documented read shows no member that may be the id; the other steps decide."""
    held: dict[str, int] = field(default_factory=dict)
    """By step: pairs in which it holds."""
    tried: dict[str, int] = field(default_factory=dict)
    why: list[tuple[str, str, str]] = field(default_factory=list)
    """Operation, step, and why it does not hold."""
    defects: list[tuple[str, str]] = field(default_factory=list)
    """Operations that were answered 500, or off contract, and what was said of them."""


def round_trips(contract: Contract) -> Trips:
    """Try every pair of a document, each in a state of its own."""
    trips = Trips()
    api = Api(contract.name, contract, unknown_ids="imagine")
    pairs = set(_pairs(contract))
    resources = {operation: resource for resource in api.resources for operation in resource.operations}
    for create, read in sorted(pairs):
        trips.pairs += 1
        _Trip(contract, api, resources.get(create), create, read, trips).go()
    return trips


def _pairs(contract: Contract) -> list[tuple[str, str]]:
    """The ids of the operations that make a pair."""
    posts = {o.path.rstrip("/"): o.id for o in contract.operations.values() if o.method == "POST"}
    pairs = []
    for operation in contract.operations.values():
        collection, _, last = operation.path.rstrip("/").rpartition("/")
        if operation.method == "GET" and last.startswith("{") and last.endswith("}") and collection in posts:
            pairs.append((posts[collection], operation.id))
    return pairs


def report_trips(by_name: dict[str, Trips], seconds: float) -> str:
    """What a person reads."""
    pairs, whole = (sum(getattr(trips, name) for trips in by_name.values()) for name in ("pairs", "whole"))
    idless = sum(trips.idless for trips in by_name.values())
    defects = [(name, *defect) for name, trips in by_name.items() for defect in trips.defects]
    lines = [
        f"documents   {len(by_name):,}, in {seconds:.1f} seconds of CPU",
        f"pairs       {pairs:,}: {whole:,} whole ({100 * whole / max(pairs, 1):.2f} %)",
        f"without id  {idless:,}: the documented read shows no member that may be the id, and the other steps decide",
        f"defects     {len(defects)} responses of 500 or off contract",
        "",
    ]
    for step in STEPS:
        held = sum(trips.held.get(step, 0) for trips in by_name.values())
        tried = sum(trips.tried.get(step, 0) for trips in by_name.values())
        lines.append(f"{step:<10}  {held:6,} of {tried:6,}  ({100 * held / max(tried, 1):.2f} %)")
    reasons: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for name, trips in by_name.items():
        for operation, step, why in trips.why:
            key = step, why[:60]
            reasons[key] += 1
            examples.setdefault(key, f"{name} {operation}")
    lines += ["", "why not"]
    lines += [f"  {n:5,} {step}: {why}  ({examples[step, why]})" for (step, why), n in reasons.most_common(SHOWN)]
    lines += [f"\n  {name} {operation}: {text}" for name, operation, text in defects[:SHOWN]]
    return "\n".join(lines)


class _Trip:
    """One pair on its way."""

    def __init__(
        self, contract: Contract, api: Api, resource: Resource | None, create: str, read: str, trips: Trips
    ) -> None:
        self.contract, self.resource, self.trips = contract, resource, trips
        self.create, self.read = contract.operations[create], contract.operations[read]
        self.pipeline = Pipeline([api])
        self.requests = RequestSamples(contract)
        self.is_whole = True

    def go(self) -> None:
        """Take all the steps; the first that cannot be taken ends it."""
        try:
            self._go()
        except Exception as error:  # a benchmark tells, and goes on
            self._note("create", f"crash: {type(error).__name__}: {error}"[:200])
        self.trips.whole += self.is_whole

    def _go(self) -> None:
        variables = self._variables()
        sent = self.requests.body(self.create)
        created = self._send("create", self.create, variables, sent)
        if created is None:
            return
        key = self._key(created)
        if not self._hold("create", key != "", "the response does not tell the id"):
            return
        variables[_last_variable(self.read)] = key
        seen = self._send("read", self.read, variables)
        if seen is None:
            return
        if self._shows_id() or _has(seen, key):
            if not self._hold("read", _has(seen, key), "the id is not in what is read"):
                return
        else:
            self.trips.idless += 1
        missing = self._missing(sent, seen)
        self._hold("members", not missing, f"sent, declared, and not in what is read: {', '.join(missing)}"[:200])
        resource = self.resource
        if resource is None:
            return
        listing = resource.with_role("list")
        if listing is not None:
            listed = self._send("list", listing, variables)
            view = Resourceful(self.contract, resource).listing(listing).view
            rows = listed is not None and (not view.id_member or _has(listed, key))
            self._hold("list", rows, "the id is not in the list")
        change = resource.with_role("update", "replace")
        if change is not None:
            changed = self._send("change", change, variables, self.requests.body(change))
            again = self._send("change", self.read, variables) if changed is not None else None
            is_read = again is not None and (not self._shows_id() or _has(again, key))
            self._hold("change", is_read, "it cannot be read after it")
        delete = resource.with_role("delete")
        if delete is not None:
            if self._send("delete", delete, variables) is None:
                return
            self._hold("delete", True, "")
            gone = self._exchange(self.requests.request(self.read, variables))
            self._hold("gone", gone.status == 404, f"a read after it is {gone.status}")

    def _shows_id(self) -> bool:
        """Whether the schema of what is read has a member that may be the id."""
        if self.resource is None:
            return True
        view = Resourceful(self.contract, self.resource).shown(self.read).view
        return view is not None and bool(view.id_member)

    def _variables(self) -> dict[str, str]:
        """Values for the variables of the collection's path."""
        request = self.requests.request(self.create)
        values = self.pipeline.routes.find("POST", request.path).values
        return dict(values)

    def _key(self, exchange: Exchange) -> str:
        """The id that the response to a creation tells: by its member, by Location, or as it was sent."""
        response = exchange.response
        if response is None or self.resource is None:
            return ""
        shown = Resourceful(self.contract, self.resource).shown(self.create)
        if shown.view is not None and shown.view.id_member:
            row = row_in(response.data, shown.view)
            if shown.view.id_member in row:
                return ids.text_of(row[shown.view.id_member])
        return response.headers.get("location", "").rstrip("/").rpartition("/")[2]

    def _missing(self, sent: Any, exchange: Exchange) -> list[str]:
        """Members that were sent, that what is read may have, and that it does not have so."""
        data = exchange.response.data if exchange.response is not None else None
        if not isinstance(sent, dict) or self.resource is None or data is None:
            return []
        resourceful = Resourceful(self.contract, self.resource)
        draft, shown = resourceful.draft(self.create), resourceful.shown(self.read)
        row = row_in(data, shown.view) if shown.view is not None else {}
        return [
            name
            for name, value in draft.sent(sent).items()
            if name in shown.outline.members
            and self.contract.accepts(shown.outline.members[name], value)
            and row.get(name) != value
        ]

    def _send(self, step: str, operation: Operation, variables: dict[str, str], body: Any = None) -> Exchange | None:
        """An exchange that is a success; None when it is none, which is noted."""
        exchange = self._exchange(self.requests.request(operation, variables, body))
        if 200 <= exchange.status < 400:
            return exchange
        self._note(step, f"{operation.method} is {exchange.status}: {exchange.defect or exchange.reason}"[:200])
        return None

    def _exchange(self, request: Request) -> Exchange:
        exchange = self.pipeline.exchange(request)
        if exchange.defect or exchange.status == 500 or any(v.side == "server" for v in exchange.violations):
            self.trips.defects.append((exchange.operation, (exchange.defect or exchange.reason)[:300]))
        return exchange

    def _hold(self, step: str, holds: bool, why: str) -> bool:
        self.trips.tried[step] = self.trips.tried.get(step, 0) + 1
        if holds:
            self.trips.held[step] = self.trips.held.get(step, 0) + 1
        else:
            self.is_whole = False
            self.trips.why.append((self.create.id, step, why))
        return holds

    def _note(self, step: str, why: str) -> None:
        self._hold(step, False, why)


def _last_variable(operation: Operation) -> str:
    return operation.path.rstrip("/").rpartition("{")[2].rstrip("}")


def _has(exchange: Exchange, key: str) -> bool:
    """Whether a body shows an id, as a text or as a number."""
    response = exchange.response
    data = response.data if response is not None else None
    if response is not None and data is None and response.content:
        data = orjson.loads(response.content)
    return _holds(data, key)


def _holds(node: Any, key: str) -> bool:
    if isinstance(node, dict):
        return key in node or any(_holds(value, key) for value in node.values())
    if isinstance(node, list):
        return any(_holds(item, key) for item in node)
    return node is not None and not isinstance(node, bool) and ids.text_of(node) == key


__all__ = ["STEPS", "Trips", "report_trips", "round_trips"]
