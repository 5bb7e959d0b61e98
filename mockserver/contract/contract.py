"""A contract: the vendor's document with our overlay, compiled for use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from random import Random
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import jsonschema_rs

from mockserver.contract.explain import explain
from mockserver.contract.faults import Fault, Findings, Source, Sources
from mockserver.contract.operation import Operation
from mockserver.contract.outgoing import Outgoing, callbacks, webhooks
from mockserver.contract.outline import Outlines, Place
from mockserver.contract.overlay import Addition
from mockserver.contract.references import Refs
from mockserver.contract.router import Router, split
from mockserver.contract.sample_errors import SampleFault
from mockserver.contract.schemas import Direction, Schemas
from mockserver.contract.security import Alternative, Credential, alternatives, credentials
from mockserver.contract.servers import base_paths
from mockserver.messages import JSON, Response, Violation
from mockserver.text.documents import pointer_of

if TYPE_CHECKING:
    from mockserver.contract.sampling import Sampling

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""The members of a path item that are operations; `query` came with 3.2."""


def operations_of(item: Any, pointer: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The method, the node and the pointer of each operation of a path item at `pointer`."""
    if not isinstance(item, dict):
        return
    for member in METHODS:
        if isinstance(item.get(member), dict):
            yield member.upper(), item[member], f"{pointer}/{member}"
    others = item.get("additionalOperations")  # 3.2: methods that have no member of their own, spelled as they are sent
    for method, node in others.items() if isinstance(others, dict) else ():
        if isinstance(node, dict):
            yield method, node, pointer + pointer_of(["additionalOperations", method])


def _success_schemas(operations: Iterable[Operation]) -> Iterator[str]:
    """The pointers to the schemas of the bodies of all successes."""
    for operation in operations:
        yield from operation.success_schemas()


class Contract:
    """The operations of one document.

    Args:
        name: what the API is called, for example `datagrid`.
        document: a checked OpenAPI 3.0 or 3.1 document, overlay applied. It is not changed.
        additions: what the overlay added, with its provenance.
        findings: what was wrong with it.
    """

    def __init__(
        self, name: str, document: dict[str, Any], additions: list[Addition], findings: Findings | None = None
    ) -> None:
        self.name = name
        self.findings = findings if findings is not None else Findings(Sources(Source(name, "")))
        self.document = document
        self.additions = additions
        self._refs = Refs(document, settled=True)
        expected: WeakValueDictionary[str, Operation] = WeakValueDictionary()
        # Weak, so that there is no circle: a document goes away with the last user of its contract.
        self._schemas = Schemas(document, lambda: _success_schemas(expected.values()))
        self.operations: dict[str, Operation] = {}
        self._router: Router[Operation] = Router()
        with_base: list[tuple[str, str, Operation]] = []
        for path, item in (document.get("paths") or {}).items():
            if not path.startswith("/"):
                continue  # an extension (3.0.3, Paths Object)
            template = path.partition("?")[0].partition("#")[0]  # neither is part of a URL's path
            met: set[str] = set()
            # Members beside a $ref come before those that it leads to.
            for part, pointer in self._refs.chain(item, pointer_of(["paths", path])):
                shared = part.get("parameters") or []
                for method, node, at in operations_of(part, pointer):
                    if method in met:
                        continue
                    met.add(method)
                    id = node.get("operationId") or f"{method} {path}"
                    operation = Operation(id, method, path, node, shared, self._refs, self._schemas, pointer, at)
                    self.operations[id] = expected[id] = operation
                    self._router.add(method, template, operation)
                    with_base += [(method, base + template, operation) for base in self._bases(part, node) if base]
        for method, template, operation in with_base:
            self._router.add(method, template, operation)

    @property
    def texts(self) -> dict[str, str]:
        """What it was read from, by file: the document first; other servers' documents by their URLs."""
        sources = self.findings.sources
        folder = PurePath(sources.root.name).parent
        read = {sources.root.name: sources.root.text}
        read |= {overlay.name: overlay.text for overlay in sources.overlays}
        for name, source in sources.mounted.items():
            read[name if "://" in name else str(folder / name)] = source.text
        return read

    @property
    def unread(self) -> dict[str, str]:
        """Files and URLs that it refers to and that could not be read, with what the fault says of each."""
        return self.findings.sources.unread

    @cached_property
    def faults(self) -> list[Fault]:
        """What was wrong with the document, and what was done about it."""
        return self.findings.faults()

    def _bases(self, item: dict[str, Any], node: dict[str, Any]) -> list[str]:
        """The base paths of an operation: of its own servers, else of its path's, else of the document's."""
        own = node.get("servers") or item.get("servers")
        return base_paths(own, self._url) if own else self.base_paths

    @cached_property
    def base_paths(self) -> list[str]:
        """The paths of the document's servers, for example ["/v1"]; [""] when it names none."""
        return base_paths(self.document.get("servers"), self._url)

    @property
    def _url(self) -> str:
        """Where the document says it is (3.2, `$self`)."""
        return str(self.document.get("$self", ""))

    @property
    def base(self) -> list[str]:
        """The segments of the first server's path, for example ["v1"]."""
        return split(self.base_path)

    @property
    def base_path(self) -> str:
        """The first server's path, for example `/v1`; "" when it has none."""
        return self.base_paths[0]

    def match(self, method: str, segments: list[str]) -> tuple[Operation | None, dict[str, str], list[str]]:
        """The operation for a method and the segments of a path, with the path's variables.

        The operation is None when the path is known but not the method; the list then holds the
        methods there are, and is empty when the path is not known.
        """
        return self._router.find(method, segments)

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """Every place in which a key may stand."""
        return credentials(self._refs, self.document)

    def security(self, operation: Operation) -> tuple[Alternative, ...]:
        """Ways to authenticate for an operation."""
        found = self._security.get(operation.id)
        if found is None:
            found = self._security[operation.id] = alternatives(self._refs, self.document, operation.node)
        return found

    @cached_property
    def _security(self) -> dict[str, tuple[Alternative, ...]]:
        return {}

    @cached_property
    def _components(self) -> dict[str, jsonschema_rs.Validator]:
        """Validators of component schemas, by their names."""
        return {}

    @cached_property
    def _sampling(self) -> Sampling:
        from mockserver.contract.sampling import Sampling  # the bundled APIs make no samples

        return Sampling(self._refs, self._schemas)

    @cached_property
    def outlines(self) -> Outlines:
        """What the schemas speak of."""
        return Outlines(self._refs)

    @property
    def refs(self) -> Refs:
        """Follows the references of the document."""
        return self._refs

    def validator(self, place: Place, direction: Direction = "response") -> jsonschema_rs.Validator:
        """What validates the values of the schema at a place."""
        return self._schemas.validator(self._schemas.reference(place.pointer, direction))

    def accepts(self, place: Place, value: JSON, direction: Direction = "response") -> bool:
        """Whether the schema at a place takes a value."""
        return self.validator(place, direction).is_valid(value)

    def value(self, place: Place, rng: Random, direction: Direction = "response") -> JSON:
        """A value that the schema at a place is likely to take, which varies with `rng`."""
        return self._sampling.value(place, rng)

    def sample(
        self,
        operation: Operation,
        status: int,
        example: str = "",
        rng: Random | None = None,
        values: Mapping[str, str] | None = None,
        now: datetime | None = None,
        accept: str = "",
    ) -> Response:
        """A response with a declared status, made from the contract; it is valid.

        Args:
            operation: the operation that answers.
            status: a status that the operation declares, if only by range or default.
            example: the named example to use; else the first valid one, else a value made up.
            rng: when given, the examples are passed over and the values vary with it.
            values: the variables of the path, which members of the same name repeat.
            now: the time that it is in dates and times; a fixed moment when not given.
            accept: the client's `Accept` header, which chooses among the declared media types.

        Raises:
            KeyError: the status is not declared, or there is no such example.
            UnusableExample: the named example has no value, or breaks its schema.
            Unsatisfiable: no value was found that the schema accepts.
        """
        return self._sampling.response(operation, status, example, rng, values, now, accept)

    def unsatisfiable(self) -> Iterator[SampleFault]:
        """The declared responses for which no valid body was found; it makes a sample of each."""
        return self._sampling.unsatisfiable(self.operations.values())

    def admits_nothing(self, pointer: str) -> bool:
        """Whether it is proven that nothing satisfies a response's schema. Where False, it is not known."""
        return self._schemas.admits_nothing(self._schemas.reference(pointer, "response"))

    def broken_examples(self) -> Iterator[SampleFault]:
        """The examples of responses that are not used, because they have no value or break their schema."""
        return self._sampling.broken_examples(self.operations.values())

    @cached_property
    def webhooks(self) -> dict[str, Outgoing]:
        """The webhooks that the document describes, by name."""
        return {outgoing.name: outgoing for outgoing in webhooks(self.document, self._refs)}

    def callbacks(self, operation: Operation) -> list[Outgoing]:
        """The callbacks of an operation."""
        return list(callbacks(operation.node, operation.pointer, self._refs))

    def check_place(self, place: Place, value: JSON) -> list[Violation]:
        """Violations of the schema at a place by something that this server sends."""
        return explain(self.validator(place).iter_errors(value), "server", "body")

    def check_schema(self, name: str, value: JSON) -> list[Violation]:
        """Violations of a component schema by something that this server would show."""
        validator = self._components.get(name)
        if validator is None:
            schema = self._schemas.reference(pointer_of(["components", "schemas", name]), "response")
            validator = self._components[name] = self._schemas.validator(schema)
        return explain(validator.iter_errors(value), "server", "body")

    def served(self, url: str) -> JSON:
        """The document as this server publishes it, its `servers` pointing at `url`."""
        return {**self.document, "servers": [{"url": url, "description": "This mock server"}]}
