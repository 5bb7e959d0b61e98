"""Changes between two schemas, keyword by keyword, and which of them matter.

Two schemas are set side by side and every difference is noted; containment then decides which of those that could
break something do. So what moved into an `allOf`, behind a reference or into a `oneOf` of one is no change.
Must not know: operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from mockserver.contract.diff.containment import Verdict, contained
from mockserver.contract.diff.keywords import own_changes, type_text
from mockserver.contract.diff.normal import Node, Side
from mockserver.contract.diff.proof import Proof
from mockserver.contract.diff.rules import RULES, narrowed, widened
from mockserver.contract.diff.views import View
from mockserver.contract.diff.witness import Pair
from mockserver.errors import ContractError
from mockserver.text.documents import pointer_of
from mockserver.text.jsontext import to_json
from mockserver.text.matchers import MISSING

MAX_CHANGES = 500
"""Changes of one pair of schemas."""
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of two schemas."""

    rule: str
    where: str
    """The place in a value, as a JSON Pointer with `*` for every item."""
    text: str
    """What changed there."""
    old: str
    """The pointer to it in the old document."""
    new: str
    witness: Any = MISSING

    @property
    def place(self) -> tuple[str, ...]:
        """What and where it is, whatever its rule."""
        return self.where, self.text, self.old, self.new

    @property
    def breaks(self) -> bool:
        """Whether it breaks somebody."""
        return RULES[self.rule].level == "breaking"


class Comparison:
    """Compares schemas of two documents in one direction.

    Args:
        old: the schemas of the old document.
        new: those of the new one, for the same direction.
        is_sent: whether clients make the values, so that fewer values break; else they read them, and more do.
    """

    def __init__(self, old: Side, new: Side, is_sent: bool) -> None:
        self._old = old
        self._new = new
        self._is_sent = is_sent
        self._forward = Proof(old, new)
        self._backward = Proof(new, old)
        self._word = "request" if is_sent else "response"
        self._known: dict[tuple[str, str], list[Change]] = {}
        self._verdicts: dict[tuple[Any, Any, bool], bool] = {}
        """Whether the schemas of two views are contained, the old in the new or the other way round."""
        self._met: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()

    def changes(self, old: str, new: str) -> list[Change]:
        """The changes between the schemas at two pointers; "" is a schema that takes everything."""
        key = old, new
        if key not in self._known:
            self._met = set()
            self._known[key] = self._whole(old, new)
        return self._known[key]

    def _whole(self, old: str, new: str) -> list[Change]:
        a, b = self._old.at(old), self._new.at(new)
        try:
            if to_json(self._old.whole(a, False)) == to_json(self._new.whole(b, False)):
                return []
            pair = self._pair(old, new)
            verdict = self._verdict(a, b, pair)
            changes = self._compared(View(self._old, [a]), View(self._new, [b]), "", 0)
        except (ContractError, ValueError, KeyError, RecursionError) as error:
            text = f"could not be compared: {error}"
            return [Change(f"{self._word}-schema-undecided", "", text, old, new)]
        if verdict.decision == "contained":
            return _distinct([change for change in changes if not change.breaks])
        breaking = [change for change in changes if change.breaks]
        if not breaking:
            changes.insert(0, self._general(verdict, old, new))
        shown = _Evidence(verdict.witnesses, pair)
        return _distinct([replace(change, witness=shown.of(change)) if change.breaks else change for change in changes])

    def _general(self, verdict: Verdict, old: str, new: str) -> Change:
        if verdict.decision == "undecided":
            text = "it could not be proven that the new schema fits the old one"
            return Change(f"{self._word}-schema-undecided", "", text, old, new)
        rule = narrowed("schema") if self._is_sent else widened("schema")
        text = "takes fewer values" if self._is_sent else "takes more values"
        return Change(f"{self._word}-{rule}", "", text, old, new)

    def _pair(self, old: str, new: str) -> Pair:
        takes, rejects = self._old.validator(old), self._new.validator(new)
        return Pair(takes, rejects) if self._is_sent else Pair(rejects, takes)

    def _verdict(self, old: Node, new: Node, pair: Pair) -> Verdict:
        """Whether nothing breaks: requests of before are requests of now, responses of now were ones before."""
        if self._is_sent:
            return contained(self._forward, old, new, pair)
        return contained(self._backward, new, old, pair)

    def _holds(self, old: View, new: View, breaks: bool) -> bool:
        """Whether it is proven that nothing breaks; without `breaks` the same the other way round."""
        is_forward = self._is_sent == breaks
        key = old.key, new.key, is_forward
        if key not in self._verdicts:
            if is_forward:
                verdict = contained(self._forward, old.node, new.node)
            else:
                verdict = contained(self._backward, new.node, old.node)
            self._verdicts[key] = verdict.decision == "contained"
        return self._verdicts[key]

    def _compared(self, old: View, new: View, where: str, depth: int) -> list[Change]:
        """The changes of two schemas and of what is in them; where nothing breaks, none that would."""
        key = old.key, new.key
        if key in self._met or depth > _MAX_DEPTH:
            return []
        self._met.add(key)
        before, after = old.alternatives, new.alternatives
        if not before and after and new.is_choice and not old.is_empty:
            changes = list(self._alternatives([old.node], after, old, new, where, depth))
        elif before and not after and old.is_choice and not new.is_empty:
            changes = list(self._alternatives(before, [new.node], old, new, where, depth))
        else:
            changes = [self._change(*own, old, new, where) for own in own_changes(old, new)]
            if changes and self._holds(old, new, breaks=False):
                changes = [change for change in changes if change.breaks]  # what is safe says the same in other words
            changes += self._members(old, new, where, depth)
            for name, first, second in self._inner(old, new):
                changes += self._compared(View(self._old, first), View(self._new, second), where + name, depth + 1)
            if before and after:
                changes += self._alternatives(before, after, old, new, where, depth)
        if depth and any(c.breaks for c in changes) and self._holds(old, new, breaks=True):
            changes = [change for change in changes if not change.breaks]
        return changes

    def _change(self, rule: str, text: str, old: View, new: View, where: str) -> Change:
        return self._made(rule, text, old.pointer, new.pointer, where)

    def _made(self, rule: str, text: str, old: str, new: str, where: str) -> Change:
        return Change(f"{self._word}-{rule}", where, text, self._old.place(old), self._new.place(new))

    def _members(self, old: View, new: View, where: str, depth: int) -> Iterator[Change]:
        """What became of the members of an object."""
        if not (old.may_be(("object",)) and new.may_be(("object",))):
            return
        for name in dict.fromkeys((*old.properties, *sorted(old.required | new.required), *new.properties)):
            at = where + pointer_of([name])
            first, second = old.properties.get(name), new.properties.get(name)
            was, is_ = name in old.required, name in new.required
            if first and is_ and not second:  # it must still be there, and may be anything
                second = [Node({}, f"{new.pointer}/properties{pointer_of([name])}")]
            elif second and was and not first:
                first = [Node({}, f"{old.pointer}/properties{pointer_of([name])}")]
            places = (first[0].pointer if first else old.pointer, second[0].pointer if second else new.pointer)
            if first and second:
                yield from self._compared(View(self._old, first), View(self._new, second), at, depth + 1)
            elif first:
                yield self._made(self._removed(name, was, is_, new), "was removed", *places, at)
                continue
            elif second:
                yield self._made(self._added(was, is_, old), "was added", *places, at)
                continue
            if is_ and not was:
                yield self._made(narrowed("property-became"), "became required", *places, at)
            elif was and not is_:
                yield self._made(widened("property-became"), "became optional", *places, at)
        if old.is_closed != new.is_closed:
            rule = narrowed if new.is_closed else widened
            text = "other members are now rejected" if new.is_closed else "other members are now allowed"
            yield self._change(rule("additional-properties"), text, old, new, where)

    def _removed(self, name: str, was: bool, is_: bool, new: View) -> str:
        if self._is_sent:
            return "property-rejected" if new.is_closed or name in new.rejected else "property-removed"
        return "required-property-removed" if was and not is_ else "property-removed"

    def _added(self, was: bool, is_: bool, old: View) -> str:
        if self._is_sent:
            return "required-property-added" if is_ and not was else "property-added"
        return "property-added-to-closed" if old.is_closed else "property-added"

    def _inner(self, old: View, new: View) -> Iterator[tuple[str, list[Node], list[Node]]]:
        """Pairs of the schemas of items and of other members, with their places in a message."""
        for key, kind, name in _CHILDREN:
            first, second = old.children(key), new.children(key)
            if not (old.may_be((kind,)) and new.may_be((kind,))):
                continue
            if any(child.schema is False or child.schema == {"not": {}} for child in (*first, *second)):
                continue  # that an object is closed is said elsewhere
            if first or second:
                nothing = [Node({}, f"{view.pointer}/{key}") for view in (old, new)]
                yield name, first or nothing[:1], second or nothing[1:]
        before, after = old.children("prefixItems"), new.children("prefixItems")
        if len(before) == len(after) == 1:
            for number, (first_item, second_item) in enumerate(zip(before[0].schema, after[0].schema, strict=False)):
                one = Node(first_item, f"{before[0].pointer}/{number}")
                yield f"/{number}", [one], [Node(second_item, f"{after[0].pointer}/{number}")]

    def _alternatives(
        self, before: list[Node], after: list[Node], old: View, new: View, where: str, depth: int
    ) -> Iterator[Change]:
        """What became of the alternatives of `anyOf` and `oneOf`; a schema without them is one."""
        gone, fresh = list(before), list(after)
        for one in before:
            for other in fresh:
                if self._same(one, other):
                    gone.remove(one)
                    fresh.remove(other)
                    break
        for one in list(gone):
            for other in list(fresh):
                if self._are_akin(one, other):
                    gone.remove(one)
                    fresh.remove(other)
                    yield from self._compared(View(self._old, [one]), View(self._new, [other]), where, depth + 1)
                    break
        for one in gone:
            yield self._made(
                narrowed("alternative"), f"{_title(self._old, one)} was removed", one.pointer, new.pointer, where
            )
        for other in fresh:
            yield self._made(
                widened("alternative"), f"{_title(self._new, other)} was added", old.pointer, other.pointer, where
            )

    def _are_akin(self, one: Node, other: Node) -> bool:
        """Whether one alternative has become the other, by the name of its schema or its type."""
        names = self._referred(self._old, one), self._referred(self._new, other)
        if all(names):
            return names[0] == names[1]
        types = View(self._old, [one]).types, View(self._new, [other]).types
        return types[0] == types[1] and types[0] is not None

    @staticmethod
    def _referred(side: Side, node: Node) -> str:
        """The name of the schema that an alternative refers to; "" for one that stands in its place."""
        ref = node.schema.get("$ref") if isinstance(node.schema, dict) else None
        return side.follow(ref).pointer.rpartition("/")[2] if isinstance(ref, str) else ""

    def _same(self, one: Node, other: Node) -> bool:
        old, new = View(self._old, [one]), View(self._new, [other])
        return self._holds(old, new, breaks=True) and self._holds(old, new, breaks=False)


_CHILDREN = (
    ("items", "array", "/*"),
    ("additionalProperties", "object", "/*"),
    ("propertyNames", "object", " names"),
)


def _title(side: Side, node: Node) -> str:
    """What an alternative is called in a message."""
    if isinstance(node.schema, dict) and isinstance(node.schema.get("$ref"), str):
        return side.follow(node.schema["$ref"]).pointer.rpartition("/")[2]
    types = View(side, [node]).types
    return f"the alternative of type {type_text(types)}"


def _distinct(changes: list[Change]) -> list[Change]:
    """Changes without those that say as safe what another says as breaking."""
    breaking = {change.place for change in changes if change.breaks}
    kept = [change for change in changes if change.breaks or change.place not in breaking]
    return list({(change.rule, change.place): change for change in kept}.values())[:MAX_CHANGES]


class _Evidence:
    """Finds among witnesses the one that shows a change: that is rejected where the change is."""

    def __init__(self, values: tuple[Any, ...], pair: Pair) -> None:
        self._rejected = [(value, _places(value, pair)) for value in values]

    def of(self, change: Change) -> Any:
        """The witness for a change; MISSING when there is none."""
        if not self._rejected:
            return MISSING
        return max(self._rejected, key=lambda rejected: _nearness(rejected[1], change.where))[0]


def _places(value: Any, pair: Pair) -> list[str]:
    """Where a value is rejected, as `Change.where` has it."""
    errors = islice(pair.rejects.iter_errors(value), 20)
    return [pointer_of(["*" if isinstance(part, int) else part for part in error.instance_path]) for error in errors]


def _nearness(places: list[str], where: str) -> tuple[int, int]:
    """How well a value that is rejected at some places shows a change at another: there, above it, or elsewhere."""
    parent = where.rpartition("/")[0]
    best = max(
        (3 if place == where else 2 if place == parent else 1 if where.startswith(place) else 0) for place in places
    )
    return best, -len(places)


__all__ = ["Change", "Comparison"]
