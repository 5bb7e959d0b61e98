"""What the admin API shows: sandboxes, clocks, journal entries and the rest as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from mockserver.apis import Api
from mockserver.apis.profiles.write import conclusions, untold
from mockserver.apis.routes import Routes
from mockserver.clock import Clock, timestamp
from mockserver.journal.coverage import StatusCoverage
from mockserver.journal.retries import Attempt
from mockserver.journal.why import sentences
from mockserver.messages import JSON, Balance, Exchange
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox import schedule
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.scenarios.rules import CompiledAction
from mockserver.state.store import Store

MAX_ITEM = 200
"""Bytes of an item of a stream that are shown beside its time."""
ANY_KEY = "any-key"
"""What a client is given as its key where every key is valid."""
UNTOLD_KEY = "one-of-the-listed-keys"
"""What stands in the place of a key that the reader is not told. It is not valid."""


def sandbox_view(sandbox: Sandbox, apis: Mapping[str, Api], origin: str, *, tells_keys: bool = True) -> JSON:
    """A sandbox, with the URL and the key to give a client for each API.

    `tells_keys` says whether the reader may see a key that was listed.
    """
    prefix = "" if sandbox.name == DEFAULT else f"/~{sandbox.name}"
    marked, key = sandbox.store.marked(), client_key(sandbox, tells_keys)
    urls = {name: f"{origin}{prefix}/{name}{api.contract.base_path}" for name, api in apis.items()}
    return {
        "name": sandbox.name,
        "api_key": sandbox.key,
        "base_urls": urls,
        "client_kwargs": {name: {api.url_keyword: urls[name], "api_key": key} for name, api in apis.items()},
        "scenario": scenario_name(sandbox),
        "clock": clock_view(sandbox.clock),
        "credits": credits_view(sandbox.store.balance()),
        "requests": sandbox.store.journal_count(),
        "defects": marked.get("defect", 0),
        "invalid": marked.get("invalid", 0),
    }


def scenario_name(sandbox: Sandbox) -> str | None:
    """The names of the scenarios in force; None when there is none."""
    return ", ".join(scenario.name for scenario in sandbox.scenarios.values()) or None


def client_key(sandbox: Sandbox, tells_keys: bool) -> str:
    """The key to give a client of a sandbox."""
    listed = sandbox.terms.keys
    return sandbox.key or (ANY_KEY if not listed else listed[0] if tells_keys else UNTOLD_KEY)


def clock_view(clock: Clock) -> JSON:
    """A clock."""
    now = clock.now()
    return {"now": now, "iso": timestamp(now), "mode": clock.mode, "rate": clock.rate}


def credits_view(balance: Balance) -> JSON:
    """The credit account."""
    return {
        "remaining": balance.remaining,
        "consumed": balance.consumed,
        "total": balance.total,
    }


def scenario_view(sandbox: Sandbox) -> JSON:
    """The scenarios in force; there is usually one."""
    scenarios = list(sandbox.scenarios.values())
    rules = [
        {
            "id": rule.id,
            "at": rule.at,
            "fired": sandbox.fired(scenario, rule.id),
            "calls": sandbox.world.counted(scenario, rule.id),
            "steps": [_step_name(step) for step in rule.steps],
        }
        for scenario in scenarios
        for rule in scenario.rules
    ]
    if not scenarios:
        return {"name": None, "source": None, "text": None, "rules": []}
    return {
        "name": scenario_name(sandbox),
        "source": "bundled" if all(scenario.origin.source == "bundled" for scenario in scenarios) else "upload",
        "text": "---\n".join(scenario.text for scenario in scenarios),
        "rules": rules,
    }


def _step_name(step: CompiledAction | None) -> str:
    """What a step of a sequence does, in a word or two."""
    if step is None:
        return "ok"
    reply = [str(step.status)] if step.reply is not None else []
    return ", ".join([*reply, *step.faults]) or step.name or "ok"


def limits_view(sandbox: Sandbox, apis: Mapping[str, Api], routes: Routes) -> JSON:
    """The limit of each operation, and what is left of it for a caller of the home teamspace."""
    now, rows = sandbox.clock.now(), []
    for api in apis.values():
        for operation in api.contract.operations.values():
            for limit, bucket in sandbox.limits(routes.plan(api, operation), "", sandbox.key or ""):
                window = sandbox.store.hit(bucket, now, limit.max, limit.window, count=False)
                rows.append(
                    {
                        "api": api.name,
                        "operation": operation.id,
                        "max": limit.max,
                        "window": limit.window,
                        "remaining": window.remaining,
                        "free_at": window.free_at,
                    }
                )
    return {"limits": rows}


def webhooks_view(sandbox: Sandbox, pipeline: Pipeline) -> JSON:
    """The webhooks that there are, and what waits for the sandbox's clock, the next thing first."""
    webhooks = [
        {
            "api": api.name,
            "name": webhook.name,
            "method": webhook.method,
            "on": sorted(webhook.on),
            "signed": webhook.signature is not None,
            "attempts": webhook.attempts,
        }
        for api in pipeline.apis.values()
        for webhook in api.webhooks.values()
    ]
    now = sandbox.clock.now()
    waiting = [
        {
            "id": row["id"],
            "at": row["at"],
            "due": row["at"] <= now,
            "do": row["task"]["do"],
            "on": row["task"]["on"],
            "api": row["task"]["api"],
            "by": row["task"]["by"],
            "to": row["task"].get("to", ""),
            "attempt": row["task"].get("attempt", 1),
        }
        for row in schedule.pending(sandbox.store)
    ]
    return {"webhooks": webhooks, "waiting": waiting, "busy": pipeline.deliveries.is_busy(sandbox.name)}


def entry_view(exchange: Exchange, attempt: Attempt | None) -> JSON:
    """One journal entry."""
    request, response = exchange.request, exchange.response
    return {
        "number": exchange.number,
        "at": exchange.at,
        "iso": timestamp(exchange.at),
        "sandbox": exchange.sandbox,
        "api": exchange.api,
        "operation": exchange.operation,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "status": exchange.status,
        "stage": exchange.stage,
        "reason": exchange.reason,
        "why": list(sentences(exchange, attempt)),
        "rule": exchange.rule,
        "rule_at": exchange.rule_at,
        "rule_call": exchange.rule_call,
        "violates": exchange.violates,
        "violations": [violation.as_json() for violation in exchange.violations],
        "charged": exchange.charged,
        "committed": exchange.committed,
        "changes": [{"change": kind, "table": table, "id": id} for kind, table, id in exchange.changes],
        "changed": exchange.changed,
        "lost": exchange.lost,
        "faults": exchange.faults,
        "defect": exchange.defect,
        "traceback": exchange.traceback,
        "duration_ms": exchange.duration * 1000,
        "replied_at": exchange.replied_at,
        "attempt": attempt.number if attempt else 1,
        "retry_of": attempt.of if attempt else None,
        "waited": attempt.waited if attempt else None,
        "early_by": attempt.early_by if attempt and attempt.retry_after is not None else None,
        "request": {
            "headers": request.headers,
            "body": _body(request.body),
            "whole_bytes": _whole(exchange, 0, len(request.body)),
        },
        "response": None
        if response is None or response.status == 0
        else {
            "headers": response.headers,
            "media_type": response.media_type,
            "body": _body(response.content or b""),
            "whole_bytes": _whole(exchange, 1, len(response.content or b"")),
        },
        "stream": _stream(exchange),
    }


def _whole(exchange: Exchange, side: int, kept: int) -> int | None:
    """Bytes of a body as it was, when the journal keeps fewer; None when it has all of it."""
    return exchange.cut[side] if exchange.cut is not None and exchange.cut[side] > kept else None


def _stream(exchange: Exchange) -> JSON:
    """When the items of a stream went out; None when it was none."""
    response = exchange.response
    if response is None or response.delivery is None or exchange.replied_at is None:
        return None
    at, items, pieces = exchange.replied_at, [], response.delivery.pieces
    if any(piece.stall and not piece.wait for piece in pieces):
        at -= sum(piece.stall for piece in pieces)  # a frozen clock had passed all of it before the response went out
    for piece in pieces:
        at += piece.stall
        items.append({"at": at, "text": piece.content[:MAX_ITEM].decode("utf-8", "replace")})
    return {"items": items, "end": response.delivery.end}


def _body(content: bytes) -> JSON:
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "replace")


def coverage_view(store: Store, apis: Mapping[str, Api]) -> JSON:
    """Which declared statuses of which operation were received."""
    declared = {
        (api.name, id): known.declared for api in apis.values() for id, known in api.contract.operations.items()
    }
    count = StatusCoverage(declared)
    for (api, id, status), times in store.answers().items():
        count.take(api, id, status, times)
    operations = []
    for api, id in declared:
        statuses = {str(status): n for status, n in sorted(count.received.get((api, id), {}).items())}
        calls, unseen = count.calls[api, id], count.unseen(api, id)
        operations.append({"operation": id, "api": api, "calls": calls, "statuses": statuses, "unseen": unseen})
    covered, total = count.totals(declared)
    return {"operations": operations, "covered": covered, "total": total}


def apis_view(apis: Mapping[str, Api], origin: str) -> JSON:
    """The loaded APIs, their operations, and what our overlays add to them."""
    return {
        "apis": [
            {
                "name": api.name,
                "title": str(api.contract.document["info"]["title"]),
                "version": str(api.contract.document["info"]["version"]),
                "base_url": f"{origin}/{api.name}{api.contract.base_path}",
                "operations": [
                    {"id": operation.id, "method": operation.method, "path": operation.path}
                    for operation in api.contract.operations.values()
                ],
                "resources": [
                    {
                        "name": resourceful.resource.name,
                        "path": resourceful.resource.path,
                        "conclusions": [conclusion._asdict() for conclusion in conclusions(resourceful)],
                    }
                    for resourceful in api.resourcefuls
                ],
                "sampled": [operation.id for operation in untold(api)],
                "additions": [
                    {"pointer": addition.pointer, "provenance": addition.provenance, "note": addition.note}
                    for addition in api.contract.additions
                ],
            }
            for api in apis.values()
        ]
    }
