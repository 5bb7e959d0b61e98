"""The error responses of an API, in the shape that its own document declares.

For a status that an operation declares, exactly, by its range (`4XX`) or by `default`, the response is the declared
one: its example or a sample, with what the Problem says filled in where the names of members fit
(`error_members`). Every such response is valid by the contract. What is not declared, and what is declared without a
body, is answered with problem details (RFC 9457).

Must not know: requests, sandboxes, the pipeline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import orjson

from mockserver.apis.error_members import Fill, fills_of, put, static_fills_of
from mockserver.contract import Contract, Operation, Unsatisfiable
from mockserver.errors import MEDIA_TYPE, Kind, Problem, UserError, problem_body
from mockserver.messages import JSON, Response
from mockserver.records import record


@record(frozen=True)
class ErrorTerms:
    """What an API says of one status, or of one kind of error, beyond its document. What is left out stays as it is."""

    body: Callable[[Problem], JSON] | None = None
    """Makes the body."""
    message: str = ""
    """What the server has to say."""
    status: int | None = None
    """The status of a kind."""


_NO_TERMS = ErrorTerms()


class Errors:
    """Makes every error response of one API.

    Args:
        contract: what declares the responses.
        body: the vendor's own shape of an error, for an API whose document says too little; None takes what the
            document declares.
        media_type: the media type of that body.
        terms: by status and by the name of a kind, for an API that says so in a profile; they go before what the
            document declares, and those of a kind before those of its status.
    """

    def __init__(
        self,
        contract: Contract,
        body: Callable[[Problem], JSON] | None = None,
        media_type: str = "application/json",
        terms: Mapping[int | str, ErrorTerms] | None = None,
    ) -> None:
        self._contract = contract
        self._body = body
        self._media_type = media_type
        self._terms = terms or {}
        self._shapes: dict[tuple[str, int, str], _Shape | None] = {}
        """By operationId, status and kind of error; None where nothing is declared."""

    def status_of(self, kind: Kind) -> int:
        """The status that a kind of error has."""
        terms = self._terms.get(kind.name)
        return kind.status if terms is None or terms.status is None else terms.status

    def response(self, operation: Operation | None, problem: Problem, exact: bool = False) -> Response:
        """The response that tells a problem.

        Args:
            operation: what was asked for; None when the path or the method is unknown.
            problem: what is wrong. An invalid request is answered 422 where the operation declares that and no 400.
            exact: whether the problem's status stays, whatever the API says of its kind.

        Raises:
            Unsatisfiable: the operation declares a body for the error that nothing satisfies.
        """
        if self._body is not None:
            return Response(problem.status, self._body(problem), dict(problem.headers), self._media_type)
        status = problem.status if exact or problem.status != problem.kind.status else self.status_of(problem.kind)
        if status == 400 and operation is not None and "422" in operation.declared and "400" not in operation.declared:
            status = 422
        if self._terms:
            of_kind, of_status = self._terms.get(problem.kind.name, _NO_TERMS), self._terms.get(status, _NO_TERMS)
            problem = problem.as_told(status, of_kind.message or of_status.message)
            make = of_kind.body or of_status.body
            if make is not None:
                return Response(status, make(problem), dict(problem.headers), self._type_of(operation, status))
        key = operation.id if operation is not None else "", status, problem.kind.name
        if key not in self._shapes:
            self._shapes[key] = self._shape(operation, status, problem)
        shape = self._shapes[key]
        if shape is None:
            return Response(status, problem_body(problem, status), dict(problem.headers), MEDIA_TYPE)
        return shape.response(status, problem)

    def _type_of(self, operation: Operation | None, status: int) -> str:
        """The media type that an operation declares for an error; JSON where it declares none."""
        declared = operation.response(status) if operation is not None else None
        content = (declared.node.get("content") or {}) if declared is not None else {}
        return next((name for name in content if "json" in name), next(iter(content), "application/json"))

    def _shape(self, operation: Operation | None, status: int, problem: Problem) -> _Shape | None:
        must_be_said = operation is None or problem.kind.name == "not_implemented"
        declared: int | None = status
        if operation is None:
            operation, declared = self._usual(status)
        declared_response = operation.response(declared) if operation is not None and declared is not None else None
        if (
            operation is None
            or declared is None
            or declared_response is None
            or not declared_response.bodies.media_types
        ):
            return None
        try:
            sample = self._contract.sample(operation, declared)
        except UserError:
            return None
        except Unsatisfiable:
            if must_be_said:
                return None
            raise
        return _Shape(operation, declared, sample, status, problem)

    def _usual(self, status: int) -> tuple[Operation | None, int | None]:
        """The operation whose response to a status is that of most operations, and the status it declares it for.

        A 405, which documents seldom declare, may look as a 404 does.
        """
        for declared in (status, 404) if status == 405 else (status,):
            shapes: Counter[bytes] = Counter()
            owners: dict[bytes, Operation] = {}
            for operation in self._contract.operations.values():
                node = next(_nodes(operation, declared), None)
                if node is not None:
                    shape = orjson.dumps(node, option=orjson.OPT_SORT_KEYS)
                    shapes[shape] += 1
                    owners.setdefault(shape, operation)
            for shape, _ in shapes.most_common():
                declared_response = owners[shape].response(declared)
                if declared_response is not None and declared_response.bodies.media_types:
                    return owners[shape], declared
        return None, None


def _nodes(operation: Operation, status: int) -> Iterator[Any]:
    """What an operation declares for a status, the most specific first, but for its description."""
    responses = operation.node.get("responses") or {}
    for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
        if key in responses:
            node = responses[key]
            yield {name: value for name, value in node.items() if name != "description"}


class _Shape:
    """One declared error response, with all that depends on status and kind alone filled in."""

    def __init__(self, operation: Operation, declared: int, sample: Response, status: int, problem: Problem) -> None:
        self._operation = operation
        self._declared = declared
        """The status whose declaration is used; another than the response's own for a 405 like a 404."""
        self._headers = sample.headers
        self._media_type = sample.media_type
        is_example = declared == status and str(status) in operation.declared and _is_example(operation, sample)
        self._is_problem = sample.media_type == MEDIA_TYPE and not is_example
        self._body = sample.data
        if not is_example:  # an example of this very status knows the vendor's own codes
            for fill in static_fills_of(self._body, status, sample.media_type == MEDIA_TYPE):
                self._body = self._filled(self._body, fill, problem)
        self._fills = fills_of(self._body)

    def response(self, status: int, problem: Problem) -> Response:
        """The response for one problem."""
        data = self._data(status, problem)
        headers = {**self._headers, **problem.headers}
        sampled = frozenset(self._headers.keys() - problem.headers.keys())
        if not problem.headers.keys().isdisjoint(self._headers):
            # What this server says in a header may not be what the document wants there.
            response = Response(self._declared, data, headers, self._media_type)
            for violation in self._operation.check_response(response):
                name = violation.pointer.lower()
                if violation.where == "header" and name in self._headers:
                    headers[name] = self._headers[name]
        return Response(status, data, headers, self._media_type, sampled=sampled)

    def _data(self, status: int, problem: Problem) -> JSON:
        if self._is_problem:
            data = problem_body(problem, status)
            if self._fits(data):
                return data
        data = deepcopy(self._body)
        for fill in self._fills:
            value = next(iter(fill.values(problem)), None)
            if value is not None:
                data = put(data, fill.path, value)
        if self._fits(data):
            return data
        data = self._body
        for fill in self._fills:
            data = self._filled(data, fill, problem)
        return deepcopy(data)

    def _filled(self, data: JSON, fill: Fill, problem: Problem) -> JSON:
        """The body with the first value at one place that the contract accepts; as it is when there is none."""
        for value in fill.values(problem):
            changed = put(deepcopy(data), fill.path, value)
            if self._fits(changed):
                return changed
        return data

    def _fits(self, data: JSON) -> bool:
        response = Response(self._declared, data, self._headers, self._media_type)
        return not self._operation.check_response(response)


def _is_example(operation: Operation, sample: Response) -> bool:
    """Whether a sample is an example that the document gives for the whole body."""
    declared_response = operation.response(sample.status)
    media = (
        (declared_response.node.get("content") or {}).get(sample.media_type) if declared_response is not None else None
    )
    if not isinstance(media, dict):
        return False
    named = [entry["value"] for entry in (media.get("examples") or {}).values() if "value" in entry]
    return any(sample.data == example for example in ([media["example"]] if "example" in media else named))
