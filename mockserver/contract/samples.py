"""Make a value that a schema accepts: the document's own example where there is one.

Deterministic, so that the same contract gives the same sample every time. The caller checks the
result with the compiled validator; a schema that this module cannot satisfy is reported, never
papered over.
"""

from __future__ import annotations

import math
import re
from random import Random
from typing import Any

from mockserver.contract.patterns import matcher
from mockserver.contract.references import Refs

MAX_RECURSION = 32
"""Levels after which a schema that demands itself without end is given up."""
MAX_DEPTH = 4
"""Levels after which optional members and array items are left out, so that recursion ends."""

_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "uuid": "3f2a1c5e-8d47-4b6a-9e10-5c7d2b8f4a61",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uri-reference": "/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "bW9jaw==",
    "duration": "P1D",
    "json-pointer": "/sample",
    "iri": "https://example.com/",
    "idn-email": "someone@example.com",
    "binary": "mock",
}


class Sampler:
    """Makes samples for the schemas of one document."""

    def __init__(self, refs: Refs, rng: Random | None = None, examples: bool = True) -> None:
        """With a random generator the document's examples are passed over and values vary."""
        self._refs = refs
        self._rng = rng
        self._examples = examples and rng is None

    def body(self, media: dict[str, Any], name: str = "") -> Any:
        """A sample of a Media Type Object; `name` picks one of its named examples.

        Raises KeyError when there is no example of that name.
        """
        examples = media.get("examples") or {}
        if name:
            example, _ = self._refs.follow(examples[name], "")
            return example.get("value")
        if not self._examples:
            return self.value(media.get("schema", {}))
        if "example" in media:
            return media["example"]
        for example in examples.values():
            example, _ = self._refs.follow(example, "")
            if isinstance(example, dict) and "value" in example:
                return example["value"]
        return self.value(media.get("schema", {}))

    def value(self, schema: Any, depth: int = 0, name: str = "") -> Any:
        """A sample of a schema. `name` is the member it is for, which makes texts readable."""
        try:
            schema, _ = self._refs.follow(schema, "")
        except KeyError:
            return None
        if not isinstance(schema, dict) or depth > MAX_RECURSION:
            return None
        if "const" in schema:
            return schema["const"]
        if self._examples:
            if "example" in schema:
                return schema["example"]
            if schema.get("examples") and isinstance(schema["examples"], list):
                return schema["examples"][0]
            if "default" in schema:
                return schema["default"]
        if schema.get("enum"):
            options = [option for option in schema["enum"] if option is not None] or [None]
            return options[0] if self._rng is None else self._rng.choice(options)
        if schema.get("allOf"):
            return self.value(self._merged(schema), depth, name)
        for key in ("oneOf", "anyOf"):
            if schema.get(key):
                rest = {k: v for k, v in schema.items() if k not in ("oneOf", "anyOf", "discriminator")}
                return self.value(self._combine(rest, self._choice(schema, key)), depth, name)
        return self._typed(schema, depth, name)

    def _choice(self, schema: dict[str, Any], key: str) -> dict[str, Any]:
        """The first alternative that is not just null, with the tag that a discriminator wants."""
        alternatives = [a for a in schema[key] if isinstance(a, dict)]
        chosen = next((a for a in alternatives if a.get("type") != "null"), alternatives[0])
        discriminator = schema.get("discriminator")
        if not isinstance(discriminator, dict) or "$ref" not in chosen:
            return chosen
        mapping = discriminator.get("mapping") or {}
        tag = next((k for k, v in mapping.items() if v == chosen["$ref"]), chosen["$ref"].rsplit("/", 1)[-1])
        member = discriminator.get("propertyName", "")
        return self._combine(chosen, {"properties": {member: {"const": tag}}, "required": [member]})

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            merged = self._combine(merged, part)
        return merged

    def _combine(self, left: dict[str, Any], right: Any) -> dict[str, Any]:
        """One schema for two that must both hold, good enough to sample from."""
        right, _ = self._refs.follow(right, "")
        if not isinstance(right, dict):
            return left
        if right.get("allOf"):
            right = self._merged(right)
        combined = {**left, **right}
        combined["required"] = [*left.get("required", []), *right.get("required", [])]
        properties = dict(left.get("properties") or {})
        for name, sub in (right.get("properties") or {}).items():
            properties[name] = self._combine_member(properties.get(name), sub)
        combined["properties"] = properties
        for key, pick in (("minimum", max), ("minLength", max), ("minItems", max), ("maximum", min), ("maxItems", min)):
            if key in left and key in right:
                combined[key] = pick(left[key], right[key])
        return combined

    def _combine_member(self, old: Any, new: Any) -> Any:
        return new if old is None else {"allOf": [old, new]}

    def _typed(self, schema: dict[str, Any], depth: int, name: str) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
            if not schema.keys() - {"description", "title", "nullable"}:
                return "sample"
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth, name)
        if kind in ("integer", "number"):
            return self._number(schema, kind)
        if kind == "boolean":
            return True if self._rng is None else self._rng.random() < 0.5
        if kind == "null":
            return None
        return self._text(schema, name)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = set(schema.get("required") or ())
        value = {
            name: self.value(member, depth + 1, name)
            for name, member in properties.items()
            if name in required or (depth < MAX_DEPTH and not self._is_write_only(member))
        }
        most = max(schema.get("maxProperties", len(value)), len(required))
        for name in [name for name in value if name not in required][max(most - len(required & value.keys()), 0) :]:
            del value[name]
        extra = schema.get("additionalProperties")
        for missing in sorted(required - value.keys()):
            value[missing] = self.value(extra if isinstance(extra, dict) else {}, depth + 1, missing)
        # Plain members first: among the others may be one that leads back here.
        for name, member in sorted(properties.items(), key=lambda item: not self._is_plain(item[1])):
            if len(value) < schema.get("minProperties", 0) and name not in value:
                value[name] = self.value(member, depth + 1, name)
        index = 0
        while len(value) < schema.get("minProperties", 0) and index < 100:
            index += 1
            value[f"key{index}"] = self.value(extra if isinstance(extra, dict) else {}, depth + 1)
        return value

    def _is_plain(self, schema: Any) -> bool:
        target, _ = self._refs.follow(schema, "")
        if not isinstance(target, dict):
            return False
        alternatives = target.get("anyOf") or target.get("oneOf")
        if alternatives:
            target, _ = self._refs.follow(alternatives[0], "")
        return isinstance(target, dict) and target.get("type") in ("string", "integer", "number", "boolean")

    def _is_write_only(self, schema: Any) -> bool:
        target, _ = self._refs.follow(schema, "")
        return isinstance(target, dict) and target.get("writeOnly") is True

    def _array(self, schema: dict[str, Any], depth: int, name: str) -> list[Any]:
        some = 1 if self._rng is None else self._rng.randint(1, 3)
        count = max(int(schema.get("minItems", 0)), 0 if depth >= MAX_DEPTH else some)
        count = min(count, int(schema.get("maxItems", count)))
        first = [self.value(item, depth + 1, name) for item in schema.get("prefixItems") or ()]
        if first:
            return first[: int(schema.get("maxItems", len(first)))]
        items: Any = schema.get("items", {})
        values = [self.value(items, depth + 1, name) for _ in range(min(count, 1000))]
        if schema.get("uniqueItems") and len(values) > 1:
            return self._distinct(values, items, int(schema.get("minItems", 0)), depth, name)
        return values

    def _distinct(self, values: list[Any], items: Any, wanted: int, depth: int, name: str) -> list[Any]:
        """Those of the values that differ, and made-up ones until there are `wanted`."""
        rng = self._rng or Random(name)
        found: list[Any] = []
        for value in values:
            if value not in found:
                found.append(value)
        for _ in range(20 * wanted):
            if len(found) >= wanted:
                break
            value = Sampler(self._refs, rng).value(items, depth + 1, name)
            if value not in found:
                found.append(value)
        return found

    def _number(self, schema: dict[str, Any], kind: str) -> float | int:
        low, high = schema.get("minimum"), schema.get("maximum")
        low_open, high_open = schema.get("exclusiveMinimum", False), schema.get("exclusiveMaximum", False)
        # A bound of its own since 3.1; in 3.0 a flag on the other one.
        if low_open is not False and low_open is not True:
            low, low_open = (low_open, True) if low is None or low_open >= low else (low, False)
        if high_open is not False and high_open is not True:
            high, high_open = (high_open, True) if high is None or high_open <= high else (high, False)
        if kind == "integer":
            low = None if low is None else math.floor(low) + 1 if low_open else math.ceil(low)
            high = None if high is None else math.ceil(high) - 1 if high_open else math.floor(high)
        else:
            gap = (high - low) / 4 if low is not None and high is not None else 1e-3
            low = low + gap if low is not None and low_open else low
            high = high - gap if high is not None and high_open else high
        value: float | int = 1 if self._rng is None else self._rng.randint(0, 1000)
        if self._rng is not None and low is not None and high is not None:
            value = self._rng.randint(low, high) if kind == "integer" and low <= high else self._rng.uniform(low, high)
        if low is not None and value < low:
            value = low
        if high is not None and value > high:
            value = high
        if schema.get("multipleOf"):
            from fractions import Fraction  # few schemas need it, and every start would pay for it

            step = Fraction(str(schema["multipleOf"]))
            up = math.ceil(Fraction(str(value)) / step) * step
            exact = up if high is None or up <= Fraction(str(high)) else up - step
            value = int(exact) if exact.denominator == 1 else float(exact)
        return int(value) if kind == "integer" else value

    def _text(self, schema: dict[str, Any], name: str) -> str:
        low, high = int(schema.get("minLength", 0)), schema.get("maxLength")
        text = _FORMATS.get(str(schema.get("format")), name.replace("-", "_") or "sample")
        if self._rng is not None and schema.get("format") is None:
            text += f"-{self._rng.getrandbits(32):08x}"
        if schema.get("format") in _FORMATS and "pattern" not in schema:
            return text
        if "pattern" in schema:
            text = matching(schema["pattern"], text, low, self._rng)
        if len(text) < low:
            text += "x" * (min(low, 100_000) - len(text))
        return text[: int(high)] if high is not None and len(text) > int(high) else text


def matching(pattern: str, wanted: str, minimum: int, rng: Random | None = None) -> str:
    """A text that a regular expression finds itself in; `wanted` when that already does.

    The same one every time, unless a random generator is given.
    """
    matches = matcher(pattern)
    if matches is None or (matches(wanted) and len(wanted) >= minimum):
        return wanted
    import rstr  # few schemas need it, and every start would pay for it

    maker = rstr.Rstr(rng or Random(pattern))
    body = pattern.removeprefix("^")
    body = body[:-1] if body.endswith("$") and not body.endswith("\\$") else body
    best = wanted
    for _ in range(50):
        try:
            text = maker.xeger(body)
        except re.error:  # what Python does not read cannot be made up
            return wanted
        if matches(text):
            best = text
            if len(text) >= minimum:
                break
    return best
