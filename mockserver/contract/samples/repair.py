"""Make a value until the compiled validator takes it, learning from what it says each time.

Every error names a keyword and a place. What is wrong there decides what the plan of the next try says of that
place; when a place was tried in vain, so is the one around it. All of it is bounded and the same in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from math import prod
from random import Random
from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationError, ValidationErrorKind

from mockserver.contract.explain import leaves
from mockserver.contract.samples.making import Maker
from mockserver.contract.samples.plan import Made, Path, Plan, Step

MAX_ROUNDS = 90
"""Values that are made for one sample."""
MAX_ERRORS = 40
"""Errors of one value that are looked at."""
MAX_WORK = 50_000
"""Values, members and items counted, that are made for one sample."""
MAX_COMBINATIONS = 40
"""Combinations of choices at one place that are tried one by one."""
MAX_DROPPED = 12
"""Members that are left out of one sample because nothing fits them."""
_FEW = 5
"""Texts, numbers and the like that are tried at one place."""

Errors = list[ValidationError]


def repaired(maker: Maker, schema: Any, name: str, validator: jsonschema_rs.Validator) -> tuple[Any, Errors]:
    """A value and what is wrong with it: nothing, unless no valid one was found."""
    plan: Plan = {}
    lessons = _Lessons(plan)
    work = 0
    value: Any = None
    errors: Errors = []
    fewest: tuple[Any, Errors] | None = None
    for _ in range(MAX_ROUNDS):
        value = maker.make(schema, name, plan)
        errors = list(islice(validator.iter_errors(value), MAX_ERRORS))
        if not errors:
            return value, []
        if fewest is None or len(errors) < len(fewest[1]):
            fewest = value, errors
        work += maker.size
        if work > MAX_WORK or not lessons.learn(maker.trace or {}, errors):
            break
    value, errors = fewest or (value, errors)
    smaller, left = _without_optional(value, errors, validator)
    return (smaller, []) if not left else (value, errors)


def _without_optional(value: Any, errors: Errors, validator: jsonschema_rs.Validator) -> tuple[Any, Errors]:
    """A value without the members that cannot be made, or that hold one; a member that is missed then stays.

    Of the members on the way to what is wrong the innermost goes first.
    """
    for _ in range(MAX_DROPPED):
        if not errors:
            break
        better = None
        path = max((tuple(error.instance_path) for error in errors), key=len)
        for length in range(len(path), 0, -1):
            if not isinstance(path[length - 1], str):
                continue
            changed = _dropped(value, path[:length])
            left = list(islice(validator.iter_errors(changed), MAX_ERRORS))
            is_shallower = len(left) == len(errors) and all(len(error.instance_path) < length for error in left)
            if len(left) < len(errors) or is_shallower:
                better = changed, left
                break
        if better is None:
            break
        value, errors = better
    return value, errors


def _dropped(value: Any, path: Path) -> Any:
    """A copy of a value without the member at a path."""
    if isinstance(value, list):
        return [_dropped(item, path[1:]) if index == path[0] else item for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if len(path) == 1:
        return {name: member for name, member in value.items() if name != path[0]}
    return {name: _dropped(member, path[1:]) if name == path[0] else member for name, member in value.items()}


class _Lessons:
    """Turns errors into a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._visits: Counter[Path] = Counter()
        self._explained: Counter[Path] = Counter()
        self._trace: dict[Path, Made] = {}
        self._done: set[Path] = set()

    def learn(self, trace: dict[Path, Made], errors: Iterable[ValidationError]) -> bool:
        """Whether there is anything else to try."""
        self._trace = trace
        self._done = set()
        learnt = [self._learn(error) for error in errors]
        return any(learnt)

    def _step(self, path: Path) -> Step:
        return self._plan.setdefault(path, Step())

    def _learn(self, error: ValidationError) -> bool:
        path = tuple(error.instance_path)
        for length in range(len(path) + 1):
            made = self._trace.get(path[:length])
            if made is not None and made.from_example:
                self._step(path[:length]).without_example = True
                return True
        match error.kind:
            case (
                ValidationErrorKind.AdditionalProperties(unexpected=names)
                | ValidationErrorKind.UnevaluatedProperties(unexpected=names)
            ):
                return self._drop(path, names)
            case ValidationErrorKind.FalseSchema() if path and isinstance(path[-1], str):
                return self._drop(path[:-1], [path[-1]])
            case ValidationErrorKind.Not() | ValidationErrorKind.OneOfMultipleValid() if self._visits[path] >= 2:
                if isinstance(error.kind, ValidationErrorKind.Not) and path and self._is_optional(path):
                    return self._drop(path[:-1], [str(path[-1])])
                self._differ(path)
            case ValidationErrorKind.PropertyNames(error=inner):
                return self._drop(path, [str(inner.instance)])
            case ValidationErrorKind.Required(property=name):
                step = self._step(path)
                if name not in step.add and name not in step.drop:
                    step.add.add(name)
                    return True
            case ValidationErrorKind.MinProperties() | ValidationErrorKind.MinItems() | ValidationErrorKind.Contains():
                step = self._step(path)
                if step.extra < 3:
                    step.extra += 1
                    return True
            case ValidationErrorKind.AnyOf() | ValidationErrorKind.OneOfNotValid():
                self._explained[path] += 1
                closest = [leaf for leaf in leaves(error) if leaf is not error]
                if closest and self._explained[path] % 3:
                    learnt = [self._learn(leaf) for leaf in closest[:4]]
                    return any(learnt)
        return self._vary(path)

    def _differ(self, path: Path) -> None:
        """Members that are otherwise, or that only another way of a choice knows, as that one would not have them."""
        visit = self._visits[path]
        made = self._trace.get(path, Made())
        turn = visit // min(prod(made.ways), MAX_COMBINATIONS)
        rivals = list(made.rivals.items())
        step = self._step(path)
        # What is no rival now was one of another way, which may be the next to be taken.
        others = {name: schema for name, schema in step.unlike.items() if name not in made.rivals}
        step.unlike = {**others, **dict(rivals[turn % len(rivals) :][:1])} if rivals else {}
        if rivals and turn < _FEW:
            return
        for child in self._trace:
            if len(child) == len(path) + 1 and child[: len(path)] == path:
                self._step(child).variation = visit

    def _is_optional(self, path: Path) -> bool:
        around = self._trace.get(path[:-1])
        return around is not None and path[-1] in around.optional

    def _drop(self, path: Path, names: Iterable[str]) -> bool:
        step = self._step(path)
        new = set(names) - step.drop
        if new & step.add or not new:
            return self._vary(path)
        step.drop |= new
        return True

    def _vary(self, path: Path) -> bool:
        """Do something else at a place; when all was tried there, around it."""
        while path and path not in self._trace:
            path = path[:-1]
        if path in self._done:
            return True
        self._done.add(path)
        self._visits[path] += 1
        visit = self._visits[path]
        made = self._trace.get(path, Made())
        combinations = prod(made.ways)
        limit = min(combinations, MAX_COMBINATIONS)
        step = self._step(path)
        if visit < limit:
            step.choices = _nth(visit, combinations)
            step.variation = visit
            step.drop, step.add = set(), set()
            return True
        if made.optional or made.can_shrink or step.minimal or step.subset:
            again = visit - limit
            rounds, step.choices = again // limit, _nth(again % limit, combinations)
            step.minimal, step.subset = rounds == 0, rounds
            if rounds < _FEW:
                step.variation = visit
                step.drop, step.add = set(), set()
                return True
        elif visit < limit + _FEW:
            step.choices, step.variation = _nth(visit % limit, combinations), visit
            return True
        return self._around(path)

    def _around(self, path: Path) -> bool:
        if not path:
            return False
        for below in [other for other in self._plan if other[: len(path)] == path]:
            del self._plan[below]
        for below in [other for other in self._visits if other[: len(path)] == path]:
            del self._visits[below]
        if self._is_optional(path):
            self._step(path[:-1]).drop.add(str(path[-1]))
            return True
        return self._vary(path[:-1])


def _nth(number: int, combinations: int) -> int:
    """The number of a combination: in their order, unless they are too many for that."""
    return number if combinations <= MAX_COMBINATIONS or number < 6 else Random(number).randrange(combinations)
