"""What each operation of the admin API does. One function an operation, and the table of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockserver.admin import snapshots, views
from mockserver.admin.ask import Ask
from mockserver.admin.exchange_file import exchange_file
from mockserver.admin.explanation import explained
from mockserver.admin.operation_view import operation_view, sample_view
from mockserver.admin.restore import restore
from mockserver.admin.scenarios import check_scenario, get_schema, given_scenario, list_scenarios, set_scenario
from mockserver.admin.sending import hastened, sent, webhook_sent
from mockserver.admin.vital import VITAL, Handler
from mockserver.apis import Api
from mockserver.clock import parse_duration, parse_time
from mockserver.contract import Operation
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.journal import retries, verify
from mockserver.messages import JSON, Exchange, Response
from mockserver.sandbox import expectations
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.state.ratelimit import parse_limit
from mockserver.text.ranges import parse_range


def _ok(data: JSON, status: int = 200) -> Response:
    return Response(status, data)


def _nothing() -> Response:
    return Response(204, media_type=None)


def get_contract(ask: Ask) -> Response:
    """The document that an API is served from."""
    return _ok(_api(ask).contract.document)


def _api(ask: Ask) -> Api:
    """The API that a parameter names."""
    apis, name = ask.pipeline.apis, ask.params["api"]
    if name not in apis:
        nearest = did_you_mean(name, apis) or f"; there are {', '.join(apis)}"
        raise Problem("not_found", f"There is no API {name[:80]!r}{nearest}")
    return apis[name]


def _operation(ask: Ask) -> tuple[Api, Operation]:
    """The operation that the parameters name."""
    api, id = _api(ask), ask.params["operation"]
    operation = api.contract.operations.get(id)
    if operation is None:
        raise Problem(
            "not_found", f"{api.name} has no operation {id[:80]!r}{did_you_mean(id, api.contract.operations)}"
        )
    return api, operation


def get_sample(ask: Ask) -> Response:
    """A request that an operation takes, ready to be sent into a sandbox."""
    return _ok(sample_view(ask.sandbox, *_operation(ask), views.client_key(ask.sandbox, ask.steers)))


def get_coverage(ask: Ask) -> Response:
    """Which declared statuses were received, and under which faults."""
    store = ask.sandbox.store
    return _ok({**views.coverage_view(store, ask.pipeline.apis), "cells": ask.journal.cells(store)})


def list_sandboxes(ask: Ask) -> Response:
    """Those that have a text in their name or in that of their scenario; only those that are shown are looked into."""
    text = ask.params.get("text", "").lower()
    found = [
        sandbox
        for sandbox in ask.pipeline.sandboxes.all()
        if not text or text in f"{sandbox.name} {views.scenario_name(sandbox) or ''}".lower()
    ]
    found.sort(key=lambda sandbox: (sandbox.name != DEFAULT, sandbox.name))
    shown = found[: ask.params.get("limit")]
    return _ok({"sandboxes": [_shown(ask, sandbox) for sandbox in shown], "total": len(found)})


def create_sandbox(ask: Ask) -> Response:
    """Make a sandbox; everything is checked before it is made."""
    body = ask.body or {}
    pipeline = ask.pipeline
    terms = pipeline.sandboxes.terms
    changes: dict[str, Any] = {name: body[name] for name in ("credits", "seed") if name in body}
    if body.get("rate_limit", "vendor") != "vendor":
        changes["limit"] = parse_limit(body["rate_limit"])
    if "clock" in body:
        clock = body["clock"]
        rate = 0.0 if clock.get("mode") == "frozen" else clock.get("rate", 1.0)
        start = parse_time(clock["now"]) if "now" in clock else None
        changes |= {"clock_rate": rate, "clock_start": start}
    wanted = [given_scenario(ask, body["scenario"])] if "scenario" in body else []
    sandbox = pipeline.sandboxes.create(body.get("name"), wanted, replace(terms, **changes))
    if "credits" in body:
        sandbox.store.grant(body["credits"])
    return _ok(_shown(ask, sandbox), 201)


def _shown(ask: Ask, sandbox: Sandbox) -> JSON:
    return views.sandbox_view(sandbox, ask.pipeline.apis, ask.origin, tells_keys=ask.steers)


def remove_scenario(ask: Ask) -> Response:
    """Go on without one."""
    ask.sandbox.drop_scenarios()
    return _nothing()


def delete_sandbox(ask: Ask) -> Response:
    """Remove a sandbox."""
    ask.pipeline.sandboxes.delete(ask.params["name"])
    return _nothing()


def reset_sandbox(ask: Ask) -> Response:
    """Start afresh."""
    ask.sandbox.reset()
    return _nothing()


def change_clock(ask: Ask) -> Response:
    """Set the clock ahead, freeze it, or let it run."""
    clock, body = ask.sandbox.clock, ask.body
    if "now" in body:
        clock.set(parse_time(body["now"]))
    if body.get("mode") == "frozen":
        clock.freeze()
    elif "rate" in body or body.get("mode") == "real":
        clock.run(body.get("rate", 1.0))
    ask.pipeline.moved(ask.sandbox)
    return _ok(views.clock_view(clock))


def advance_clock(ask: Ask) -> Response:
    """Move the clock ahead, and do what becomes due."""
    clock = ask.sandbox.clock
    clock.advance(parse_duration(ask.body["by"]))
    ask.pipeline.moved(ask.sandbox)
    return _ok(views.clock_view(clock))


def set_credits(ask: Ask) -> Response:
    """Set what remains to spend."""
    store = ask.sandbox.store
    store.grant(ask.body["remaining"])
    return _ok(views.credits_view(store.balance()))


def get_state(ask: Ask) -> Response:
    """Everything that `setState` takes."""
    return _ok(snapshots.state_of(ask.sandbox))


def set_state(ask: Ask) -> Response:
    """Replace rows, counters and account, when every row passes the contract."""
    restore(ask.sandbox, ask.pipeline.apis, ask.body)
    return _nothing()


def restore_snapshot(ask: Ask) -> Response:
    """Put a snapshot back that the server keeps."""
    snapshots.put_back(ask.sandbox, ask.pipeline.apis, ask.params["snapshot"])
    return _nothing()


def delete_snapshot(ask: Ask) -> Response:
    """Forget a snapshot."""
    snapshots.dropped(ask.sandbox, ask.params["snapshot"])
    return _nothing()


def get_webhooks(ask: Ask) -> Response:
    """What can be sent, and what is to happen later."""
    return _ok(views.webhooks_view(ask.sandbox, ask.pipeline))


def get_journal(ask: Ask) -> Response:
    """Entries that match every filter: the first after a number, or else the newest."""
    entries, total = ask.journal.page(ask.sandbox.store, ask.params)
    return _ok({"entries": entries, "total": total})


def explain_exchange(ask: Ask) -> Response:
    """Why one exchange was answered as it was."""
    return _ok(explained(ask.journal, ask.sandbox, ask.pipeline.apis, ask.params["number"]))


def get_exchange_file(ask: Ask) -> Response:
    """One exchange as a file of `tests/exchanges/`."""
    world = ask.sandbox.world
    exchange, _ = ask.journal.one(world.store, ask.params["number"])
    if exchange.stage == "webhook":
        raise UserError(f"exchange #{exchange.number} is a webhook, which the server sent itself")
    return _ok(exchange_file(world, exchange).as_json())


def clear_journal(ask: Ask) -> Response:
    """Forget the exchanges."""
    ask.sandbox.store.clear_journal()
    return _nothing()


def verify_journal(ask: Ask) -> Response:
    """Count, or find in order, the exchanges that meet criteria."""
    body, world = dict(ask.body), ask.sandbox.world
    order, times = body.pop("order", None), body.pop("times", "1..")
    known = {id for api in ask.pipeline.apis.values() for id in api.contract.operations}
    for criteria in [body, *(order or [])]:
        operation = criteria.get("operation", "*")
        if operation != "*" and operation not in known:
            raise UserError(f"there is no operation {operation[:80]!r}{did_you_mean(operation, known)}")

    def read(exchange: Exchange) -> JSON:
        api = ask.pipeline.apis.get(exchange.api)
        operation = api.contract.operations.get(exchange.operation) if api else None
        request = exchange.request
        return operation.read_body(request) if operation else verify.parse_body(request.body)

    criteria, steps = verify.parse_criteria(body), [verify.parse_criteria(step) for step in order or ()]
    verdict = verify.verify(world.exchanges_with(criteria.may_match), criteria, parse_range(times), read)
    if order is not None and verdict.ok:
        may_match = [step.may_match for step in steps]
        likely = world.exchanges_with(lambda traits: any(may(traits) for may in may_match))
        verdict = verify.verify_order(likely, steps, read)
        if not verdict.ok:  # what came nearest may be any exchange
            verdict = verify.verify_order(world.exchanges(), steps, read)
    elif not verdict.ok:
        verdict = verify.verify(world.exchanges(), criteria, parse_range(times), read)
    return _ok(verdict.as_json())


def get_expectations(ask: Ask) -> Response:
    """The scenario's `expect`, validated now."""
    results = expectations.check_expectations(ask.sandbox)
    rows = [result.as_json() for result in results]
    unfired = [rule.as_json() for rule in expectations.unfired(ask.sandbox)]
    return _ok({"ok": all(result.ok for result in results), "expectations": rows, "unfired": unfired})


def get_retries(ask: Ask) -> Response:
    """How the client retried: in all that the journal has, or in one call."""
    if "number" in ask.params:
        verdicts = ask.journal.call_of(ask.sandbox.store, ask.params["number"])
    else:
        verdicts = retries.verdicts(ask.sandbox.exchanges())
    return _ok({"verdicts": [verdict.as_json() for verdict in verdicts]})


def get_events(ask: Ask) -> Response:
    """The stream itself is the edge's; this answers for a sandbox that is not there."""
    return Response(200, f": {ask.sandbox.name}\n\n", media_type="text/event-stream")


HANDLERS: dict[str, Handler] = {
    **VITAL,
    "listApis": lambda ask: _ok(views.apis_view(ask.pipeline.apis, ask.origin)),
    "getContract": get_contract,
    "getOperation": lambda ask: _ok(operation_view(*_operation(ask))),
    "getMetrics": lambda ask: Response(200, ask.pipeline.metrics.text(), media_type="text/plain; version=0.0.4"),
    "listSandboxes": list_sandboxes,
    "createSandbox": create_sandbox,
    "getSandbox": lambda ask: _ok(_shown(ask, ask.sandbox)),
    "deleteSandbox": delete_sandbox,
    "resetSandbox": reset_sandbox,
    "getScenario": lambda ask: _ok(views.scenario_view(ask.sandbox)),
    "setScenario": set_scenario,
    "removeScenario": remove_scenario,
    "listScenarios": list_scenarios,
    "checkScenario": check_scenario,
    "getScenarioSchema": get_schema,
    "getClock": lambda ask: _ok(views.clock_view(ask.sandbox.clock)),
    "changeClock": change_clock,
    "advanceClock": advance_clock,
    "getCredits": lambda ask: _ok(views.credits_view(ask.sandbox.store.balance())),
    "setCredits": set_credits,
    "getLimits": lambda ask: _ok(views.limits_view(ask.sandbox, ask.pipeline.apis, ask.pipeline.routes)),
    "getState": get_state,
    "setState": set_state,
    "listSnapshots": lambda ask: _ok({"snapshots": snapshots.listed(ask.sandbox)}),
    "saveSnapshot": lambda ask: _ok(snapshots.saved(ask.sandbox, ask.params["snapshot"])),
    "getSnapshot": lambda ask: _ok(snapshots.shown(ask.sandbox, ask.params["snapshot"])),
    "restoreSnapshot": restore_snapshot,
    "deleteSnapshot": delete_snapshot,
    "listWebhooks": get_webhooks,
    "sendWebhook": lambda ask: _ok(webhook_sent(ask.pipeline, ask.sandbox, ask.params["webhook"], ask.body or {}), 202),
    "hastenTask": lambda ask: _ok(hastened(ask.pipeline, ask.sandbox, ask.params["task"]), 202),
    "getJournal": get_journal,
    "clearJournal": clear_journal,
    "explainExchange": explain_exchange,
    "getExchangeFile": get_exchange_file,
    "verify": verify_journal,
    "getExpectations": get_expectations,
    "getRetries": get_retries,
    "getEvents": get_events,
    "getCoverage": get_coverage,
    "getSample": get_sample,
    "sendRequest": lambda ask: _ok(sent(ask.pipeline, ask.sandbox, ask.body)),
}
