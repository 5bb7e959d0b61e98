"""The twin beside the real server: the same requests, with the rows that the real one showed, and where the two differ.

Must not know: sockets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

import orjson

from mockserver.apis import Api
from mockserver.conform.cases import Case
from mockserver.conform.differences import Difference
from mockserver.conform.known import Known
from mockserver.conform.outcomes import Seen, unjudged
from mockserver.conform.varying import Ignored, differing
from mockserver.contract.request_samples import KEY
from mockserver.errors import UserError
from mockserver.messages import Headers, Request, Response
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import parse_scenario
from mockserver.text.jsontext import json_or_text
from mockserver.upstream.recorded import Recorded
from mockserver.upstream.recording import rows_before

_TOLD = ("retry-after", "location", "etag", "link", "allow")
"""Headers, beside those of rate limits, that clients act on."""
_KINDS = ("valid", "unknown", "invalid", "no-key", "page")


class Twin:
    """Answers what the real server answered.

    Args:
        api: what it is a twin of.
        known: finds rows in responses.
        ignored: places that are not compared.
    """

    def __init__(self, api: Api, known: Known, ignored: Ignored) -> None:
        # Rows that the real server showed are given to it; of others it should know nothing.
        is_imagining = api.unknown_ids == "imagine" and api.found_resources is None
        self._api = replace(api, unknown_ids="404") if is_imagining else api
        self._known, self._ignored = known, ignored

    def differences(self, seen: Iterable[Seen]) -> Iterator[tuple[Seen, Difference]]:
        """Where the twin answers otherwise than the real server did, each request once."""
        compared = [one for one in seen if one.case.kind in _KINDS and one.response.status != 429 and not unjudged(one)]
        pipeline = self._pipeline(compared)
        for one in compared:
            operation = self._api.contract.operations[one.case.operation]
            answer = pipeline.handle(_asked(one.case, one.request))
            for difference in self._of(one, answer, f"{operation.pointer}/responses"):
                yield one, difference

    def _of(self, seen: Seen, twins: Response, pointer: str) -> Iterator[Difference]:
        real = seen.response
        if real.status != twins.status:
            if twins.status == 404 and seen.case.kind == "valid" and seen.variables:
                return  # a row that the twin was not given
            if 200 <= real.status < 300 or 200 <= twins.status < 300 or seen.case.kind == "valid":
                detail = f"the twin answers {twins.status}, and the real server {real.status}"
                yield Difference("twin-status", pointer, detail, "", real.status)
            return
        for name in _TOLD:
            if (name in real.headers) != (name in twins.headers):
                who = "the twin" if name in twins.headers else "the real server"
                yield Difference("twin-header", pointer, f"is sent by {who} alone", f"header {name}", None)
        if self._is_read(seen) and seen.is_known and seen.case.kind == "valid" and real.status == 200:
            yield from self._values(seen, twins, pointer)

    def _is_read(self, seen: Seen) -> bool:
        """Whether one row was asked for."""
        operation = self._api.contract.operations[seen.case.operation]
        resource = self._known.resource(operation)
        return resource is not None and resource.operations[operation.id][1] == "read" and bool(seen.variables)

    def _values(self, seen: Seen, twins: Response, pointer: str) -> Iterator[Difference]:
        """What the two say of one row."""
        for place in sorted(set(differing(seen.body, json_or_text(twins.content or b"")))):
            if not self._ignored.has(seen.case.operation, place):
                yield Difference("twin-body", pointer, f"{place or 'the body'} is another one at the twin", "", None)

    def _pipeline(self, seen: list[Seen]) -> Pipeline:
        """A twin with the rows that were seen, as far as it can have them."""
        pipeline = Pipeline([self._api])
        state = rows_before(self._api, map(self._recorded, seen))
        if state:
            given = {"version": 1, "name": "seen", "api": self._api.name, "state": state}
            try:
                pipeline.sandbox.use(parse_scenario(orjson.dumps(given).decode(), pipeline.apis, "what was seen"))
            except UserError:
                return Pipeline([self._api])  # rows that the twin cannot have: it answers without
        return pipeline

    def _recorded(self, seen: Seen) -> Recorded:
        case, request, response = seen.case, seen.request, seen.response
        query = tuple(parse_qsl(request.query))
        body = seen.body if response.content else None
        return Recorded(
            0, self._api.name, case.operation, request.method, request.path, query, {}, None, response.status, {},
            response.media_type, body, variables=seen.variables,
        )  # fmt: skip


def _asked(case: Case, request: Request) -> Request:
    """The request as the twin gets it."""
    headers, query = Headers(request.headers), request.query
    if case.kind == "no-key":
        for name in [name for name, value in headers.items() if KEY in value]:
            del headers[name]
        query = "&".join(part for part in query.split("&") if KEY not in part)
    return Request(request.method, request.path, query, headers, request.body)


__all__ = ["Twin"]
