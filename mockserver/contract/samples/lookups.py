"""Follow the references between the schemas of one document. Makes no values."""

from __future__ import annotations

from typing import Any

from mockserver.contract.references import Refs, unescape


class Lookups:
    """Finds schemas of one document.

    Args:
        refs: looks references up.
        old: it is a 3.0 document, in which nothing counts that stands beside a reference.
        direction: what values are for; members of the other direction are hidden.
    """

    def __init__(self, refs: Refs, old: bool, direction: str) -> None:
        self._refs = refs
        self._targets: dict[str, Any] = {}
        self.old = old
        self.hidden = "readOnly" if direction == "request" else "writeOnly"

    def target(self, ref: str) -> Any:
        """The schema that a reference names; one that allows everything when there is none."""
        try:
            return self._targets[ref]
        except KeyError:
            target = self._targets[ref] = self._find(ref)
            return target

    def _find(self, ref: str) -> Any:
        try:
            return self._refs.lookup(unescape(ref))
        except (KeyError, ValueError):
            try:
                return self._refs.follow({"$ref": ref}, "")[0]
            except KeyError:
                return True

    def followed(self, schema: Any) -> Any:
        """A schema with its references followed, whatever stands beside them."""
        for _ in range(32):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            schema = self.target(schema["$ref"])
        return schema

    def is_hidden(self, schema: Any) -> bool:
        """Whether a member is for the other direction."""
        schema = self.followed(schema)
        return isinstance(schema, dict) and schema.get(self.hidden) is True

    def components(self) -> dict[str, Any]:
        """The schemas under `components`."""
        try:
            return dict_of(self._refs.lookup("/components/schemas"))
        except KeyError:
            return {}

    def dynamic(self, ref: str, scopes: tuple[Any, ...]) -> Any:
        """The target of a `$dynamicRef`: the outermost schema that is named so (JSON Schema Core 8.2.3.2)."""
        name = ref.rpartition("#")[2]
        for scope in (*scopes, *self.components().values()):
            for schema in (scope, *dict_of(dict_of(scope).get("$defs")).values()):
                if dict_of(schema).get("$dynamicAnchor") == name:
                    return schema
        return self.target(ref)


def dict_of(value: Any) -> dict[str, Any]:
    """The object that a keyword should hold; an empty one when it holds something else."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """The array that a keyword should hold; an empty one when it holds something else."""
    return value if isinstance(value, list) else []
