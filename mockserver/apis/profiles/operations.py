"""Operations as a profile names them: by operationId, or as `POST /orders`."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.contract import Contract
from mockserver.errors import did_you_mean
from mockserver.text.shape import Place, Report


class Names:
    """Finds the operations of a contract by what a profile calls them.

    Args:
        contract: the contract.
        report: called with every name that is none.
    """

    def __init__(self, contract: Contract, report: Report) -> None:
        self._known = contract.operations
        self._report = report
        self._spelled = {f"{o.method} {o.path}": o.id for o in contract.operations.values()}

    def id(self, name: str, place: Place) -> str | None:
        """The operationId; None, with a report, for a name that is none."""
        if name in self._known:
            return name
        if name in self._spelled:
            return self._spelled[name]
        hint = did_you_mean(name, [*self._known, *self._spelled])
        self._report(place, f"the document has no operation {name!r}{hint}")
        return None

    def ids(self, names: Iterable[str], place: Place) -> list[str]:
        """The operationIds of several names, which are written as a list when they are more than one."""
        names = list(names)
        found = (self.id(name, place if len(names) == 1 else (*place, at)) for at, name in enumerate(names))
        return [id for id in found if id is not None]

    def all(self, names: Iterable[str], place: Place) -> frozenset[str]:
        """The same; `*` alone means every operation."""
        names = list(names)
        return frozenset(self._known) if names == ["*"] else frozenset(self.ids(names, place))


__all__ = ["Names"]
