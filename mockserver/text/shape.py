"""From data to a pydantic model, with every mistake of shape in a reader's words.

A part with a mistake is taken out and the rest is read again, so that one run reports all mistakes, and so that what
is left can be checked for its meaning. No word of pydantic reaches the reader. Knows no file and no API.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError

from mockserver.errors import did_you_mean
from mockserver.text.matchers import show
from mockserver.text.models import ID_PATTERN, MODE_PATTERN

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
Report = Callable[[Place, str], None]
"""Takes the place of a problem in the file, and what is wrong."""

_MAX_ROUNDS = 12
"""How often what is left is read again; each round goes at least one level deeper, and a scenario has eight."""
_STAND_INS: dict[str, Any] = {"version": 1, "name": "x", "api": "", "max": 1, "window": "1s", "bytes": 1, "every": "1s"}
"""Values for required keys without a usable one, so that the rest can be read. `id` gets a number of its own."""

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list of two",
    "too_long": "a list of two",
    "dict_type": "a mapping",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "below {lt:g}",
    "string_too_short": "text that is not empty",
    "string_too_long": "text of at most {max_length} characters",
}
PATTERNS = {
    ID_PATTERN: "1 to 63 letters, digits, dots, underscores and hyphens, the first one a letter or digit",
    MODE_PATTERN: "real, frozen, or x and a rate, such as x10",
    r"^[\x20-\x7e]+$": "printable ASCII text",
}
"""What each pattern of the model asks for."""


class Draft(Generic[Model]):
    """The data of a file, and the model of as much of it as can be read.

    Args:
        kind: the model.
        data: the parsed file; it stays as it is.
        report: called with every mistake of shape.
    """

    def __init__(self, kind: type[Model], data: dict[str, Any], report: Report) -> None:
        self._kind = kind
        self._data = data
        self._report = report
        self._is_copy = False
        self._kept: dict[Place, list[int]] = {}
        """For a list that items were taken out of, the places that the others had in the file."""
        self._affected: set[Place] = set()
        """The places that were taken out, and those that they stood in."""
        self.model = self._read()
        """None when nothing can be read at all."""

    def original(self, place: Place) -> Place:
        """Where the value at a place of the model stands in the file."""
        found: Place = ()
        for part in place:
            kept = self._kept.get(found)
            if kept is not None and isinstance(part, int) and part < len(kept):
                part = kept[part]
            found += (part,)
        return found

    def is_affected(self, place: Place) -> bool:
        """Whether a part of what stood at a place of the file was taken out, so that the rest says little."""
        return place in self._affected

    def _read(self) -> Model | None:
        for _ in range(_MAX_ROUNDS):
            try:
                return self._kind.model_validate(self._data)
            except ValidationError as error:
                if not self._is_copy:
                    self._data, self._is_copy = copy.deepcopy(self._data), True
                mistakes = error.errors(include_url=False)
            for mistake in mistakes:
                self._tell(mistake)
            # From the end, so that the places of the others stay what they are.
            for mistake in sorted(mistakes, key=_order, reverse=True):
                self._take_out(mistake)
        return None

    def _tell(self, mistake: Any) -> None:
        place: Place = self.original(mistake["loc"])
        if self.original(self._in_file(mistake["loc"])) not in self._affected:
            self._report(place[:-1] if mistake["type"] == "missing" else place, sentence(self._kind, mistake))

    def _take_out(self, mistake: Any) -> None:
        place: Place = mistake["loc"]
        if mistake["type"] == "missing":
            if place[-1] == "id" or place[-1] in _STAND_INS:
                parent = self._at(place[:-1])
                if isinstance(parent, dict):
                    parent[place[-1]] = f"{'x' * 40}{place[1]}" if place[-1] == "id" else _STAND_INS[str(place[-1])]
                    self._affected.add(self.original(place))
                return
            place = place[:-1]
        if not place:
            return
        place = self._in_file(place)
        parent, last, here = self._at(place[:-1]), place[-1], self.original(place)
        if isinstance(parent, dict):
            parent.pop(last, None)
        elif isinstance(parent, list) and isinstance(last, int) and last < len(parent):
            kept = self._kept.setdefault(here[:-1], list(range(len(parent))))
            del parent[last], kept[last]
        # A mistake in `when` says nothing of what the rule does.
        start = here.index("when") + 1 if "when" in here else 1
        self._affected.update(here[:end] for end in range(start, len(here) + 1))

    def _in_file(self, place: Place) -> Place:
        """Where a value stands in what is left of the file, in which one may be written for a list of one."""
        node: Any = self._data
        there: Place = ()
        for part in place:
            if isinstance(part, int) and not isinstance(node, list) and not (isinstance(node, dict) and part in node):
                continue
            there += (part,)
            node = self._at(there)
        return there

    def _at(self, place: Place) -> Any:
        node: Any = self._data
        for part in place:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node


def _order(mistake: Any) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in mistake["loc"]]


def sentence(kind_of: type[BaseModel], mistake: Any) -> str:
    """What is wrong, without a word of pydantic."""
    kind, place, value, context = mistake["type"], mistake["loc"], mistake["input"], mistake.get("ctx", {})
    if kind == "missing":
        return (
            f"{place[-1]!r} is missing" if isinstance(place[-1], str) else f"{_name(place[:-1])}: must be a list of two"
        )
    if kind == "extra_forbidden":
        known = _model_at(kind_of, place[:-1])
        return f"unknown key {place[-1]!r}{did_you_mean(str(place[-1]), known.model_fields if known else ())}"
    if kind == "value_error":
        return f"{_name(place)}: {context['error']}"
    hint = ""
    if kind == "literal_error":
        context = {"expected": context["expected"].replace("True", "true")}
        choices = re.findall(r"'([^']*)'", context["expected"])
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        model = _model_at(kind_of, place)
        expected = _shape_of(model) if model else "a mapping"
    elif kind == "string_pattern_mismatch":
        expected = PATTERNS.get(context["pattern"], "text of another form")
    else:
        expected = _EXPECTED.get(kind, "another value").format(**context)
    return f"{_name(place)}: must be {expected}, not {_shown(value)}{hint}"


def _name(place: Place) -> str:
    """The last key of a place, with the places in lists after it: `sequence[2]`."""
    last = max((at for at, part in enumerate(place) if isinstance(part, str)), default=0)
    return str(place[last]) + "".join(f"[{part}]" for part in place[last + 1 :])


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return show(value)


def _shape_of(model: type[BaseModel]) -> str:
    """What the value of a model looks like."""
    looks: str = getattr(model, "looks", "")
    keys = [f"`{key}`" for key in model.model_fields]
    return looks or f"a mapping with the {'keys' if len(keys) > 1 else 'key'} {', '.join(keys)}"


def _model_at(root: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The model of the value at a place of another one, if it has one."""
    annotation: Any = root
    for part in place:
        annotation = _plain(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            known = annotation.model_fields.get(str(part))
            annotation = known.annotation if known is not None else None
        else:
            arguments = get_args(annotation)
            annotation = arguments[-1] if arguments else None
    annotation = _plain(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """An annotation without what stands around it: `Annotated`, `| None` and root models."""
    while True:
        if isinstance(annotation, type) and issubclass(annotation, RootModel):
            annotation = annotation.model_fields["root"].annotation
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif NoneType in get_args(annotation):
            annotation = next(part for part in get_args(annotation) if part is not NoneType)
        else:
            return annotation


def models(root: type[BaseModel]) -> Iterator[tuple[Place, type[BaseModel]]]:
    """Every model that a file is made of, with the place where it stands first."""
    seen: set[type[BaseModel]] = set()
    waiting: list[Place] = [()]
    while waiting:
        place = waiting.pop(0)
        model = _model_at(root, place)
        if model is None or model in seen:
            continue
        seen.add(model)
        yield place, model
        for key, known in model.model_fields.items():
            origin = get_origin(_plain(known.annotation))
            step: Place = (0,) if origin is list else ("any",) if origin is dict else ()
            waiting.append((*place, key, *step))
