"""Values that are computed when they are needed: `{$request: body#/id}`, `{$now: +3d}`, `{$map: ..., each: ...}`.

A template is plain data. A mapping with a key that begins with `$` is an expression; everything else stands for
itself. There are no names, no calls and no loops but over lists that are there already, and what a template makes is
bounded, so that rendering always ends. What the references mean is for the `Sources`; this module knows no request
and no state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON
from mockserver.records import record
from mockserver.text.arithmetic import TemplateError
from mockserver.text.expressions import OPERATORS
from mockserver.text.jsontext import copied
from mockserver.text.references import Reference
from mockserver.text.rendering import Place, Render, Scope, Sources

Report = Callable[[Place, str], None]


@record(frozen=True)
class Template:
    """A compiled template."""

    _render: Render
    is_constant: bool
    requests: tuple[tuple[Place, Reference], ...] = ()
    """The parts of the request that it reads, each with its place in the file."""
    tables: tuple[tuple[Place, str], ...] = ()
    """The tables whose rows or ids it uses."""

    def render(self, sources: Sources) -> JSON:
        """The value. Raises TemplateError."""
        return self._render(Scope(sources))


@record()
class _Compiler:
    """Compiles one template, and gathers what it refers to."""

    report: Report
    requests: list[tuple[Place, Reference]] = field(default_factory=list)
    tables: list[tuple[Place, str]] = field(default_factory=list)
    computes: bool = False

    def compile(self, node: Any, place: Place) -> Render:
        if isinstance(node, dict):
            if any(isinstance(key, str) and key.startswith("$") for key in node):
                self.computes = True
                return self._expression(node, place)
            members = {key: self.compile(value, (*place, key)) for key, value in node.items()}
            return lambda scope: _object(scope, members)
        if isinstance(node, list):
            items = [self.compile(item, (*place, number)) for number, item in enumerate(node)]
            return lambda scope: _array(scope, items)
        size = len(node) if isinstance(node, str) else 1
        return lambda scope: _constant(scope, node, size)

    def _expression(self, node: dict[str, Any], place: Place) -> Render:
        name = next(key for key in node if isinstance(key, str) and key.startswith("$"))
        operator = OPERATORS.get(name)
        if operator is None:
            self.report((*place, name), f"there is no {name!r} in templates{did_you_mean(name, OPERATORS)}")
            return _nothing
        make, more = operator
        for key in node:
            if key != name and key not in more:
                takes = f"; it takes {' and '.join(f'`{k}`' for k in more)}" if more else ", which stands alone"
                self.report((*place, key), f"{key!r} means nothing beside `{name}`{takes}")
        here = (*place, name)
        try:
            return _told(here, name, make(self, node, place))
        except UserError as error:
            self.report(here, str(error))
            return _nothing


def compile_template(node: Any, place: Place = (), report: Report | None = None) -> Template:
    """Compile a template.

    Args:
        node: the template.
        place: where it stands in its file.
        report: called with each mistake and its place; None raises UserError with the first.
    """
    compiler = _Compiler(report or _raise)
    render = compiler.compile(node, place)
    if not compiler.computes:
        return Template(lambda scope: copied(node), True)
    return Template(render, False, tuple(compiler.requests), tuple(compiler.tables))


def _raise(place: Place, message: str) -> None:
    raise UserError(message)


def _told(place: Place, name: str, render: Render) -> Render:
    """The same, with the place in what it raises."""

    def placed(scope: Scope) -> JSON:
        try:
            return render(scope)
        except TemplateError as error:
            if error.placed:
                raise
            told = TemplateError(f"{name} at {'.'.join(map(str, place[:-1])) or 'the top'}: {error}")
            told.placed = True
            raise told from None

    return placed


def _nothing(scope: Scope) -> JSON:
    return None


def _object(scope: Scope, members: Mapping[str, Render]) -> JSON:
    scope.spend(1)
    return {name: render(scope) for name, render in members.items()}


def _array(scope: Scope, items: list[Render]) -> JSON:
    scope.spend(1)
    return [render(scope) for render in items]


def _constant(scope: Scope, value: JSON, size: int) -> JSON:
    scope.spend(size)
    return value


__all__ = ["Sources", "Template", "TemplateError", "compile_template"]
