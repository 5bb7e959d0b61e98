"""A value against its schema, part by part: each difference with the place of the document that it breaks.

jsonschema-rs says whether a value is valid; here it is said which member of which schema is not, so that one cause
that many operations share is one finding. What cannot be told apart is told as `invalid`, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from mockserver.conform.differences import Action, Difference, Mender, schema_for
from mockserver.conform.keywords import MASKED, breaches, is_of, kind_of, matches, members_of, type_of, types_of
from mockserver.contract import Contract
from mockserver.contract.explain import explain
from mockserver.contract.outline import Place
from mockserver.messages import JSON
from mockserver.text.documents import pointer_of

Part = Literal["body", "error", "header"]
MAX_DIFFERENCES = 200
"""Differences of one response."""
MAX_ITEMS = 200
"""Items of one array that are looked at."""
MAX_DEPTH = 24
"""Schemas inside one another."""
_Schema = tuple[dict[str, Any], str]


class Values:
    """Finds differences between values and the schemas of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._refs = contract.refs
        self._mender = Mender(contract.document)
        self.is_30 = str(contract.document.get("openapi", "")).startswith("3.0")

    def differences(self, place: Place, value: JSON, part: Part, where: str = "") -> list[Difference]:
        """What of a value its schema does not have."""
        walk = _Walk(self, part)
        walk.value(place, value, where, 0)
        return walk.found

    def accepts(self, schema: _Schema, value: JSON) -> bool:
        """Whether a schema takes a value."""
        return self._contract.validator(Place(*schema)).is_valid(value)

    def why(self, schema: _Schema, value: JSON) -> str:
        """Why it does not."""
        found = explain(self._contract.validator(Place(*schema)).iter_errors(value), "server", "body")
        return found[0].message if found else "is not what the schema says"

    def follow(self, node: Any, pointer: str) -> _Schema | None:
        """The schema that a node stands for; None for what is no object."""
        try:
            node, pointer = self._refs.follow(node, pointer)
        except KeyError:
            return None
        return (node, pointer) if isinstance(node, dict) else None

    def below(self, schema: _Schema, key: str) -> list[_Schema]:
        """The schemas of `allOf`, `anyOf` or `oneOf`."""
        node, pointer = schema
        listed = node.get(key)
        made = [
            self.follow(inner, f"{pointer}/{key}/{number}")
            for number, inner in enumerate(listed if isinstance(listed, list) else ())
        ]
        return [inner for inner in made if inner is not None]

    @property
    def mender(self) -> Mender:
        """Writes the actions that would mend the document."""
        return self._mender

    def is_write_only(self, place: Place) -> bool:
        """Whether a member is for requests alone."""
        return self._contract.outlines.flagged(place, "writeOnly")


class _Walk:
    """One value on its way through its schemas."""

    def __init__(self, values: Values, part: Part) -> None:
        self._values, self._part = values, part
        self._mend = values.mender
        self.found: list[Difference] = []

    def value(self, place: Place, value: JSON, at: str, depth: int) -> None:
        """Look at one value."""
        schema = self._values.follow(place.node, place.pointer)
        if schema is None or len(self.found) >= MAX_DIFFERENCES or depth > MAX_DEPTH:
            return
        good = self._values.accepts(schema, value)
        if value is None:
            if not good:
                self._null(place, schema, at)
            return
        if good and not isinstance(value, dict | list):
            return
        before = len(self.found)
        schemas = list(self._schemas(schema, value, at, good, 0))
        if not good:
            for one in schemas:
                self._keywords(one, value, at)
        if isinstance(value, dict):
            self._members(schemas, value, at, depth)
        elif isinstance(value, list):
            self._items(schemas, value, at, depth)
        if not good and len(self.found) == before and not self._has_secret(value):
            self._note("invalid", schema[1], self._values.why(schema, value), at, value)

    # -- which schemas speak of a value ------------------------------------------------------------------

    def _schemas(self, schema: _Schema, value: JSON, at: str, good: bool, level: int) -> Iterator[_Schema]:
        """The schema, those of its `allOf`, and of its alternatives those that are meant."""
        yield schema
        if level > MAX_DEPTH:
            return
        for inner in self._values.below(schema, "allOf"):
            yield from self._schemas(inner, value, at, good, level + 1)
        for key in ("anyOf", "oneOf"):
            branches = self._values.below(schema, key)
            fitting = [branch for branch in branches if self._values.accepts(branch, value)]
            if key == "oneOf" and len(fitting) > 1 and not good:
                self._note(
                    "alternative", f"{schema[1]}/oneOf", "fits more than one of the alternatives", at, value,
                    (*self._mend.update(schema[1], {"anyOf": schema[0]["oneOf"]}),
                     *self._mend.remove(f"{schema[1]}/oneOf")),
                )  # fmt: skip
            if branches and not fitting:
                meant = self._meant(branches, value)
                if meant is None:
                    actions = self._mend.update(f"{schema[1]}/{key}", [schema_for(value, self._values.is_30)])
                    kind = "type" if self._excludes_type(branches, value) else "alternative"
                    detail = f"is {kind_of(value)}, and fits none of the alternatives"
                    self._note(kind, f"{schema[1]}/{key}", detail, at, value, actions)
                    continue
                fitting = [meant]
            for branch in fitting:
                yield from self._schemas(branch, value, at, good, level + 1)

    def _excludes_type(self, branches: list[_Schema], value: JSON) -> bool:
        return all(not is_of(value, types_of(node)) for node, _ in branches if types_of(node))

    def _meant(self, branches: list[_Schema], value: JSON) -> _Schema | None:
        """The alternative that a value comes nearest to; None where it comes near none."""
        best: tuple[int, _Schema] | None = None
        for branch in branches:
            if types_of(branch[0]) and not is_of(value, types_of(branch[0])):
                continue
            if isinstance(value, dict) and self._has_other_tag(branch, value):
                continue
            walk = _Walk(self._values, self._part)
            walk.value(Place(*branch), value, "", MAX_DEPTH - 4)
            distance = sum(difference.rule.partition("-")[2] != "undeclared" for difference in walk.found)
            if best is None or distance < best[0]:
                best = distance, branch
        return best[1] if best is not None else None

    def _has_other_tag(self, branch: _Schema, value: dict[str, Any]) -> bool:
        """Whether a member that can have one value only, which tells the alternatives apart, has another one."""
        for inner in (branch, *self._values.below(branch, "allOf")):
            for name, node in members_of(inner[0].get("properties")).items():
                member = self._values.follow(node, f"{inner[1]}/properties/{name}")
                allowed = member[0].get("enum", [member[0].get("const")]) if member is not None else None
                if isinstance(allowed, list) and len(allowed) == 1 and allowed != [None] and name in value:
                    return bool(value[name] != allowed[0])
        return False

    # -- what a schema says of a value itself ------------------------------------------------------------

    def _keywords(self, schema: _Schema, value: JSON, at: str) -> None:
        """Note what of a value one schema does not have, its members and items apart."""
        node, pointer = schema
        types = types_of(node)
        if types and not is_of(value, types):
            detail = f"is {kind_of(value)} and not {' or '.join(sorted(types))}"
            self._note("type", pointer, detail, at, value, self._other_type(node, pointer, value))
        elif value != MASKED:
            for breach in breaches(node, value, lambda: self._values.accepts(schema, value)):
                actions: tuple[Action, ...] = ()
                for merged in breach.updates:
                    actions += self._mend.update(pointer, merged)
                for name in breach.removed:
                    actions += self._mend.remove(f"{pointer}/{name}")
                self._note(breach.kind, pointer + breach.below, breach.detail, at, value, actions)

    # -- what is below -----------------------------------------------------------------------------------

    def _members(self, schemas: list[_Schema], value: dict[str, Any], at: str, depth: int) -> None:
        known: dict[str, list[Place]] = {}
        patterns: list[str] = []
        others: list[Place] = []
        is_open = True
        for node, pointer in schemas:
            for name, member in members_of(node.get("properties")).items():
                known.setdefault(name, []).append(Place(member, pointer + pointer_of(["properties", name])))
            patterns += list(members_of(node.get("patternProperties")))
            if isinstance(node.get("additionalProperties"), dict):
                others.append(Place(node["additionalProperties"], f"{pointer}/additionalProperties"))
            closed = node.get("additionalProperties") is False or node.get("unevaluatedProperties") is False
            is_open = is_open and not closed
        for node, pointer in schemas:
            required = node.get("required")
            for name in required if isinstance(required, list) else ():
                places = known.get(name, [])
                if name not in value and not any(map(self._values.is_write_only, places)):
                    where = places[0].pointer if places else pointer
                    actions = self._mend.without(f"{pointer}/required", name)
                    self._note("missing", where, f"`{name}` is required and missing", at, value, actions)
        for name, item in value.items():
            here = f"{at}{pointer_of([name])}"
            for place in known.get(name, ()):
                if self._values.is_write_only(place):
                    actions = self._mend.update(place.pointer, {"writeOnly": False})
                    self._note("write-only", place.pointer, f"`{name}` is writeOnly", here, MASKED, actions)
                self.value(place, item, here, depth + 1)
            if name in known or any(matches(pattern, name) for pattern in patterns):
                continue
            for place in others:
                self.value(place, item, f"{at}/*", depth + 1)
            if not others and self._is_described(schemas, known):
                self._undeclared(schemas, name, item, at, is_open)

    def _is_described(self, schemas: list[_Schema], known: Mapping[str, Any]) -> bool:
        """Whether members that are not named are a surprise: some are named, and nothing says that others may be."""
        is_free = any(node.get("additionalProperties") is True for node, _ in schemas)
        is_closed = any(node.get("additionalProperties") is False for node, _ in schemas)
        return (bool(known) and not is_free) or is_closed

    def _undeclared(self, schemas: list[_Schema], name: str, item: JSON, at: str, is_open: bool) -> None:
        owner = next((one for one in schemas if "properties" in one[0]), schemas[0])
        actions = self._mend.update(owner[1], {"properties": {name: schema_for(item, self._values.is_30)}})
        kind = "undeclared" if is_open else "closed"
        self._note(kind, owner[1], f"`{name}` is not declared", f"{at}{pointer_of([name])}", item, actions)

    def _items(self, schemas: list[_Schema], value: list[Any], at: str, depth: int) -> None:
        for node, pointer in schemas:
            first = node.get("prefixItems")
            first = first if isinstance(first, list) else []
            for number, item in enumerate(value[:MAX_ITEMS]):
                if number < len(first):
                    self.value(
                        Place(first[number], f"{pointer}/prefixItems/{number}"), item, f"{at}/{number}", depth + 1
                    )
                elif isinstance(node.get("items"), dict):
                    self.value(Place(node["items"], f"{pointer}/items"), item, f"{at}/*", depth + 1)

    # -- notes -------------------------------------------------------------------------------------------

    def _null(self, place: Place, schema: _Schema, at: str) -> None:
        self._note("null", place.pointer, "is null and may not be", at, None, self._nullable(place, schema))

    def _nullable(self, place: Place, schema: _Schema) -> tuple[Action, ...]:
        node, pointer = place
        if isinstance(node, dict) and "$ref" in node:
            reference = {"$ref": node["$ref"]}
            also = (
                {"allOf": [reference], "nullable": True}
                if self._values.is_30
                else {"anyOf": [reference, {"type": "null"}]}
            )
            return (*self._mend.update(pointer, also), *self._mend.remove(f"{pointer}/$ref"))
        node = schema[0]
        if self._values.is_30:  # 3.0.3: null has to be in the list as well
            listed = {"enum": [None]} if isinstance(node.get("enum"), list) else {}
            return self._mend.update(pointer, {"nullable": True, **listed})
        actions: tuple[Action, ...] = ()
        kind = node.get("type")
        if isinstance(kind, str):
            actions += self._mend.update(pointer, {"type": [kind, "null"]})
        elif isinstance(kind, list):
            actions += self._mend.update(f"{pointer}/type", ["null"])
        if isinstance(node.get("enum"), list):
            actions += self._mend.update(f"{pointer}/enum", [None])
        for key in ("anyOf", "oneOf"):
            if isinstance(node.get(key), list):
                actions += self._mend.update(f"{pointer}/{key}", [{"type": "null"}])
        return actions

    def _other_type(self, node: dict[str, Any], pointer: str, value: JSON) -> tuple[Action, ...]:
        """Take the type that was found as well."""
        kind = node["type"]
        found = type_of(value)
        if not self._values.is_30:
            if isinstance(kind, list):
                return self._mend.update(f"{pointer}/type", [found])
            return self._mend.update(pointer, {"type": [kind, found]})
        declared = {"type": kind, **({"items": node.get("items", {})} if kind == "array" else {})}
        return (
            *self._mend.update(pointer, {"anyOf": [declared, schema_for(value, True)]}),
            *self._mend.remove(f"{pointer}/type"),
        )

    def _has_secret(self, value: JSON) -> bool:
        if isinstance(value, dict | list):
            return any(map(self._has_secret, value.values() if isinstance(value, dict) else value))
        return bool(value == MASKED)

    def _note(
        self, kind: str, pointer: str, detail: str, at: str, found: JSON, actions: tuple[Action, ...] = ()
    ) -> None:
        self.found.append(Difference(f"{self._part}-{kind}", pointer, detail, at, found, actions))


__all__ = ["Part", "Values"]
