"""Values for the examples of pages: the document's own where they are valid, samples with plausible texts otherwise.

A sample that knows nothing better repeats the name of its member. That would look like a placeholder that nobody filled
in, so it becomes a text that is none, as far as the schema takes it. Must not know: pages, what was made before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mockserver.apis.resources.model import folded, singular
from mockserver.console.endpoint_pages.names import with_article
from mockserver.contract import Contract, Operation
from mockserver.contract.outline import Place
from mockserver.contract.parameters import Parameter
from mockserver.contract.request_samples import RequestSamples
from mockserver.contract.samples.words import spaced
from mockserver.messages import JSON
from mockserver.text.documents import pointer_of

_MADE_UP = re.compile(r"key\d+")
"""The names that samples give to members which the document does not name."""


class Examples:
    """Makes values for one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self.samples = RequestSamples(contract)

    def bodies(self, operation: Operation) -> Iterator[Callable[[], JSON]]:
        """Ways to the body of a request, the likest first. Each may raise Unsatisfiable."""
        for example in self._documented(operation):
            yield lambda example=example: example  # type: ignore[misc]
        yield lambda: self._body(operation)

    def parameter(self, parameter: Parameter) -> JSON:
        """A value of a parameter. Raises Unsatisfiable."""
        value = self.samples.value(parameter)
        place = self._contract.outlines.at(parameter.pointer) if parameter.pointer else None
        better = plausible(value, parameter.name, in_body=False)
        return better if place is None or self._contract.accepts(place, better, "request") else value

    def member(self, place: Place, name: str) -> JSON:
        """A value of a member of a body. Raises Unsatisfiable."""
        value = self.samples.value_at(place, name)
        better = plausible(value, name)
        return better if self._contract.accepts(place, better, "request") else value

    def _body(self, operation: Operation) -> JSON:
        value = self.samples.body(operation)
        reading = operation.reading(operation.request_type)
        better = plausible(value, "")
        return better if reading is None or reading.is_valid(better) else value

    def _documented(self, operation: Operation) -> Iterator[JSON]:
        """The document's own examples of the whole body that are valid."""
        if operation.request_schema is None:
            return
        refs, media_type = self._contract.refs, operation.request_type
        body, at = refs.follow(operation.node["requestBody"], f"{operation.pointer}/requestBody")
        media, at = refs.follow((body.get("content") or {}).get(media_type), f"{at}/content{pointer_of([media_type])}")
        if not isinstance(media, dict):
            return
        named = [refs.follow(node, at)[0] for node in (media.get("examples") or {}).values()]
        examples = [media["example"]] if "example" in media else []
        examples += [node["value"] for node in named if isinstance(node, dict) and "value" in node]
        reading = operation.reading(media_type)
        yield from (example for example in examples if reading is not None and reading.is_valid(example))


def plausible(value: JSON, name: str, in_body: bool = True) -> JSON:
    """A sample whose texts do not just repeat the names of their members."""
    if isinstance(value, dict):
        return {key: plausible(member, key, in_body) for key, member in value.items()}
    if isinstance(value, list):
        return [plausible(item, name, in_body) for item in value]
    if not isinstance(value, str) or not name or folded(value) != folded(name):
        return value
    words = spaced(name).split()
    if _MADE_UP.fullmatch(name):
        return "a value"
    if words[-1:] == ["id"] or not in_body:
        return "-".join([*(words[:-1] if words[-1:] == ["id"] and len(words) > 1 else words), "1"])
    return with_article(" ".join([*words[:-1], singular(words[-1])])) if words else value


__all__ = ["Examples", "plausible"]
