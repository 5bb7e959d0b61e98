"""Behaviours in Python, apart from the API that they are for: functions that a profile or `--behaviours` names.

from mockserver import Behaviours

api = Behaviours()

@api.operation("checkout", costs=2)
def checkout(call):
    return 201, call.resource("orders").create({"item": call.body["item"]})
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, TypeVar

from mockserver.apis.api import Api, Extras, Price
from mockserver.apis.base import Behaviour
from mockserver.errors import UserError, did_you_mean

_Function = TypeVar("_Function", bound=Behaviour)


class Behaviours:
    """Functions that answer operations, and what the operations cost."""

    def __init__(self) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.costs: dict[str, Price | float] = {}
        self.files: tuple[Path, ...] = ()
        """The files that they were read from."""

    def operation(self, id: str, *, costs: Price | float | None = None) -> Callable[[_Function], _Function]:
        """A decorator that makes a function the behaviour of an operation.

        Args:
            id: the operationId; `GET /path` for an operation that has none.
            costs: credits that a call costs: a number, or a Price.

        Raises:
            UserError: the operation has a behaviour already.
        """
        if id in self.behaviours:
            raise UserError(f"{id!r} has two behaviours")

        def register(behaviour: _Function) -> _Function:
            self.behaviours[id] = behaviour
            if costs is not None:
                self.costs[id] = costs
            return behaviour

        return register

    def over(self, api: Api, extras: Extras | None = None) -> Api:
        """An API with these behaviours; those that it has are replaced. Raises UserError for an unknown operation."""
        known = extras or {}
        costs = {**api.costs, **self.costs}
        behaviours = {**api.behaviours, **self.behaviours}
        files = (*known.get("files", api.files), *self.files)
        return replace(api, behaviours=behaviours, costs=costs, files=files)


def load_behaviours(spec: str, folder: Path) -> Behaviours:
    """The behaviours at `module:attribute`: of a file in a folder, read afresh each time, else of an installed module.

    Raises UserError when there are none, or when the code fails.
    """
    name, _, attribute = spec.partition(":")
    file = folder.joinpath(*name.split(".")).with_suffix(".py")
    try:
        module = _read(name, file) if file.is_file() else import_module(name)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{spec!r}: the module {name!r} cannot be imported: {reason(error)}") from None
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            hint = did_you_mean(part, [known for known in dir(value) if not known.startswith("_")])
            raise UserError(f"{spec!r}: {name!r} has no {attribute!r}{hint}")
        value = getattr(value, part)
    if not isinstance(value, Behaviours):
        raise UserError(f"{spec!r}: is of type {type(value).__name__}; it must be a mockserver.Behaviours")
    value.files = (file,) if file.is_file() else ()
    return value


def _read(name: str, file: Path) -> ModuleType:
    """A module from its file, under a name of its own: another project may have one of the same name."""
    unique = f"mockserver_behaviours.{file.resolve().as_posix().replace('/', '_').replace('.', '_')}"
    found = importlib.util.spec_from_file_location(unique, file)
    if found is None or found.loader is None:
        raise UserError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[unique] = module
    folder = str(file.parent.resolve())
    sys.path.insert(0, folder)
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    finally:
        sys.path.remove(folder)
    return module


def reason(error: Exception) -> str:
    """An error of somebody's code with the line that it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    places = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    own = ("importlib", str(Path(__file__)), str(Path(__file__).with_name("loader.py")), "<")
    theirs = [f"{file}:{line}: " for file, line in places if not file.startswith(own) and "importlib" not in file]
    where = theirs[-1] if theirs else ""
    return " ".join(f"{where}{type(error).__name__}: {error}".split())


__all__ = ["Behaviours", "load_behaviours", "reason"]
