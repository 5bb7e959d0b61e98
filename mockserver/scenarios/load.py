"""From a file to a scenario: parse it, take in what it extends, and report every problem with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mockserver.apis import Api
from mockserver.errors import UserError, did_you_mean
from mockserver.scenarios.compile import Compiler
from mockserver.scenarios.library import (
    MAX_PROBLEMS,
    MAX_SCENARIO,
    ScenarioError,
    ScenarioProblem,
    bundled_scenarios,
)
from mockserver.scenarios.model import ScenarioModel
from mockserver.scenarios.rules import Origin, Scenario
from mockserver.text.documents import DocumentError, Locator, parse, read_text
from mockserver.text.shape import Draft, Place

MAX_EXTENDS = 8
"""Scenarios that may extend one another in a row."""


class _File(NamedTuple):
    """A scenario of a chain of `extends`."""

    shown: str
    """What messages call it."""
    key: str
    """What it is known by: its whole path; "" for a text without a file, which nothing can extend."""


def load_scenario(source: str, apis: Mapping[str, Api]) -> Scenario:
    """A scenario by the name of a bundled one, or from a file. Raises UserError."""
    bundled = bundled_scenarios()
    path = bundled.get(source) or Path(source)
    if source not in bundled and not path.is_file():
        raise UserError(f"there is no scenario {source!r} and no such file{did_you_mean(source, bundled)}")
    text = read_text(path, MAX_SCENARIO)
    file = _File(f"{source}.yaml" if source in bundled else source, str(path.resolve()))
    if source in bundled:
        return _Loader(text, apis, file, "bundled").load()
    return _Loader(text, apis, file, source, path.parent).load()


def parse_scenario(text: str, apis: Mapping[str, Api], file: str, source: str = "upload") -> Scenario:
    """A scenario from its YAML or JSON text. It may extend bundled scenarios only.

    Args:
        text: the scenario, of at most MAX_SCENARIO bytes.
        apis: the APIs it may be for, by name.
        file: what to call it in messages and in rules' places.
        source: where it came from.

    Raises:
        ScenarioError: every problem, each with its place.
        DocumentError: the text is too large, or not YAML.
    """
    return _Loader(text, apis, _File(file, ""), source).load()


def restored(origin: Origin, apis: Mapping[str, Api]) -> Scenario:
    """The scenario that another process has read already. Raises UserError when an API is missing here."""
    text, *parents = origin.texts
    return _Loader(text, apis, _File(origin.file, ""), origin.source, None, tuple(parents)).load()


class _Loader:
    """Loads one scenario and, by another loader, the one that it extends.

    Args:
        text: the scenario.
        apis: the APIs it may be for, by name.
        file: what it is called.
        source: where it came from.
        folder: where a file named in `extends` is looked for; None allows only bundled ones.
        parents: texts of the files that it extends one after the other, which are then not looked for.
        chain: the files that extend this one, the first one first.
    """

    def __init__(
        self,
        text: str,
        apis: Mapping[str, Api],
        file: _File,
        source: str,
        folder: Path | None = None,
        parents: Sequence[str] = (),
        chain: tuple[_File, ...] = (),
    ) -> None:
        if len(text.encode(errors="surrogatepass")) > MAX_SCENARIO:
            raise DocumentError(f"{file.shown}: is larger than {MAX_SCENARIO:,} bytes")
        self._text = text
        self._apis = apis
        self._file = file
        self._source = source
        self._folder = folder
        self._parents = parents
        self._chain = (*chain, file)
        self._locator = Locator(text)
        self._problems: list[ScenarioProblem] = []
        self._unlisted = 0

    def load(self) -> Scenario:
        """The scenario. Raises ScenarioError, which has the problems of its shape and of its meaning."""
        file = self._file.shown
        self._data = parse(self._text, file)
        if not isinstance(self._data, dict):
            raise DocumentError(f"{file}:1:1: a scenario is a mapping with `version: 1`, `name`, `api`, ...")
        draft = Draft(ScenarioModel, self._data, self._problem)
        scenario = base = None
        if draft.model is not None:
            base = self._base(draft.model)
            parents = base.origin.texts if base is not None and draft.model.extends not in bundled_scenarios() else ()
            origin = Origin(file, self._source, (self._text, *parents))
            scenario = self._compiled(draft, draft.model, origin)
        if self._problems or scenario is None:
            ordered = sorted(self._problems, key=lambda found: (found.file != file, found.line, found.column))
            raise ScenarioError(ordered, self._unlisted)
        return _extended(scenario, base) if base else scenario

    def _compiled(self, draft: Draft[ScenarioModel], model: ScenarioModel, origin: Origin) -> Scenario | None:
        """The scenario; None when its API is not known."""

        def report(place: Place, message: str) -> None:
            where = draft.original(place)
            if not draft.is_affected(where):
                self._problem(where, message)

        api = self._apis.get(model.api)
        if api is None:
            report(("api",), f"there is no API {model.api!r} here{did_you_mean(model.api, self._apis)}")
            return None
        compiler = Compiler(api, report, lambda place: f"{self._file.shown}:{self._locator.at(place)[0]}")
        entries = {rule.id: rule for rule in model.rules}
        return replace(compiler.compile(model, origin), files=self._files(), entries=entries)

    def _files(self) -> tuple[str, ...]:
        return (self._file.shown,) if self._folder is not None else ()

    def _problem(self, place: Place, message: str) -> None:
        if len(self._problems) >= MAX_PROBLEMS:
            self._unlisted += 1
            return
        rule = ""
        if len(place) > 1 and place[0] == "rules":
            entry = self._data["rules"][place[1]]
            rule = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        line, column = self._locator.at(place)
        self._problems.append(ScenarioProblem(self._file.shown, line, column, rule, message))

    def _base(self, model: ScenarioModel) -> Scenario | None:
        """The scenario that this one extends."""
        name = model.extends
        if name is None:
            return None
        bundled = bundled_scenarios()
        beside = Path(self._file.shown).parent / name
        folder, parents, key = None, self._parents, ""
        if name in bundled:
            text, shown, key = read_text(bundled[name], MAX_SCENARIO), f"{name}.yaml", str(bundled[name].resolve())
        elif self._parents:
            text, shown, parents = self._parents[0], str(beside), self._parents[1:]
        elif self._folder is not None and (path := self._folder / name).is_file():
            text, shown, folder, key = read_text(path, MAX_SCENARIO), str(beside), path.parent, str(path.resolve())
        else:
            where = "bundled scenario" if self._folder is None else "bundled scenario or file"
            self._problem(("extends",), f"there is no {where} {name!r}{did_you_mean(name, bundled)}")
            return None
        keys = [file.key for file in self._chain]
        if key and key in keys:
            circle = [*(file.shown for file in self._chain[keys.index(key) :]), shown]
            names = " -> ".join(Path(name).name for name in circle)
            self._problem(("extends",), f"circular `extends`: {names}")
            return None
        if len(self._chain) > MAX_EXTENDS:
            self._problem(("extends",), f"more than {MAX_EXTENDS} scenarios extend one another in a row")
            return None
        try:
            file = _File(shown, key)
            return _Loader(text, self._apis, file, self._source, folder, parents, self._chain).load()
        except ScenarioError as error:
            self._problems += error.problems
            self._unlisted += error.unlisted
            return None


def _extended(scenario: Scenario, base: Scenario) -> Scenario:
    """A scenario over the one it extends: its own rules come first, its own values win."""
    own = {rule.id for rule in scenario.rules}
    rules = (*scenario.rules, *(rule for rule in base.rules if rule.id not in own))
    over, under = scenario.model, base.model
    model = over.model_copy(
        update={
            "seed": under.seed if over.seed is None else over.seed,
            "clock": over.clock or under.clock,
            "credits": under.credits if over.credits is None else over.credits,
            "keys": over.keys or under.keys,
            "expect": [*over.expect, *under.expect],
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
        (*scenario.files, *base.files),
        {**base.entries, **scenario.entries},
        base.schedules or scenario.schedules,
    )


__all__ = ["ScenarioError", "ScenarioProblem", "bundled_scenarios", "load_scenario", "parse_scenario"]
