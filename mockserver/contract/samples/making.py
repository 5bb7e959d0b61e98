"""Make a value from schemas, once, by a plan that says what to do differently this time.

The plan is of `repair`, which learns from what is wrong with a value. Whatever is made here is only likely to be
valid: the compiled validator has the last word.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from random import Random
from typing import Any

from mockserver.contract.samples import words
from mockserver.contract.samples.facts import Demand, Facts, same
from mockserver.contract.samples.fitting import found_in, suits
from mockserver.contract.samples.members import Members
from mockserver.contract.samples.numbers import number
from mockserver.contract.samples.plan import MAX_DEPTH, MAX_TEXTS, NO_STEP, Cache, Made, Path, Plan, Step, Texts
from mockserver.contract.samples.reading import Reader
from mockserver.contract.samples.strings import text

MAX_RECURSION = 32
"""Levels after which a schema that demands itself without end is given up."""
MAX_SIZE = 60_000
"""Values in one sample; what comes after is null, which no validator will take."""
MAX_DEEP = 500
"""Values in one sample after which nothing is made far down: what demands itself twice is endless."""
MAX_ITEMS = 1000
"""Items of an array that are made."""
ROOM = (1500, 300, 80, 25)
"""By depth: values that an object may hold before optional objects and arrays are left out."""
_SIMPLE = ("null", "boolean", "integer", "number", "string", "array", "object")
_PREFERRED = ("object", "array", "string", "integer", "number", "boolean", "null")


class Maker:
    """Makes values for one document.

    Args:
        reader: reads its schemas.
        rng: when given, values vary with it.
        examples: take what the document gives as examples.
        now: the time that it is.
        cache: what was made for references before, by a maker of the same settings.
        texts: what was made of texts before, at the same time `now`.
    """

    def __init__(
        self,
        reader: Reader,
        rng: Random | None,
        examples: bool,
        now: datetime,
        cache: Cache | None = None,
        texts: Texts | None = None,
    ) -> None:
        self._reader = reader
        self._rng = rng
        self._examples = examples
        self._now = now
        self._cache = cache
        self._texts: Texts = {} if texts is None else texts
        self._plan: Plan = {}
        self._touched: set[Path] = set()
        self.trace: dict[Path, Made] | None = None
        """By place: what was done, where a plan asked for it."""
        self.size = 0
        self._vain: set[Demand] = set()
        """What was demanded of texts, and no text was found for."""

    def make(self, schema: Any, name: str, plan: Plan | None = None) -> Any:
        """A value; `name` is the member that it is for. It may share parts with others: do not change it."""
        self._plan = plan or {}
        self.trace = None if plan is None else {}
        self._touched = {path[:length] for path in self._plan for length in range(len(path) + 1)}
        self.size = 0
        return self._value([schema], (), name, ())

    def _value(self, schemas: list[Any], path: Path, name: str, scopes: tuple[Any, ...]) -> Any:
        depth = len(path)
        if depth > MAX_RECURSION:
            return None
        if self._cache is None or len(schemas) > 1 or self.trace is not None or path in self._touched:
            return self._fresh(schemas, path, name, scopes)
        # By depth: the deeper it stands, the less is in it. Only an array hands its name on to what is in it.
        schema = schemas[0]
        ref = schema.get("$ref") if isinstance(schema, dict) and len(schema) == 1 else None
        place = ref if isinstance(ref, str) else id(schema)
        found = self._cache.get((place, depth, "")) or self._cache.get((place, depth, name))
        if found is not None and (ref is not None or found[0] is schema):
            self.size += found[2]
            return found[1]
        before = self.size
        value = self._fresh(schemas, path, name, scopes)
        if isinstance(value, dict | list):
            self._cache[place, depth, name if isinstance(value, list) else ""] = schema, value, self.size - before
        return value

    def _fresh(self, schemas: list[Any], path: Path, name: str, scopes: tuple[Any, ...]) -> Any:
        self.size += 1
        if self.size > (MAX_SIZE if len(path) < 2 * MAX_DEPTH else MAX_DEEP):
            return None
        step = self._plan.get(path, NO_STEP)
        made = Made()
        if self.trace is not None:
            self.trace[path] = made
        left = step.choices
        rng = self._rng

        def choose(ways: list[Any]) -> int:
            nonlocal left
            count = len(ways)
            made.ways.append(count)
            left, index = divmod(left, count)
            if self.trace is not None:
                self._note_rivals(made, ways)
            if rng is not None and not step.choices:
                return rng.randrange(count) if len(path) < 2 and rng.random() < 0.5 else 0
            return index

        facts = self._reader.facts(schemas, choose, scopes, len(path) >= MAX_DEPTH, self.trace is not None)
        scopes = (*scopes, *map(self._reader.followed, schemas)) if _is_dynamic(schemas) else scopes
        if self._examples and not step.without_example:
            for example in facts.examples:
                if suits(example, facts):
                    made.from_example = True
                    self.size += 20 if isinstance(example, dict | list) else 0
                    return example
        if facts.enum is not None:
            return self._option(facts, step)
        return self._typed(facts, path, name, step, made, scopes)

    def _note_rivals(self, made: Made, ways: list[Any]) -> None:
        """The members that tell the ways of a choice apart: those first that fewest of them know."""
        found: dict[str, Any] = {}
        known: Counter[str] = Counter()
        for way in ways[:16]:
            for schema, _ in way:
                target = self._reader.followed(schema)
                members = target.get("properties") if isinstance(target, dict) else None
                if isinstance(members, dict):
                    known.update(members.keys())
                    found |= members
        made.rivals |= {name: found[name] for name in sorted(found, key=lambda name: (known[name], name))}

    def _option(self, facts: Facts, step: Step) -> Any:
        options = [option for option in facts.enum or () if suits(option, facts)] or list(facts.enum or ())
        options = sorted(options, key=lambda option: option is None) or [None]
        if self._rng is not None:
            return self._rng.choice(options)
        return options[step.variation % len(options)]

    def _typed(self, facts: Facts, path: Path, name: str, step: Step, made: Made, scopes: tuple[Any, ...]) -> Any:
        kind = self._kind(facts, len(path), step)
        if kind == "object":
            return self._object(facts, path, step, made, scopes)
        if kind == "array":
            return self._array(facts, path, name, step, made, scopes)
        if kind in ("integer", "number"):
            return self._number(facts, name, kind == "integer", step)
        if kind == "boolean":
            value = step.variation % 2 == 0 if self._rng is None else self._rng.random() < 0.5
            return (not value) if any(same(value, other) for other in facts.excluded) else value
        if kind == "null":
            return None
        return self._text(facts, name, step)

    def _kind(self, facts: Facts, depth: int, step: Step) -> str:
        types = facts.types
        if types is not None:
            usual = [kind for kind in (_PREFERRED if depth < MAX_DEPTH else _SIMPLE) if kind in types]
            if depth < MAX_DEPTH:
                usual.sort(key=lambda kind: kind == "null")
            return usual[step.variation // 3 % len(usual)] if usual else "null"
        if facts.properties or facts.required or facts.pattern_properties or facts.closed or facts.min_properties:
            return "object"
        if facts.property_names or facts.dependents or facts.max_properties is not None:
            return "object"
        if (
            facts.items
            or facts.prefixes
            or facts.contains
            or facts.min_items
            or facts.max_items is not None
            or facts.unique
        ):
            return "array"
        if (facts.low.value is not None or facts.high.value is not None or facts.steps) and not facts.patterns:
            return "integer" if all(step.denominator == 1 for step in facts.steps) else "number"
        return ("string", "integer", "object", "array", "null", "boolean")[step.variation // 3 % 6]

    def _text(self, facts: Facts, name: str, step: Step) -> Any:
        demand = facts.demand()
        value = None
        for more in range(4 if demand not in self._vain else 0):
            value = self._made_text(facts, demand, name, step.variation + more)
            if value is None:
                self._vain.add(demand)
                break
            if value not in facts.excluded:
                break
        return value or ""

    def _made_text(self, facts: Facts, demand: Demand, name: str, variation: int) -> str | None:
        if self._rng is not None:
            return text(facts, name, self._rng, variation, self._now)
        key = demand, name, variation
        try:
            return self._texts[key]
        except KeyError:
            if len(self._texts) >= MAX_TEXTS:
                self._texts.clear()
            value = self._texts[key] = text(facts, name, None, variation, self._now)
            return value

    def _number(self, facts: Facts, name: str, whole: bool, step: Step) -> Any:
        rng = self._rng or (Random(f"{name} {step.variation}") if step.variation else None)
        wish = Fraction(words.weight(name, whole))
        for more in range(8):
            value = number(facts.low, facts.high, facts.steps, whole, wish, rng)
            if value is None:
                return 0
            if not any(same(value, other) for other in facts.excluded):
                return value
            rng = rng or Random(f"{name} {more}")
        return value

    def _object(self, facts: Facts, path: Path, step: Step, made: Made, scopes: tuple[Any, ...]) -> dict[str, Any]:
        depth = len(path)
        room = ROOM[depth] if depth < len(ROOM) else 0
        before = self.size
        value: dict[str, Any] = {}
        members = Members(facts, self._reader)
        made.rivals = {
            name: rival for name, rival in made.rivals.items() if name not in facts.properties
        } or made.rivals
        if step.unlike:
            foreign = {other: schema for other, schema in step.unlike.items() if other not in facts.properties}
            step = replace(step, unlike=foreign or step.unlike)  # a member of this way itself must be as it says
        needed = members.needed(step)
        names = members.names(step, needed, depth)
        made.optional = [name for name in names if name not in needed]
        for name in names:
            schemas = members.member(name)
            if name in step.unlike:
                schemas = [*schemas, self._unlike(step.unlike[name])]
            if name not in needed and self.size - before > room and not members.is_plain(schemas):
                continue
            value[name] = self._value(schemas, (*path, name), name, scopes)
        made.optional += self._invent(facts, members, value, path, step, scopes)
        return value

    def _unlike(self, schema: Any) -> Any:
        """A schema for what another one refuses: best by its type."""
        target = self._reader.followed(schema)
        kind = target.get("type") if isinstance(target, dict) else None
        return {"not": {"type": kind} if kind else schema}

    def _invent(
        self,
        facts: Facts,
        members: Members,
        value: dict[str, Any],
        path: Path,
        step: Step,
        scopes: tuple[Any, ...],
    ) -> list[str]:
        """Members with names that no schema gives, until there are enough; their names."""
        least = facts.min_properties + step.extra
        shown = facts.closed or facts.pattern_properties
        if not facts.properties and shown and len(path) < MAX_DEPTH and not step.minimal and not step.drop:
            least = max(least, 1)
        if facts.max_properties is not None:
            least = min(least, facts.max_properties)
        tries, new = 0, []
        while len(value) < least and tries < 3 * least + 12 and tries < MAX_ITEMS:
            tries += 1
            name = self._new_name(facts, tries, step, scopes)
            if name is None or name in value or name in step.drop or not members.allowed(name):
                continue
            if facts.unevaluated is False and not any(found_in(p, name) for p, _ in facts.pattern_properties):
                continue
            value[name] = self._value(members.member(name), (*path, name), name, scopes)
            new.append(name)
        return new

    def _new_name(self, facts: Facts, number: int, step: Step, scopes: tuple[Any, ...]) -> str | None:
        patterns = [pattern for pattern, schema in facts.pattern_properties if schema is not False]
        closed = any(closed.rest is False for closed in facts.closed) or facts.unevaluated is False
        if facts.property_names:
            schemas: list[Any] = [{"type": "string"}, *facts.property_names]
            if closed and patterns:
                schemas.append({"pattern": patterns[number % len(patterns)]})
            name = Maker(self._reader, None, self._examples, self._now)._varied(schemas, number + step.variation)
            return name if isinstance(name, str) else None
        if patterns and (closed or number % 2):
            wanted = Facts()
            wanted.patterns = [patterns[(number // 2 if not closed else number) % len(patterns)]]
            wanted.patterns += [p for found in facts.closed if found.rest is False for p in found.patterns[:1]]
            wanted.patterns = list(dict.fromkeys(wanted.patterns))
            return text(wanted, "key", None, number + step.variation, self._now)
        return None if closed else f"key{number}"

    def _varied(self, schemas: list[Any], variation: int) -> Any:
        self._plan = {(): Step(variation=variation, without_example=variation > 3)}
        self._touched = {()}
        return self._value(schemas, (), "key", ())

    def _array(self, facts: Facts, path: Path, name: str, step: Step, made: Made, scopes: tuple[Any, ...]) -> list[Any]:
        some = 1 if self._rng is None else self._rng.randint(1, 3)
        prefix = max((len(prefix) for prefix in facts.prefixes), default=0)
        wanted = max(facts.min_items, 0 if len(path) >= MAX_DEPTH or step.minimal else (prefix or some)) + step.extra
        demanded = [contained for contained, least in facts.contains for _ in range(min(least, MAX_ITEMS))]
        count = max(wanted, len(demanded))
        if any(items is False for at, items in facts.items):
            count = min(count, min(at for at, items in facts.items if items is False))
        count = min(count, MAX_ITEMS, count if facts.max_items is None else facts.max_items)
        made.can_shrink = count > max(facts.min_items, len(demanded))
        values: list[Any] = []
        for index in range(count):
            schemas = [prefix[index] for prefix in facts.prefixes if index < len(prefix)]
            schemas += [items for at, items in facts.items if index >= at]
            late = count - index <= len(demanded)
            if late:
                schemas.append(demanded[len(demanded) - (count - index)])
            elif facts.contains and index >= len(demanded):
                schemas.append({"not": facts.contains[0][0]})
            value = self._value(schemas or [{}], (*path, index), name, scopes)
            if facts.unique and any(same(value, other) for other in values):
                value = self._another(values, schemas or [{}], (*path, index), name, scopes)
                if value is _NONE:
                    if len(values) >= facts.min_items and not late:
                        break
                    continue
            values.append(value)
        return values

    def _another(self, values: list[Any], schemas: list[Any], path: Path, name: str, scopes: tuple[Any, ...]) -> Any:
        """A value that is none of those; _NONE when none was found."""
        plan, touched, rng, examples = self._plan, self._touched, self._rng, self._examples
        try:
            self._examples = False
            for attempt in range(1, 25 + 2 * len(values)):
                if attempt % 2 or attempt > 12:
                    self._rng = Random(f"{name} {len(values)} {attempt}")
                    self._plan = plan
                else:
                    self._rng, self._plan = rng, {**plan, path: Step(variation=attempt // 2, choices=attempt // 2)}
                self._touched = {*touched, path}
                value = self._value(schemas, path, name, scopes)
                if not any(same(value, other) for other in values):
                    return value
        finally:
            self._plan, self._touched, self._rng, self._examples = plan, touched, rng, examples
        return _NONE


_NONE = object()


def _is_dynamic(schemas: list[Any]) -> bool:
    return any(isinstance(schema, dict) and "$ref" in schema for schema in schemas)
