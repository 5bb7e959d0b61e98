"""What a call costs by a profile: a constant, or so many characters, items or bytes for a credit."""

from __future__ import annotations

from mockserver.apis.api import Price
from mockserver.apis.base import Call
from mockserver.apis.profiles.model import CostModel
from mockserver.messages import JSON
from mockserver.text.documents import parts_of


def price_of(cost: float | CostModel) -> Price | float:
    """The price that a profile states for an operation."""
    if not isinstance(cost, CostModel):
        return cost
    pointer = cost.of.removeprefix("body#")
    each = cost.per_characters or cost.per_items or cost.per_bytes or 1

    def price(call: Call, characters: int) -> float:
        if cost.per_bytes is not None:
            amount = call.size
        else:
            value = value_at(call.body, pointer)
            amount = _characters(value) if cost.per_characters is not None else _items(value)
        return max(cost.least, -(-amount // each))

    return price


def value_at(body: JSON, pointer: str) -> JSON:
    """What stands at a pointer; None where nothing does."""
    node = body
    for part in parts_of(pointer):
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node


def _characters(value: JSON) -> int:
    """The characters of all the texts in a value."""
    if isinstance(value, str):
        return len(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(_characters(part) for part in parts)


def _items(value: JSON) -> int:
    return len(value) if isinstance(value, (list, dict)) else int(value is not None)


__all__ = ["price_of", "value_at"]
