"""What a contract says of its pages beyond OpenAPI: the extension `x-docs` of an operation.

An overlay is the place to write it, so that the vendor's document stays as it is. Must not know: pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract import Contract, Operation
from mockserver.errors import UserError, did_you_mean

KEY = "x-docs"
_TEXTS = ("title", "icon", "use", "warning", "tip", "note")
_KEYS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(_TEXTS, (str, "text")),
    **dict.fromkeys(("prefer", "fix", "parameters"), (dict, "mapping")),
    "after": (list, "list"),
    "body": (object, "value"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of one operation; "" and nothing where it is left to the generator."""

    title: str = ""
    icon: str = ""
    use: str = ""
    """When to use it; it goes on after "Use this endpoint"."""
    prefer: tuple[str, str] = ("", "")
    """The operationId of the alternative, and what that is for."""
    warning: str = ""
    tip: str = ""
    note: str = ""
    fix: Mapping[str, str] = field(default_factory=dict)
    """What to do about a status."""
    after: tuple[str, ...] = ()
    """Operations that go before it in an example."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values of parameters in the example, optional ones too."""
    body: Any = None
    """The body of the example."""


NO_WORDS = Words()


def words_of(contract: Contract, operation: Operation) -> Words:
    """The words of an operation. Raises UserError for what `x-docs` does not have."""
    said = operation.node.get(KEY)
    if said is None:
        return NO_WORDS
    where = f"{contract.name}: {KEY} of {operation.id}"
    if not isinstance(said, dict):
        raise UserError(f"{where} must be a mapping with some of {', '.join(_KEYS)}")
    for key, value in said.items():
        if key.startswith("x-"):
            continue
        if key not in _KEYS:
            raise UserError(f"{where} has no {key!r}{did_you_mean(key, _KEYS)}; it has {', '.join(_KEYS)}")
        kind, name = _KEYS[key]
        if not isinstance(value, kind):
            raise UserError(f"{where}: {key} must be a {name}")
    prefer, after = said.get("prefer") or {}, tuple(said.get("after") or ())
    if prefer and not {"operation", "for"} <= prefer.keys():
        raise UserError(f"{where}: prefer must be a mapping such as {{operation: getOrder, for: one order}}")
    for id in (*after, *([prefer["operation"]] if prefer else ())):
        if id not in contract.operations:
            raise UserError(f"{where} names {id!r}, but the contract has no such operation" + _near(contract, id))
    known = {parameter.name for parameter in operation.parameters}
    for name in said.get("parameters") or {}:
        if name not in known:
            raise UserError(f"{where} gives a value to {name!r}, which is no parameter{did_you_mean(name, known)}")
    return Words(
        **{name: said[name] for name in _TEXTS if name in said},
        prefer=(prefer["operation"], prefer["for"]) if prefer else ("", ""),
        fix={str(status): str(text) for status, text in (said.get("fix") or {}).items()},
        after=after,
        parameters=said.get("parameters") or {},
        body=said.get("body"),
    )


def _near(contract: Contract, id: Any) -> str:
    return did_you_mean(str(id), contract.operations)


__all__ = ["NO_WORDS", "Words", "words_of"]
