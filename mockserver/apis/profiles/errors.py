"""The bodies of errors by a profile: a value in which `{$problem: NAME}` stands for what the server has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockserver.errors import Problem, did_you_mean
from mockserver.messages import JSON

SAYS: dict[str, Callable[[Problem], JSON]] = {
    "message": lambda problem: problem.message,
    "title": lambda problem: problem.kind.title,
    "kind": lambda problem: problem.kind.name,
    "status": lambda problem: problem.status,
    "retryable": lambda problem: problem.kind.retryable,
    "mitigation": lambda problem: problem.kind.mitigation,
    "fields": lambda problem: [{"field": v.field, "message": v.message} for v in problem.violations],
}
"""What a problem can be asked for, by the names that a profile uses."""


def body_of(template: Any, problem: Problem) -> JSON:
    """The body for one problem."""
    if isinstance(template, dict):
        if template.keys() == {"$problem"}:
            return SAYS[template["$problem"]](problem)
        return {name: body_of(value, problem) for name, value in template.items()}
    if isinstance(template, list):
        return [body_of(item, problem) for item in template]
    return template


def mistakes(template: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with a template, each with its place in it."""
    if isinstance(template, dict):
        if "$problem" in template:
            name = template["$problem"]
            if template.keys() != {"$problem"}:
                yield place, "`$problem` stands alone in its mapping"
            elif name not in SAYS:
                yield (*place, "$problem"), f"a problem has no {name!r}{did_you_mean(str(name), SAYS)}"
            return
        for key, value in template.items():
            yield from mistakes(value, (*place, key))
    elif isinstance(template, list):
        for number, item in enumerate(template):
            yield from mistakes(item, (*place, number))


__all__ = ["SAYS", "body_of", "mistakes"]
