"""Which changes between two documents concern a client, by what it uses.

A request that the client sends is validated by both documents: a breach that only the new one finds is a change that
breaks this client, whatever the rules say of the schemas. A change of what is answered concerns the client when it is
at a place of the response that the client reads.

Must not know: how findings are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockserver.contract.along import along
from mockserver.contract.contract import Contract
from mockserver.contract.diff.calls import Call, calls
from mockserver.contract.diff.findings import change, location, merged
from mockserver.contract.diff.uses import Use
from mockserver.contract.operation import Operation
from mockserver.contract.outline import Place
from mockserver.contract.router import split
from mockserver.errors import Problem
from mockserver.messages import Request, Violation
from mockserver.text.documents import parts_of, pointer_of
from mockserver.text.findings import Finding, Location

IN_USE = "request-in-use-rejected"
"""The rule of a request that the client sends and that is refused now."""
_INNER = frozenset(
    ("properties", "patternProperties", "additionalProperties", "items", "prefixItems", "allOf", "anyOf", "oneOf")
)
"""Members of a schema that are about other places of a value."""
_OF_OPERATION = ("operation-", "base-path-", "security-", "success-status-", "webhook-", "callback-")
"""Rules that concern everyone who calls the operation."""
_REPLACED = ("request-", "parameter-", "required-parameter-", "required-request-body-")
"""Rules about requests; what they mean for a client is seen by its requests."""

Spot = tuple[str, str]
"""A file and a pointer in it."""
Key = tuple[str, str]
"""The method of an operation, and its path without the names of variables."""


class Uses:
    """The uses of a client, with what two documents say of them.

    Args:
        uses: the uses.
        old: the document that the client was made for.
        new: the other one.
    """

    def __init__(self, uses: Sequence[Use], old: Contract, new: Contract) -> None:
        self._old, self._new = old, new
        self._before, self._after = calls(old), calls(new)
        # A path may have other names of variables in the new document, and is the same operation.
        self._keys = {call.title: key for known in (self._before, self._after) for key, call in known.items()}
        matched = [(use, _find(old, use)) for use in uses]
        self._uses = [(use, operation, values) for use, (operation, values) in matched if operation is not None]
        self.unknown = [
            f"{use.place}: {use.method} {use.path} is no operation of the old document"
            for use, (operation, _) in matched
            if operation is None
        ]
        """Uses of which nothing can be said."""
        self._places = {key: self._read(key) for key in {self._key(operation) for _, operation, _ in self._uses}}
        """What is read, by the operations that are called."""

    def concerned(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings that concern the client, and the requests of its own that are refused now, the worst first."""
        return merged([*self._refused(), *(finding for finding in findings if self._concerns(finding))])

    def _key(self, operation: Operation) -> Key:
        return self._keys[_title(operation)]

    # -- requests -----------------------------------------------------------------------------------

    def _refused(self) -> Iterator[Finding]:
        """Requests that the old document accepts and the new one does not."""
        for use, operation, values in self._uses:
            new, new_values = _find(self._new, use)
            if new is None:
                continue  # its removal is a finding
            known = {_breach(violation) for violation in _violations(operation, use, values)}
            for violation in _violations(new, use, new_values):
                if _breach(violation) in known:
                    continue
                yield change(
                    IN_USE,
                    "request",
                    _title(operation),
                    f"{use.place}: {violation}",
                    _location(self._old, self._before.get(self._key(operation))),
                    _location(self._new, self._after.get(self._key(new))),
                    witness=use.body if violation.where == "body" else f"{use.path}?{use.query}".rstrip("?"),
                    detail=str(violation),
                )

    # -- responses ----------------------------------------------------------------------------------

    def _concerns(self, finding: Finding) -> bool:
        called = [key for key in map(self._keys.get, finding.operations) if key in self._places]
        if finding.rule.startswith(_OF_OPERATION):
            return bool(called) or not finding.operations[0].partition(" ")[0].isupper()
        if finding.level == "breaking" and finding.rule.startswith(_REPLACED):
            return False  # its requests tell
        place = finding.old or finding.new
        if not called or place is None:
            return bool(called)
        return _is_read(place, set[Spot]().union(*(self._places[key] for key in called if key is not None)))

    def _read(self, key: Key) -> set[Spot]:
        """The places of both documents that describe what the client reads of an operation's responses."""
        places: set[Spot] = set()
        for contract, known in ((self._old, self._before), (self._new, self._after)):
            call = known.get(key)
            if call is None:
                continue
            for use, operation, _ in self._uses:
                if self._key(operation) == key:
                    for pointer in _pointers(call, use):
                        there = location(contract, pointer)
                        places.add((there.file, there.pointer))
        return places


def _pointers(call: Call, use: Use) -> Iterator[str]:
    """The pointers to what describes the part of a response that is read."""
    responses = call.responses
    ranges = (str(use.status), f"{use.status // 100}XX", "default")
    holder = next((responses[key] for key in ranges if key in responses), None)
    if holder is None:
        return
    yield holder[1]
    for name, header in call.headers(holder).items():
        if name in use.read_headers:
            yield header.pointer
    for media_type, schema in call.media_types(holder).items():
        yield f"{holder[1]}/content{pointer_of([media_type])}"
        for read in use.reads if schema else ():
            for met in along(call.refs, Place(call.refs.lookup(schema), schema), parts_of(read)):
                yield from (met.named, met.place.pointer)


def _is_read(place: Location, read: set[Spot]) -> bool:
    """Whether a place is one that is read, or belongs to one and is not about another member."""
    parts = parts_of(place.pointer)
    for length in range(len(parts), -1, -1):
        if (place.file, pointer_of(parts[:length])) in read:
            return _INNER.isdisjoint(parts[length:])
    return False


# -- what both need -------------------------------------------------------------------------------------


def _title(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _location(contract: Contract, call: Call | None) -> Location | None:
    return None if call is None else location(contract, call.pointer)


def _find(contract: Contract, use: Use) -> tuple[Operation | None, dict[str, str]]:
    operation, values, _ = contract.match(use.method, split(use.path))
    return operation, values


def _violations(operation: Operation, use: Use, values: dict[str, str]) -> list[Violation]:
    request = Request(use.method, use.path, use.query, dict(use.headers), use.content)
    try:
        return operation.check_request(request, values).violations
    except Problem as problem:
        return list(problem.violations) or [Violation("client", "body", "", problem.message, "", "", problem.kind.name)]


def _breach(violation: Violation) -> tuple[str, str, str]:
    return violation.where, violation.pointer, violation.keyword


__all__ = ["IN_USE", "Uses"]
