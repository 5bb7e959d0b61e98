"""Values that a schema accepts: the document's own examples where they are valid, plausible ones otherwise.

`Sampler` makes a value, checks it with the compiled validator, and repairs it by what that says. It is the same value
for the same seed, in any process and in any order. A schema that nothing satisfies is reported as Unsatisfiable.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import jsonschema_rs

from mockserver.contract.dialects import Direction, draft_of
from mockserver.contract.explain import explain
from mockserver.contract.references import Refs
from mockserver.contract.sample_errors import Unsatisfiable
from mockserver.contract.samples.making import Maker
from mockserver.contract.samples.plan import Cache, Texts
from mockserver.contract.samples.reading import Reader
from mockserver.contract.samples.repair import repaired
from mockserver.contract.samples.words import MOMENT


class Sampler:
    """Makes samples for the schemas of one document.

    Args:
        refs: looks references of the document up.
        rng: when given, the document's examples are passed over and values vary with it.
        examples: take the document's examples.
        direction: what the values are for; members of the other direction are left out.
        now: the time that it is in dates and times.
    """

    def __init__(
        self,
        refs: Refs,
        rng: Random | None = None,
        examples: bool = True,
        direction: Direction = "response",
        now: datetime = MOMENT,
    ) -> None:
        self._reader = Reader(refs, draft_of(refs.document) is jsonschema_rs.Draft4Validator, direction)
        self._rng = rng
        self._examples = examples and rng is None
        self._now = now
        self._cache: Cache = {}
        self._texts: Texts = {}

    @property
    def takes_examples(self) -> bool:
        """Whether the document's examples are taken."""
        return self._examples

    def value(self, schema: Any, name: str = "") -> Any:
        """A value that is likely to be valid. `name` is the member it is for. It may share parts with other samples."""
        cache = self._cache if self._rng is None else None
        return Maker(self._reader, self._rng, self._examples, self._now, cache, self._texts).make(schema, name)

    def valid(
        self,
        schema: Any,
        is_valid: Callable[[Any], bool],
        compiled: Callable[[], jsonschema_rs.Validator],
        pointer: str,
        name: str = "",
    ) -> Any:
        """A valid value.

        Args:
            schema: the schema, as it stands in the document.
            is_valid: whether a value is valid.
            compiled: makes the validator that says why one is not; it is asked for only then.
            pointer: where the schema stands.
            name: what it is for.

        Raises:
            Unsatisfiable: none was found.
        """
        value = self.value(schema, name)
        if is_valid(value):
            return value
        validator = compiled()
        maker = Maker(self._reader, self._rng, self._examples, self._now, texts=self._texts)
        value, errors = repaired(maker, schema, name, validator)
        if errors and self._rng is not None:  # perhaps one that does not vary
            maker = Maker(self._reader, None, True, self._now, texts=self._texts)
            value, errors = repaired(maker, schema, name, validator)
        if errors:
            raise Unsatisfiable(pointer, str(explain(errors, "server", "body")[0]))
        return value


__all__ = ["Sampler"]
