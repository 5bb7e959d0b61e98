"""`record`: the standard library's `dataclass`, made in a quarter of its time.

A start makes a hundred of them, and `dataclass` writes and compiles six functions for each: two fifths of what
our own imports took. Here one function is compiled, `__init__`; the others are the same for all records.
`fields`, `replace` and `asdict` take a record as they take any dataclass.

Must not know: what any record is for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, FrozenInstanceError, fields
from dataclasses import dataclass as _dataclass
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen=False, eq=True, repr=True):
        """A decorator of a class with annotated fields, which get slots.

        Args:
            frozen: the fields cannot be set again; with `eq`, a record has a hash.
            eq: records of one class are equal when all their fields are.
            repr: a record is shown with its fields.
        """

        def make(plain: type) -> type:
            own = set(plain.__dict__)
            plain.__doc__ = plain.__doc__ or plain.__name__  # `dataclass` would read its signature, and import for that
            made = _dataclass(init=False, repr=False, eq=False, slots=True)(plain)
            known = fields(made)
            made.__init__ = _init(made, known, frozen)
            if repr and "__repr__" not in own:
                made.__repr__ = _repr
            if eq and "__eq__" not in own:
                compared = [each.name for each in known if each.compare]
                made._all = attrgetter(*compared) if compared else type
                made.__eq__ = _eq
                if "__hash__" not in own:
                    made.__hash__ = _hash if frozen else None
            if frozen:
                made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
                made.__getstate__, made.__setstate__ = _state, _set_state
            return made

        return make


class _Factory:
    """Stands for a value that is made when none is given, as `help` shows it."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _init(made: type, known: Iterable[Any], frozen: bool) -> Any:
    """The function that takes the values of the fields."""
    names: dict[str, Any] = {"_NONE_GIVEN": _FACTORY, "_set": object.__setattr__}
    taken, lines = ["self"], []
    for each in known:
        name = value = each.name
        if each.default_factory is not MISSING:
            names[f"_make_{name}"] = each.default_factory
            value = f"_make_{name}()" + (f" if {name} is _NONE_GIVEN else {name}" if each.init else "")
            default = "=_NONE_GIVEN"
        elif each.default is not MISSING:
            names[f"_default_{name}"] = each.default
            default = f"=_default_{name}"
            value = name if each.init else f"_default_{name}"
        else:
            default = ""
        if each.init:
            taken.append(name + default)
        elif value == name:
            continue  # whoever makes it sets it later
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(taken)}):\n " + "\n ".join(lines or ["pass"]), names)
    init = names["__init__"]
    init.__qualname__, init.__module__ = f"{made.__qualname__}.__init__", made.__module__
    init.__annotations__ = {each.name: each.type for each in known if each.init} | {"return": None}
    return init


@recursive_repr()
def _repr(self: Any) -> str:
    values = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({values})"


def _eq(self: Any, other: Any) -> Any:
    return self._all(self) == self._all(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._all(self))


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


__all__ = ["record"]
