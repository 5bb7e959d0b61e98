"""What an API lets a client create, change and delete, tried on rows of our own that are removed again.

A row is made, read, changed, read, deleted and asked for once more. Must not know: sockets; it asks by a function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mockserver.apis.resources.model import Resource
from mockserver.conform.cases import READ_ONLY, Case
from mockserver.conform.differences import Difference
from mockserver.conform.known import Known
from mockserver.conform.outcomes import Seen
from mockserver.contract import Contract, Operation
from mockserver.messages import JSON
from mockserver.text.jsontext import json_or_text

Ask = Callable[[Case], Awaitable[Seen | None]]
Have = Callable[[Seen], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A row that a request made on the real server."""

    resource: Resource
    variables: Mapping[str, str]
    """Those of the path that names it."""

    @property
    def text(self) -> str:
        """What it is, for a reader."""
        return f"{self.resource.singular} {self.variables.get(self.resource.variables[-1], '')!r}"


class Writes:
    """Writes to a server, and cleans up.

    Args:
        contract: the contract.
        known: finds rows in responses.
        ask: sends a case.
        have: takes what is known of a response in the place of what was.
    """

    def __init__(self, contract: Contract, known: Known, ask: Ask, have: Have) -> None:
        self._contract, self._known, self._ask, self._have = contract, known, ask, have
        self.made: list[Made] = []
        """Rows that are not removed yet."""

    def note(self, seen: Seen) -> None:
        """Remember what a request made, and what it removed."""
        operation = self._contract.operations[seen.case.operation]
        resource = self._known.resource(operation) if operation.method not in READ_ONLY else None
        if resource is None or resource.is_singleton or not 200 <= seen.response.status < 300:
            return
        role = resource.operations[operation.id][1]
        if role == "create":
            id = self._known.id_of(operation, self._known.row_in(operation, seen.body))
            if id:
                own = {name: seen.variables.get(name, "") for name in resource.parents}
                self.made.append(Made(resource, {**own, resource.variables[-1]: id}))
        elif role == "delete":
            self.made = [made for made in self.made if dict(made.variables) != dict(seen.variables)]

    async def try_all(self, skipped: frozenset[str]) -> list[str]:
        """Try every resource that rows can be made of; what could not be tried, and why."""
        unchecked: list[str] = []
        tried: set[str] = set()
        for resource in sorted(self._known.resources, key=lambda one: one.path.count("{")):
            create = resource.with_role("create")
            if create is None or resource.is_singleton or create.id in skipped:
                continue
            tried |= await self._try(resource, create, unchecked, skipped)
        for operation in self._contract.operations.values():
            if operation.method not in READ_ONLY and operation.id not in tried | skipped:
                name = f"{operation.method} {operation.path}"
                unchecked.append(f"{name}: writes, and there is no row of our own to try it on")
        return unchecked

    async def _try(
        self, resource: Resource, create: Operation, unchecked: list[str], skipped: frozenset[str]
    ) -> set[str]:
        """Try one resource; the operations that were."""
        before = len(self.made)
        created = await self._ask(Case(f"{create.method} {create.path}", create.id, "create", "a row of our own"))
        tried = {create.id}
        if created is None or not 200 <= created.response.status < 300:
            return tried
        sent = json_or_text(created.request.body)
        self._add(created, _echo(create, sent, self._known.row_in(create, created.body)))
        if len(self.made) == before:
            unchecked.append(f"{create.method} {create.path}: made a row that no response names, so it is still there")
            return tried
        made = self.made[-1]
        row = await self._read(made, "what was made", "created-not-found", "what was made is answered 404")
        for role in ("update", "replace"):
            update = resource.with_role(role)
            if update is not None and update.id not in skipped:
                tried.add(update.id)
                row = await self._update(made, update, row)
        delete = resource.with_role("delete")
        if delete is not None and delete.id not in skipped:
            tried.add(delete.id)
            await self._delete(made, delete)
        return tried

    async def _update(self, made: Made, update: Operation, before: JSON) -> JSON:
        case = Case(f"{update.method} {update.path}", update.id, "update", "our own row", variables=made.variables)
        seen = await self._ask(case)
        if seen is None or not 200 <= seen.response.status < 300:
            return before
        sent = json_or_text(seen.request.body)
        after = await self._read(made, f"after {update.method}", "created-not-found", "a changed row is answered 404")
        lost = [
            name
            for name, value in (sent.items() if isinstance(sent, dict) else ())
            if isinstance(before, dict) and isinstance(after, dict) and name in after and name in before
            if before[name] == after[name] != value and type(value) is type(before[name])
        ]
        self._add(seen, [self._about(update, "update-lost", f"`{name}` is not changed") for name in lost])
        return after

    async def _delete(self, made: Made, delete: Operation) -> None:
        case = Case(f"{delete.method} {delete.path}", delete.id, "delete", "our own row", variables=made.variables)
        seen = await self._ask(case)
        if seen is None or not 200 <= seen.response.status < 300:
            return
        read = made.resource.with_role("read")
        if read is None or made.resource.soft_delete is not None:
            return
        name = f"{read.method} {read.path} after {delete.method}"
        gone = await self._ask(Case(name, read.id, "after", "of a deleted row", variables=made.variables))
        if gone is not None and 200 <= gone.response.status < 300:
            self._add(seen, [self._about(delete, "deleted-still-there", "what was deleted can still be read")])

    async def _read(self, made: Made, about: str, rule: str, detail: str) -> JSON:
        """The row as the server has it; None where it cannot be read."""
        read = made.resource.with_role("read")
        if read is None:
            return None
        case = Case(f"{read.method} {read.path} {about}", read.id, "after", about, variables=made.variables)
        seen = await self._ask(case)
        if seen is None:
            return None
        if seen.response.status == 404:
            self._add(seen, [self._about(read, rule, detail)])
            return None
        return self._known.row_in(read, seen.body)

    async def clean_up(self) -> list[str]:
        """Remove what was made and is still there; what could not be removed, and why."""
        left: list[str] = []
        for made in reversed(list(self.made)):
            delete = made.resource.with_role("delete")
            if delete is None:
                left.append(f"{made.text} is still there: no operation deletes it")
                continue
            name = f"{delete.method} {delete.path} to clean up {made.text}"
            seen = await self._ask(Case(name, delete.id, "clean-up", "to clean up", variables=made.variables))
            status = seen.response.status if seen is not None else 0
            if not (200 <= status < 300 or status in (404, 410)):
                why = f"its deletion is answered {status}" if status else "its deletion is not answered"
                left.append(f"{made.text} is still there: {why}; remove it by hand")
        self.made = []
        return left

    def _add(self, seen: Seen, found: list[Difference]) -> None:
        if found:
            self._have(replace(seen, also=(*seen.also, *found)))

    def _about(self, operation: Operation, rule: str, detail: str) -> Difference:
        return Difference(rule, operation.pointer, detail)


def _echo(create: Operation, sent: JSON, row: Any) -> list[Difference]:
    """Members that come back with another value than was sent."""
    if not isinstance(sent, dict) or not isinstance(row, dict):
        return []
    return [
        Difference("echo-differs", create.pointer, f"`{name}` comes back with another value", f"/{name}", row[name])
        for name, value in sent.items()
        if name in row and type(row[name]) is type(value) and row[name] != value
    ]


__all__ = ["Made", "Writes"]
