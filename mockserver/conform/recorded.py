"""Cases that were recorded: exchange files, and the journal of a server. And how an answer differs from a recorded one.

Must not know: sockets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from mockserver.apis import Api
from mockserver.conform.cases import READ_ONLY, Case, Expected
from mockserver.conform.differences import Difference
from mockserver.conform.outcomes import Seen
from mockserver.conform.varying import Ignored
from mockserver.contract.request_samples import RequestSamples
from mockserver.contract.router import split
from mockserver.errors import UserError
from mockserver.messages import Request
from mockserver.text.documents import ENDINGS, parse, read_text
from mockserver.text.matchers import MISSING, compile_fields, compile_matcher
from mockserver.upstream.recorded import session_of

MAX_BYTES = 64 * 1024 * 1024
_TWINS_OWN = ("given", "earlier", "state", "credits")
"""Members of an exchange file that speak of the twin's state, which no real server has."""


class Recordings:
    """Reads recorded cases of one API.

    Args:
        api: the API; exchanges of others are left out.
        allow_writes: whether requests that may change something are taken.
    """

    def __init__(self, api: Api, allow_writes: bool = False) -> None:
        self._api, self._allow_writes = api, allow_writes
        self._samples = RequestSamples(api.contract)
        self.left_out: dict[str, int] = {}
        """Reasons, and how many recorded exchanges there are for each."""

    def of_files(self, paths: Iterable[Path]) -> Iterator[Case]:
        """The cases of exchange files, and of all that stand in folders. Raises UserError."""
        for path in paths:
            files = sorted(one for one in path.rglob("*") if one.suffix in ENDINGS) if path.is_dir() else [path]
            if not files:
                raise UserError(f"{path}: has no exchange files")
            for file in files:
                yield from self._of_file(file)

    def _of_file(self, file: Path) -> Iterator[Case]:
        spec = parse(read_text(file, MAX_BYTES), str(file))
        if not isinstance(spec, dict) or not all(isinstance(spec.get(name), dict) for name in ("request", "response")):
            raise UserError(f"{file}: is no exchange file; it needs `request` and `response`")
        if spec.get("api", self._api.name) != self._api.name:
            self._leave_out("of another API")
            return
        if any(spec.get(name) for name in _TWINS_OWN):
            self._leave_out("needs a state that only a twin can be given")
            return
        wanted = spec["response"]
        body = wanted.get("body", MISSING)
        expected = Expected(
            compile_matcher(wanted.get("status", 200), f"{file}: status"),
            {name.lower(): one for name, one in compile_fields(wanted.get("headers", {}), f"{file}: headers").items()},
            None if body is MISSING else compile_matcher(body, f"{file}: body"),
        )
        request = spec["request"]
        content = request.get("content", "").encode()
        headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
        if "body" in request:
            content = orjson.dumps(request["body"])
            headers.setdefault("content-type", "application/json")
        query = urlencode(request.get("query", {}), doseq=True)
        yield from self._case(
            str(file), request.get("method", "GET"), request["path"], query, headers, content, expected
        )

    def of_journals(self, paths: Iterable[Path]) -> Iterator[Case]:
        """The cases of journals as `mockserver journal --json` prints them. Raises UserError."""
        for path in paths:
            try:
                read = orjson.loads(read_text(path, MAX_BYTES))
            except orjson.JSONDecodeError as error:
                raise UserError(f"{path}: is no JSON: {error}") from None
            entries = read.get("entries") if isinstance(read, dict) else read
            if not isinstance(entries, list):
                raise UserError(f"{path}: is no journal; write one with `mockserver journal --json`")
            try:
                session = session_of(entries, {self._api.name: self._api})
            except (KeyError, TypeError, AttributeError):
                raise UserError(
                    f"{path}: an entry is none of a journal; write one with `mockserver journal --json`"
                ) from None
            for reason, count in session.left_out.items():
                self.left_out[reason] = self.left_out.get(reason, 0) + count
            for one in session.exchanges:
                if one.api != self._api.name:
                    self._leave_out("of another API")
                    continue
                body = None if one.answer is None else compile_matcher({"equals": one.answer})
                expected = Expected(compile_matcher(one.status), body=body)
                content = b""
                if one.has_body:
                    content = one.body.encode() if isinstance(one.body, str) else orjson.dumps(one.body)
                name = f"{path}#{one.number}"
                query = urlencode(one.query)
                yield from self._case(name, one.method, one.path, query, dict(one.sent), content, expected)

    def _case(
        self,
        name: str,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, Any],
        content: bytes,
        expected: Expected,
    ) -> Iterator[Case]:
        contract = self._api.contract
        path = path if path.startswith("/") else f"/{path}"
        segments = split(path)
        operation, _, _ = contract.match(method, segments)
        if operation is None and segments[:1] == [self._api.name]:
            path = path.removeprefix(f"/{self._api.name}")
            operation, _, _ = contract.match(method, split(path))
        if operation is None:
            self._leave_out("no operation of the contract")
            return
        if method not in READ_ONLY and not self._allow_writes:
            self._leave_out("may change something; --allow-writes sends it")
            return
        base = contract.base_path
        if base and not path.startswith(f"{base}/"):
            path = base + path
        sent, pairs = self._samples.credentials(operation)
        sent |= {name: str(value) for name, value in headers.items() if value is not None}
        for left in [name for name, value in headers.items() if value is None]:
            sent.pop(left, None)
        query = "&".join(part for part in (query, urlencode(pairs)) if part)
        request = Request(method, path, query, sent, content)
        yield Case(name, operation.id, "recorded", f"as in {name}", request=request, expected=expected)

    def _leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def compared(seen: Seen, pointer: str, ignored: Ignored) -> list[Difference]:
    """How an answer differs from the recorded one.

    Args:
        seen: the answer, and the case with what was recorded.
        pointer: of the operation in the document.
        ignored: places that are not compared.
    """
    expected = seen.case.expected
    if expected is None:
        return []
    response = seen.response
    if not expected.status.matches(response.status):
        (why,) = expected.status.why(response.status, "status")[:1]
        detail = f"the status differs from the recorded one, {why.expected}"
        return [Difference("recorded-status", pointer, detail, "", response.status)]
    found: list[Difference] = []
    for name, matcher in expected.headers.items():
        if ignored.has(seen.case.operation, header_place(name)):
            continue
        text = response.headers.get(name) if name != "content-type" else response.media_type
        for why in matcher.why(MISSING if text is None else text, name)[:1]:
            detail = f"is not as recorded, {why.expected}"
            found.append(Difference("recorded-header", pointer, detail, f"header {name}", text))
    if expected.body is not None:
        met: set[str] = set()
        for why in expected.body.why(seen.body, ""):
            place = "".join(pointer_step(step) for step in why.where.split(".") if step)
            if place not in met and not ignored.has(seen.case.operation, place):
                met.add(place)
                detail = "is not as recorded"
                found.append(
                    Difference(
                        "recorded-body", f"{pointer}/responses", f"{place or 'the body'} {detail}", "", why.found
                    )
                )
    return found


def header_place(name: str) -> str:
    """A header among the places of an answer."""
    return f"/header {name}"


def pointer_step(step: str) -> str:
    """A step of a dotted place as one of a pointer, the number of an item as `*`."""
    return "/*" if step.isdecimal() else f"/{step.replace('~', '~0').replace('/', '~1')}"


def left_out_notes(left_out: Mapping[str, int]) -> Sequence[str]:
    """What of recordings was left out, for a reader."""
    return [f"{count:,} recorded exchanges left out: {reason}" for reason, count in left_out.items()]


__all__ = ["Recordings", "compared", "header_place", "left_out_notes"]
