"""What the operators of templates do with values: numbers, lists and texts, each bounded. Knows no template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.messages import JSON
from mockserver.text.jsontext import to_json
from mockserver.text.matchers import show

MAX_NUMBER = 2**63
"""No number of a template is as large as this."""


class TemplateError(Exception):
    """A template has no value for this request; the message says which part of it, and why."""

    placed = False
    """Whether the message says which part."""


def is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_of(value: JSON) -> int | float:
    if isinstance(value, str):
        try:
            value = int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            raise TemplateError(f"{show(value)} is no number") from None
    if not is_number(value):
        raise TemplateError(f"{show(value)} is no number")
    if not abs(value) < MAX_NUMBER:  # NaN is not either
        raise TemplateError("a number is too large")
    return value  # type: ignore[no-any-return]


def numeric(work: Callable[..., int | float]) -> Callable[..., JSON]:
    def over(*values: JSON) -> JSON:
        result = number_of(work(*map(number_of, values)))
        return int(result) if isinstance(result, float) and result.is_integer() and _all_whole(values) else result

    return over


def _all_whole(values: tuple[JSON, ...]) -> bool:
    return all(isinstance(value, int) for value in values)


def list_of(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        raise TemplateError(f"{show(value)} is no list")
    return value


def text_of(value: JSON) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def truth(value: JSON) -> bool:
    return value not in (None, False, 0, "", [], {})


def concatenated(*values: JSON) -> JSON:
    if any(isinstance(value, list) for value in values):
        return [item for value in values for item in list_of(value)]
    return "".join(map(text_of, values))


def merged(*values: JSON) -> JSON:
    """Objects as one; a later one's members go before those of an earlier one."""
    members: dict[str, JSON] = {}
    for value in values:
        if not isinstance(value, dict):
            raise TemplateError(f"{show(value)} is no object")
        members |= value
    return members


def length(value: JSON) -> JSON:
    if not isinstance(value, str | list | dict):
        raise TemplateError(f"{show(value)} has no length")
    return len(value)


def divided(left: int | float, right: int | float) -> int | float:
    if not right:
        raise TemplateError("something is divided by zero")
    return left / right


def remainder(left: int | float, right: int | float) -> int | float:
    if not right:
        raise TemplateError("something is divided by zero")
    return left % right


def product(*values: int | float) -> int | float:
    result: int | float = 1
    for value in values:
        result = number_of(result * value)
    return result


def rounded(value: JSON, places: JSON = 0) -> JSON:
    if not isinstance(places, int) or not 0 <= places <= 12:
        raise TemplateError(f"a number is rounded to 0 to 12 places, not {show(places)}")
    number = round(number_of(value), places)
    return int(number) if not places else number


def compared(holds: Callable[[Any, Any], bool]) -> Callable[..., JSON]:
    def over(left: JSON, right: JSON) -> JSON:
        if isinstance(left, str) and isinstance(right, str):
            return holds(left, right)
        return holds(number_of(left), number_of(right))

    return over


def equal(left: JSON, right: JSON) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def all_true(*values: JSON) -> bool:
    """Whether all values count as true."""
    return all(map(truth, values))


def any_true(*values: JSON) -> bool:
    """Whether a value counts as true."""
    return any(map(truth, values))
