"""Send a request to a sandbox from the admin API, as if a client had sent it, or a webhook from the sandbox.

A request goes through the same pipeline and stands in the journal; what a rule does to the connection is only told.
Must not know: who asks.
"""

from __future__ import annotations

from mockserver.apis import nobody
from mockserver.clock import parse_duration
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import JSON, Request
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox import schedule
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.scenarios.effects import Effect
from mockserver.scenarios.values import CallValues
from mockserver.text.templates import compile_template

MOST_NAMED = 20
"""Tasks that a message names."""


def sent(pipeline: Pipeline, sandbox: Sandbox, spec: JSON) -> JSON:
    """Send it, and tell which exchange it was. Raises UserError for a path of another sandbox."""
    path, _, query = spec["path"].partition("?")
    prefix = f"/~{sandbox.name}/"
    elsewhere = path.startswith("/~") if sandbox.name == DEFAULT else not path.startswith(prefix)
    if elsewhere:
        begins = "without /~" if sandbox.name == DEFAULT else f"with {prefix}"
        raise UserError(f"{path[:200]} is not in sandbox {sandbox.name}, whose paths begin {begins}")
    body = (spec.get("body") or "").encode()
    headers = {"host": "localhost"} | {name.lower(): text for name, text in spec.get("headers", {}).items()}
    if body:
        headers["content-length"] = str(len(body))
    request = Request(spec["method"], path, query, headers, body)
    if len(body) > pipeline.most_body(request.method, path):
        request.too_large, request.body = True, b""
    exchange = pipeline.exchange(request)
    return {"number": exchange.number, "sandbox": exchange.sandbox, "status": exchange.status, "lost": exchange.lost}


def webhook_sent(pipeline: Pipeline, sandbox: Sandbox, name: str, body: JSON) -> JSON:
    """Send a webhook now, or after a time on the sandbox's clock. Raises UserError where it cannot be sent."""
    known = {webhook: api for api in pipeline.apis.values() for webhook in api.webhooks}
    api = pipeline.apis.get(body["api"]) if "api" in body else known.get(name)
    if api is None or name not in api.webhooks:
        raise UserError(f"there is no webhook {name[:80]!r}{did_you_mean(name, known)}")
    webhook = api.webhooks[name]
    if "to" not in body and (webhook.to is None or not webhook.to.is_constant):
        raise UserError(f"it is not known where {name!r} goes; say it in `to`")
    call = nobody(sandbox.store, sandbox.clock.now(), sandbox.terms.seed)
    after = parse_duration(body["after"]) if "after" in body else 0.0
    data = compile_template({"$literal": body["data"]}) if "data" in body else None
    to = compile_template(body["to"]) if "to" in body else None
    task = Effect("webhook", name, data, after, to).task(
        api, call, CallValues(api, call.now, lambda: call), "the admin API"
    )
    pipeline.deliveries.target(task["to"])
    if why := schedule.add(sandbox.store, call.now + after, task):
        raise UserError(why)
    pipeline.moved(sandbox)
    return {"webhook": name, "to": task["to"], "at": call.now + after, "data": task["value"]}


def hastened(pipeline: Pipeline, sandbox: Sandbox, id: str) -> JSON:
    """Do now what waits for the clock: a webhook is sent, rows change. Raises Problem when it does not wait."""
    now = sandbox.clock.now()
    if not schedule.hasten(sandbox.store, id, now):
        waiting = ", ".join(row["id"] for row in schedule.pending(sandbox.store)[:MOST_NAMED]) or "nothing"
        raise Problem("not_found", f"Task {id[:80]!r} does not wait in sandbox {sandbox.name}; there waits {waiting}.")
    sandbox.settle()
    pipeline.moved(sandbox)
    return {"id": id, "at": now}


__all__ = ["hastened", "sent", "webhook_sent"]
