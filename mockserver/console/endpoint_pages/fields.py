"""The tables of a page: headers, parameters and members of the body, each with its type, description and example.

Must not know: formats, sandboxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.apis import Api
from mockserver.console.endpoint_pages.blocks import Code, Inline, Table, Text, ended, plain, prose
from mockserver.console.endpoint_pages.examples import Examples
from mockserver.console.endpoint_pages.facts import parameter_node, securities
from mockserver.console.endpoint_pages.producers import Step
from mockserver.contract import Operation, Unsatisfiable
from mockserver.contract.media_types import essence, is_json
from mockserver.contract.outline import Place
from mockserver.contract.parameters import Parameter
from mockserver.messages import JSON
from mockserver.text.jsontext import to_json
from mockserver.text.matchers import MISSING

_MAX_ROWS = 80
"""Rows of one table; the rest is counted."""
_MAX_DEPTH = 2
_MAX_EXAMPLE = 60
_MAX_CHOICES = 8


class Fields:
    """Makes the tables of one API."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._contract = api.contract
        self._examples = Examples(api.contract)

    def headers(self, operation: Operation, step: Step | None) -> Table | None:
        """The headers that a request has; None where it needs none."""
        rows = [*self._key_rows(operation)]
        keys = {name.text.casefold() for (name, *_), _, _ in rows if isinstance(name, Code)}
        if operation.request_type:
            sent = step.request.headers.get("content-type", "") if step is not None else ""
            sent = essence(sent) or operation.request_type
            rows.append(((Code("Content-Type"),), ("Yes" if self._needs_body(operation) else "No",), (Code(sent),)))
        for parameter in operation.parameters:
            if parameter.place in ("header", "cookie") and parameter.name.casefold() not in keys:
                name = parameter.name if parameter.place == "header" else f"Cookie: {parameter.name}"
                about = self._about(parameter, operation)
                rows.append(((Code(name),), ("Yes" if parameter.required else "No",), about))
        return Table(("Name", "Required", "Description"), tuple(rows)) if rows else None

    def _key_rows(self, operation: Operation) -> Iterator[tuple[Text, Text, Text]]:
        ways = securities(self._api, operation)
        required = "Yes" if ways and all(ways) else "No"
        for together in ways[:1]:
            for _, scheme, _ in together:
                said = prose(scheme.get("description"), 160)
                more: Text = (". ", *said) if said else ()
                if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
                    yield (Code(str(scheme["name"])),), (required,), (Code("YOUR_API_KEY"), *more)
                elif scheme.get("type") == "apiKey" and scheme.get("in") == "cookie":
                    yield (Code("Cookie"),), (required,), (Code(f"{scheme['name']}=YOUR_API_KEY"), *more)
                elif scheme.get("type") not in ("apiKey", "mutualTLS"):
                    named = scheme.get("scheme") if scheme.get("type") == "http" else None
                    kind = str(named or "bearer").capitalize()
                    yield (Code("Authorization"),), (required,), (Code(f"{kind} YOUR_API_KEY"), *more)

    def parameters(self, operation: Operation, step: Step | None) -> Table | None:
        """The parameters of the path and the query; None where there are none."""
        rows = []
        for parameter in operation.parameters:
            if parameter.place in ("path", "query", "querystring"):
                required = "Yes" if parameter.required else "No"
                type_text = self._type(self._place(parameter))
                about, example = self._about(parameter, operation), self._example_of(parameter, operation, step)
                rows.append(((Code(parameter.name),), (parameter.place,), type_text, (required,), about, example))
        for together in securities(self._api, operation)[:1]:
            for _, scheme, _ in together:
                if scheme.get("type") == "apiKey" and scheme.get("in") == "query":
                    about = prose(scheme.get("description"), 200) or ("The API key.",)
                    key = (Code("YOUR_API_KEY"),)
                    rows.append(((Code(str(scheme["name"])),), ("query",), ("string",), ("Yes",), about, key))
        head = ("Parameter", "In", "Type", "Required", "Description", "Example")
        return Table(head, tuple(rows)) if rows else None

    def body(self, operation: Operation, step: Step | None) -> Table | None:
        """The members of the body; None where it has none that are named."""
        place = operation.request_schema
        if place is None:
            return None
        rows = list(self._members(place, "", step.body if step is not None else MISSING, 1))
        if not rows:
            example = self._shown(step.body) if step is not None else ()
            media = (Code(operation.request_type),)
            needed = ("Yes" if self._needs_body(operation) else "No",)
            rows = [(("The body",), self._type(place), needed, self._described(place) or media, example)]
        if len(rows) > _MAX_ROWS:
            more = f"{len(rows) - _MAX_ROWS} more fields stand in the contract."
            rows = [*rows[:_MAX_ROWS], (("…",), (), (), (more,), ())]
        return Table(("Field", "Type", "Required", "Description", "Example"), tuple(rows))

    def required(self, operation: Operation) -> list[str]:
        """The names of what a request must have, for a reader who left some of it out."""
        names = [p.name for p in operation.parameters if p.required and p.place != "path"]
        place = operation.request_schema
        outline, always = self._contract.outlines.of(place), self._always_required(place)
        return names + [name for name in outline.members if name in always]

    def _always_required(self, place: Place | None) -> set[str]:
        """The members that an object must have, whichever of several forms it takes."""
        node = self._contract.outlines.node(place)
        found = {name for name in node.get("required") or () if isinstance(name, str)}
        parts = node.get("allOf")
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            pointer = f"{place.pointer if place is not None else ''}/allOf/{index}"
            found |= self._always_required(Place(part, pointer))
        return found

    def _members(self, place: Place, prefix: str, value: JSON, depth: int) -> Iterator[tuple[Text, ...]]:
        outlines = self._contract.outlines
        outline = outlines.of(place)
        if outline.is_array and outline.items is not None and not outline.members:
            items = value[0] if isinstance(value, list) and value else MISSING
            yield from self._members(outline.items, f"{prefix}[].", items, depth)
            return
        always = self._always_required(place)
        for name, member in outline.members.items():
            if outlines.flagged(member, "readOnly"):
                continue
            here = value.get(name, MISSING) if isinstance(value, dict) else MISSING
            required = "Yes" if name in always else "Depends" if name in outline.required else "No"
            example = self._shown(here) if here is not MISSING else self._sampled(member, name)
            label = f"{prefix}{name}".replace(".[]", "[]")
            yield (Code(label),), self._type(member), (required,), self._described(member), example
            if depth < _MAX_DEPTH:
                yield from self._members(member, f"{label}.", here, depth + 1)

    def _needs_body(self, operation: Operation) -> bool:
        node, _ = self._contract.refs.follow(operation.node.get("requestBody"), "")
        return isinstance(node, dict) and node.get("required") is True

    def _place(self, parameter: Parameter) -> Place | None:
        try:
            return self._contract.outlines.at(parameter.pointer) if parameter.pointer else None
        except KeyError:
            return None

    def _about(self, parameter: Parameter, operation: Operation) -> Text:
        node = parameter_node(self._api, operation, parameter)
        mark: Text = ("Deprecated. ",) if node.get("deprecated") is True else ()
        said = prose(node.get("description"), 300)
        place = self._place(parameter)
        said = said or self._described(place, with_choices=False)
        limits = self._limits(self._contract.outlines.node(place), plain(said))
        return (*mark, *(ended(said) if limits else said), *limits)

    def _described(self, place: Place | None, with_choices: bool = True) -> Text:
        """What the schema at a place says of itself."""
        if place is None:
            return ()
        own = place.node if isinstance(place.node, dict) else {}
        node = self._contract.outlines.node(place)
        mark: Text = ("Deprecated. ",) if True in (own.get("deprecated"), node.get("deprecated")) else ()
        said = prose(own.get("description"), 300) or prose(node.get("description"), 300) or prose(node.get("title"), 80)
        limits = self._limits(node, plain(said)) if with_choices else ()
        return (*mark, *(ended(said) if limits else said), *limits)

    def _limits(self, node: dict[str, Any], said: str) -> Text:
        """The choices, the bounds and the default of a schema, but for what its description has said already."""
        found: list[Inline] = []
        choices = node.get("enum")
        if isinstance(choices, list) and choices and not all(str(choice) in said for choice in choices):
            found.append(" One of ")
            for index, choice in enumerate(choices[:_MAX_CHOICES]):
                found += [", "] * (index > 0) + [Code(to_json(choice).decode())]
            rest = len(choices) - _MAX_CHOICES
            found.append(f" and {rest} more." if rest > 0 else ".")
        bounds = [bound for bound in (node.get("minimum"), node.get("maximum")) if type(bound) in (int, float)]
        if bounds and not all(str(bound) in said for bound in bounds):
            least = "minimum" in node
            found.append(
                f" From {bounds[0]} to {bounds[1]}."
                if len(bounds) > 1
                else f" At {'least' if least else 'most'} {bounds[0]}."
            )
        if node.get("default") is not None and "efault" not in said:
            found += [" Default ", Code(to_json(node["default"]).decode()[:_MAX_EXAMPLE]), "."]
        return tuple(found)

    def _type(self, place: Place | None) -> Text:
        outline = self._contract.outlines.of(place)
        node = self._contract.outlines.node(place)
        types = sorted(outline.types - {"null"})
        if outline.is_array and outline.items is not None:
            inner = sorted(self._contract.outlines.of(outline.items).types - {"null"})
            text = f"array of {inner[0]}s" if len(inner) == 1 else "array"
        else:
            text = " or ".join(types) or ("object" if outline.is_object else "any")
        form = node.get("format")
        text += f" ({form})" if isinstance(form, str) and form else ""
        return (text + (" or null" if "null" in outline.types else ""),)

    def _example_of(self, parameter: Parameter, operation: Operation, step: Step | None) -> Text:
        if step is not None and parameter.place == "path" and parameter.name in step.variables:
            return (Code(step.variables[parameter.name][:_MAX_EXAMPLE]),)
        if step is not None and parameter.name in step.parameters:
            return self._shown(step.parameters[parameter.name])
        node = parameter_node(self._api, operation, parameter)
        if "example" in node:
            return self._shown(node["example"])
        if parameter.default is not MISSING:
            return self._shown(parameter.default)
        try:
            return self._shown(self._examples.parameter(parameter))
        except (Unsatisfiable, KeyError):
            return ()

    def _sampled(self, place: Place, name: str) -> Text:
        try:
            return self._shown(self._examples.member(place, name))
        except Unsatisfiable:
            return ()

    def _shown(self, value: JSON) -> Text:
        """A value as JSON, of which no more is shown than fits a cell."""
        if value is MISSING or isinstance(value, bytes):
            return ()
        try:
            text = to_json(value).decode()
        except (TypeError, ValueError):
            return ()
        return (Code(text if len(text) <= _MAX_EXAMPLE else f"{text[: _MAX_EXAMPLE - 1]}…"),)


def response_language(media_type: str | None) -> str:
    """What to call the language of a response's body."""
    name = essence(media_type or "")
    return "json" if is_json(name) or name == "application/json" else "xml" if name.endswith("xml") else "text"


__all__ = ["Fields", "response_language"]
