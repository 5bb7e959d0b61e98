"""From a file to a scenario: parse it, take in what it extends, and report every problem with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mockserver.apis import Api
from mockserver.errors import UserError, did_you_mean
from mockserver.scenarios.compile import Compiler, Place
from mockserver.scenarios.library import ScenarioError, ScenarioProblem, bundled_scenarios
from mockserver.scenarios.model import ScenarioModel
from mockserver.scenarios.rules import Origin, Scenario
from mockserver.text.documents import DocumentError, Locator, parse, read_text

MAX_BYTES = 1024 * 1024
MAX_EXTENDS = 8


def load_scenario(source: str, apis: Mapping[str, Api]) -> Scenario:
    """A scenario by the name of a bundled one, or from a file. Raises UserError."""
    known = bundled_scenarios()
    if source in known:
        return parse_scenario(read_text(known[source], MAX_BYTES), apis, f"{source}.yaml", "bundled")
    path = Path(source)
    if not path.is_file():
        raise UserError(f"there is no scenario {source!r} and no such file{did_you_mean(source, known)}")
    return parse_scenario(read_text(path, MAX_BYTES), apis, source, source, path.parent)


def parse_scenario(
    text: str,
    apis: Mapping[str, Api],
    file: str,
    source: str = "upload",
    folder: Path | None = None,
    parents: Sequence[str] = (),
) -> Scenario:
    """A scenario from its YAML or JSON text.

    Args:
        text: the scenario.
        apis: the APIs it may be for, by name.
        file: what to call it in messages and in rules' places.
        source: where it came from.
        folder: where a file named in `extends` is looked for; None allows only bundled ones.
        parents: texts of the files that it extends one after the other, which are then not looked for.

    Raises:
        ScenarioError: everything that is wrong, each with its place.
        DocumentError: it is not YAML at all.
    """
    if len(text.encode()) > MAX_BYTES:
        raise DocumentError(f"{file}: is larger than {MAX_BYTES:,} bytes")
    return _Loader(text, apis, file, source, folder, tuple(parents)).load()


def restored(origin: Origin, apis: Mapping[str, Api]) -> Scenario:
    """The scenario that another process has read already. Raises UserError when an API is missing here."""
    return parse_scenario(origin.texts[0], apis, origin.file, origin.source, None, origin.texts[1:])


class _Loader:
    def __init__(
        self,
        text: str,
        apis: Mapping[str, Api],
        file: str,
        source: str,
        folder: Path | None,
        parents: tuple[str, ...],
    ) -> None:
        self._text = text
        self._apis = apis
        self._file = file
        self._source = source
        self._folder = folder
        self._parents = parents
        self._place_file = file.partition("<")[0]
        self._locator = Locator(text)
        self._problems: list[ScenarioProblem] = []

    def load(self) -> Scenario:
        data = parse(self._text, self._file)
        if not isinstance(data, dict):
            raise DocumentError(f"{self._file}:1:1: a scenario is a mapping with `version: 1`, `name`, `api`, ...")
        try:
            model = ScenarioModel.model_validate(data)
        except ValidationError as error:
            for fault in error.errors():
                self._shape_problem(data, fault)
            raise ScenarioError(self._problems) from None
        base = self._base(model)
        parents = base.origin.texts if base is not None and model.extends not in bundled_scenarios() else ()
        origin = Origin(self._file, self._source, (self._text, *parents))
        compiler = Compiler(self._apis, self._problem, lambda place: self._locator.at(place)[0], self._place_file)
        scenario = compiler.compile(model, origin)
        if self._problems:
            raise ScenarioError(sorted(self._problems, key=lambda problem: (problem.line, problem.column)))
        return _extended(scenario, base) if base else scenario

    def _problem(self, path: Place, message: str, rule: str = "") -> None:
        line, column = self._locator.at(path)
        self._problems.append(ScenarioProblem(self._file, line, column, rule, message))

    def _shape_problem(self, data: Any, fault: Any) -> None:
        path = list(fault["loc"])
        if fault["type"] == "unknown_key":
            path.append(fault["ctx"]["key"])
        rule = ""
        if len(path) > 1 and path[0] == "rules" and isinstance(path[1], int):
            entry = data["rules"][path[1]] if path[1] < len(data["rules"]) else None
            rule = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "missing":
            message = f"{path[-1]!r} is missing"
            path = path[:-1]
        elif fault["type"] != "unknown_key" and path:
            message = f"{path[-1]}: {message}"
        self._problem(tuple(path), message, rule)

    def _base(self, model: ScenarioModel) -> Scenario | None:
        """The scenario that this one extends."""
        seen = [model.name]
        if model.extends is None:
            return None
        known = bundled_scenarios()
        path = known.get(model.extends)
        text = self._parents[0] if path is None and self._parents else None
        if text is not None:
            path = Path(model.extends)
        elif path is None and self._folder is not None and (self._folder / model.extends).is_file():
            path = self._folder / model.extends
        if path is None:
            where = "bundled scenario" if self._folder is None else "bundled scenario or file"
            self._problem(("extends",), f"there is no {where} {model.extends!r}{did_you_mean(model.extends, known)}")
            return None
        if seen.count(model.name) > 1 or self._file.count("<") >= MAX_EXTENDS:
            self._problem(("extends",), "scenarios extend one another without end")
            return None
        try:
            # The name tells the way, and its length stops two files that extend each other.
            return parse_scenario(
                read_text(path, MAX_BYTES) if text is None else text,
                self._apis,
                f"{path.name}<{self._file}",
                self._source,
                path.parent if text is None else None,
                self._parents[1:],
            )
        except ScenarioError as error:
            self._problems += error.problems
            return None


def _extended(scenario: Scenario, base: Scenario) -> Scenario:
    """A scenario over the one it extends: its own rules come first, its own values win."""
    own = {rule.id for rule in scenario.rules}
    rules = (*scenario.rules, *(rule for rule in base.rules if rule.id not in own))
    given, below = scenario.model, base.model
    model = given.model_copy(
        update={
            "seed": below.seed if given.seed is None else given.seed,
            "clock": given.clock or below.clock,
            "credits": below.credits if given.credits is None else given.credits,
            "keys": given.keys or below.keys,
            "expect": [*given.expect, *below.expect],
        }
    )
    by_operation = {
        id: tuple(rule for rule in rules if id in rule.operations)
        for id in {*scenario.by_operation, *base.by_operation}
    }
    return Scenario(
        model,
        scenario.origin,
        rules,
        scenario.limits or base.limits,
        by_operation,
        {**base.rows, **scenario.rows},
    )


__all__ = [
    "ScenarioError",
    "ScenarioProblem",
    "bundled_scenarios",
    "load_scenario",
    "parse_scenario",
]
