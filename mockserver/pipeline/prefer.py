"""The `Prefer` header as Prism reads it: `code=429`, `example=NAME`, `dynamic=true`.

It lets a project move over from Prism by changing one port. RFC 7240 gives the syntax; other
preferences are left to be ignored, as it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

from mockserver.apis.routes import Plan
from mockserver.errors import BY_STATUS, Problem
from mockserver.messages import Response
from mockserver.pipeline.limits import exhaust
from mockserver.records import record
from mockserver.sandbox.world import World
from mockserver.scenarios.stages import stage_of

_PART = re.compile(r"""[\s,;]*([^\s=,;"]*)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^,;]*))?""")
"""A preference or a parameter of one, with its value: a word, or a quoted string in which a comma is a comma."""


@record(frozen=True)
class Preference:
    """A response that the caller asks for."""

    code: int | None = None
    example: str = ""
    dynamic: bool = False

    @property
    def early(self) -> bool:
        """Whether the vendor would answer this status without having looked at the request's content."""
        return self.code is not None and stage_of(self.code) != "content"


def read_preference(header: str) -> Preference | None:
    """What a `Prefer` header asks for; None when nothing of ours. Raises Problem on a bad code."""
    wanted: dict[str, str] = {}
    at = 0
    while at < len(header):
        part = _PART.match(header, at)
        if part is None or part.end() == at:
            at += 1  # a quote that begins nothing
            continue
        at = part.end()
        wanted.setdefault(part[1].lower(), _unquoted((part[2] or "").strip()))
    code = wanted.get("code")
    if code is not None and not re.fullmatch("[1-5][0-9][0-9]", code):
        raise Problem("invalid_request", f"Prefer: code={code[:20]} is not a status between 100 and 599.")
    preference = Preference(
        code=int(code) if code else None, example=wanted.get("example", ""), dynamic=wanted.get("dynamic") == "true"
    )
    return preference if preference != Preference() else None


def preferred(
    plan: Plan,
    world: World,
    preference: Preference,
    headers: dict[str, str],
    variables: Mapping[str, str],
    now: float,
) -> Response:
    """The response that is asked for: an error in the API's shape, or a sample.

    Raises Problem for a status or an example that is not declared. A 429 says in `headers`, which every response to
    the request carries, that nothing remains.
    """
    api, operation = plan.api, plan.operation
    status = preference.code or operation.success
    if operation.response(status) is None:
        message = f"Prefer: code={status} is not declared; {operation.id} has {', '.join(operation.declared)}."
        raise Problem("invalid_request", message)
    if status == 429:
        headers.setdefault("retry-after", "1")
        exhaust(headers)
    if status in BY_STATUS and not preference.example and not preference.dynamic:
        response = api.errors.response(operation, Problem(BY_STATUS[status].name), exact=True)
        if not operation.check_response(response):
            return response
    draws = moment = None
    if preference.dynamic:
        moment = datetime.fromtimestamp(now, UTC)
        draws = Random(f"{world.terms.seed} {world.store.increment('dynamic')}")
    try:
        return api.contract.sample(operation, status, preference.example, draws, variables, moment)
    except KeyError:
        message = f"Prefer: example={preference.example[:60]} is not an example of {operation.id} {status}."
        raise Problem("invalid_request", message) from None


def _unquoted(text: str) -> str:
    """The text of a quoted string (RFC 9110, 5.6.4); another text as it is, without a quote that stands alone."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip('"')
