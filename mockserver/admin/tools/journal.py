"""Tools that read the journal of a sandbox: what was sent and answered, why, and whether it is as expected."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mockserver.admin.tools.excerpts import ROOM, bounded, fitting, whole_or_cut
from mockserver.admin.tools.shared import Limit, Operation, Result, Sandbox, Tools
from mockserver.messages import JSON, Decider, Side

MAX_EXCHANGE = 60_000
"""Characters of each body of an exchange that is shown whole."""
_BRIEF = 300
"""Characters of each body in a list."""
_NOT_LISTED = frozenset(("request", "response", "traceback", "sandbox", "at", "duration_ms", "changes"))
"""Members of an exchange that a list leaves out."""


class JournalTools(Tools):
    """The tools about the journal."""

    def list_exchanges(
        self,
        operation: Operation = "",
        status: Annotated[int | None, Field(description="Only responses with this status; 0: none was sent.")] = None,
        stage: Annotated[Decider | None, Field(description="Only exchanges that this stage decided.")] = None,
        rule: Annotated[str, Field(description="Only exchanges in which the rule with this id acted.")] = "",
        side: Annotated[Side | None, Field(description="Only those with a violation on this side.")] = None,
        text: Annotated[str, Field(description="Only those with this text in path, headers, bodies or reasons.")] = "",
        after: Annotated[int | None, Field(ge=0, description="Only numbers above this one, the first of them.")] = None,
        limit: Limit = 20,
        sandbox: Sandbox = "",
    ) -> Result:
        """List exchanges, oldest first, each with the reason for its response; without `after` the newest.

        Start here to find out why a client got an error: `why` says it in sentences. `stage` names the step
        that decided the response: route (no such path or method), key (not a valid key), limit (the rate
        limit), validation (the request breaks the contract, see `violations`), rule (a rule of the scenario:
        `rule`, at the file and line in `rule_at`), credits (the account is empty), prefer (the client's own
        Prefer header), idempotency (a key that was used before), behaviour and sample (a normal response),
        response (the mock's own response would have broken the contract), webhook (a request that the mock
        sent). `retry_of` and `waited` tell how the client retried. Bodies are cut here; get_exchange shows an
        exchange whole. For the next page, give `after` the last number; `after: 0` begins with the first
        exchange.
        """
        filters = {"operation": operation or None, "status": status, "stage": stage, "rule": rule or None, "side": side}
        filters["text"] = text or None
        page = self._at(sandbox).journal(**filters, after=after, limit=limit)
        rows = [_brief(entry) for entry in page["entries"]]
        if after is None:
            # The newest are wanted, so the oldest go where there is no room.
            shown = fitting(rows[::-1])[::-1]
        else:
            shown = fitting(rows)
        return {"exchanges": shown, "total": page["total"]}

    def get_exchange(
        self,
        number: Annotated[int, Field(ge=1, description="The number of the exchange in the journal.")],
        sandbox: Sandbox = "",
    ) -> Result:
        """Show one exchange whole: request and response with headers and bodies, reasons, violations, changed rows.

        `why` says in sentences why it was answered so, and `stages` what each step of the request found; one `decided`.
        Secrets are masked. `violations` name the place in the message, what was found and what the contract expects.
        """
        client = self._at(sandbox)
        stages = client.why(number)["stages"]  # says what there is where there is no such exchange
        entry = {**client.journal(after=number - 1, limit=1)["entries"][0], "stages": stages}
        for message in (entry["request"], entry["response"]):
            if message is not None:
                message["headers"] = whole_or_cut(message["headers"], ROOM // 2)
                message["body"] = whole_or_cut(message["body"], MAX_EXCHANGE)
        return {
            name: value if name in ("request", "response") else whole_or_cut(value, ROOM)
            for name, value in entry.items()
        }

    def verify(
        self,
        operation: Operation = "",
        times: Annotated[str, Field(description="How many must match: 2, 4..6, 1.. or ..3.")] = "1..",
        status: Annotated[str, Field(description="Status of the response: 201, or 500..599. Empty: any.")] = "",
        method: Annotated[str, Field(description="Method of the request. Empty: any.")] = "",
        path: Annotated[str, Field(description="Path of the request; `*` is any one segment. Empty: any.")] = "",
        rule: Annotated[str, Field(description="Id of the rule that acted. Empty: any.")] = "",
        body: Annotated[Any, Field(description='Matcher of the request body: {"agent_id": {"regex": "^a"}}.')] = None,
        header: Annotated[dict[str, Any] | None, Field(description="Matchers of request headers, by name.")] = None,
        query: Annotated[dict[str, Any] | None, Field(description="Matchers of query parameters, by name.")] = None,
        sandbox: Sandbox = "",
    ) -> Result:
        """Check how often the client sent a request. `ok` is the verdict, `found` the number that matched.

        Where it is not ok, `near_misses` are the exchanges that came closest, with each difference. Members of a body
        that are not named do not matter. A value matches itself; {"regex": "..."}, {"gt": 3}, {"present": false} and
        {"type": "string"} match by rule.
        """
        wanted: dict[str, JSON] = {"operation": operation, "status": status, "method": method, "path": path}
        wanted |= {"rule": rule, "header": header, "query": query, "times": times}
        criteria = {name: value for name, value in wanted.items() if value not in ("", None)}
        if body is not None:
            criteria["body"] = body
        return bounded(self._at(sandbox).verify(criteria))

    def check_expectations(self, sandbox: Sandbox = "") -> Result:
        """Check what the scenario of a sandbox expects (`expect`), and list rules that never acted, with the reason."""
        return bounded(self._at(sandbox).expectations())

    def check_retries(self, sandbox: Sandbox = "") -> Result:
        """Show how the client retried: the attempts of each failed call, and whether it waited as it was told."""
        verdicts = self._at(sandbox).retries()
        return {"verdicts": fitting(verdicts[::-1])[::-1], "total": len(verdicts)}


def _brief(entry: dict[str, Any]) -> JSON:
    """An exchange for a list."""
    shown = {name: whole_or_cut(value, ROOM // 20) for name, value in entry.items() if name not in _NOT_LISTED}
    for side in ("request", "response"):
        message = entry[side]
        shown[f"{side}_body"] = None if message is None else whole_or_cut(message["body"], _BRIEF)
    return shown
