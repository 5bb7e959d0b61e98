"""What each operation of the admin API does. One function an operation, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mockserver.admin import views
from mockserver.admin.ask import Ask
from mockserver.admin.exchange_file import exchange_file
from mockserver.admin.explanation import explained
from mockserver.admin.scenarios import check_scenario, get_schema, given_scenario, list_scenarios, set_scenario
from mockserver.apis import nobody
from mockserver.clock import parse_duration, parse_time
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.journal import retries, verify
from mockserver.messages import JSON, Balance, Exchange, Response
from mockserver.sandbox import expectations, schedule
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.scenarios.effects import Effect
from mockserver.scenarios.values import CallValues
from mockserver.state.ratelimit import parse_limit
from mockserver.state.store import Snapshot
from mockserver.text.ranges import parse_range
from mockserver.text.templates import compile_template
from mockserver.version import __version__

Handler = Callable[[Ask], Response]


def _ok(data: JSON, status: int = 200) -> Response:
    return Response(status, data)


def _nothing() -> Response:
    return Response(204, media_type=None)


def ready(ask: Ask) -> Response:
    """503 while draining, so that no new work is sent here."""
    status = "draining" if ask.draining else "ready"
    return _ok({"status": status, "apis": list(ask.pipeline.apis)}, 503 if ask.draining else 200)


def get_contract(ask: Ask) -> Response:
    """The document that an API is served from."""
    apis, name = ask.pipeline.apis, ask.params["api"]
    if name not in apis:
        nearest = did_you_mean(name, apis) or f"; there are {', '.join(apis)}"
        raise Problem("not_found", f"There is no API {name[:80]!r}{nearest}")
    return _ok(apis[name].contract.document)


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
    ask.sandbox.settle()
    snapshot = ask.sandbox.store.snapshot()
    credits = views.credits_view(snapshot.balance)
    return _ok({"tables": snapshot.tables, "counters": snapshot.counters, "credits": credits})


def set_state(ask: Ask) -> Response:
    """Replace rows, counters and account, when every row passes the contract."""
    sandbox, body = ask.sandbox, ask.body
    given = sum(len(rows) for partitions in body["tables"].values() for rows in partitions.values())
    if given > sandbox.terms.max_rows:
        raise UserError(f"there are {given:,} rows, and room for {sandbox.terms.max_rows:,} (--max-rows)")
    tables = {name: (api, table) for api in ask.pipeline.apis.values() for name, table in api.state_tables.items()}
    for row in (row for rows in body["tables"].get(schedule.TABLE, {}).values() for row in rows):
        if problem := schedule.problem(row, ask.pipeline.apis):
            raise UserError(f"{schedule.TABLE}: {problem}")
    for name, partitions in body["tables"].items():
        if name == schedule.TABLE:
            continue
        if name not in tables:
            raise UserError(f"there is no table {name!r}; there are {', '.join(tables)}")
        api, table = tables[name]
        for partition, rows in partitions.items():
            seen: set[str] = set()
            for index, row in enumerate(rows):
                where = f"{name} {partition!r} row {index}"
                if not isinstance(row.get("id"), str) or row["id"] in seen:
                    raise UserError(f"{where}: `id` must be a text that no other row has")
                seen.add(row["id"])
                problems = table.whole_problems(api.contract, row)
                if problems:
                    raise UserError(f"{where}: {problems[0]}")
    credits = body["credits"]
    if credits["consumed"] > credits["total"]:
        raise UserError("credits: more is consumed than there is in total")
    counters = {name: int(count) for name, count in body["counters"].items()}
    balance = Balance(credits["total"], credits["consumed"])
    sandbox.store.restore(Snapshot(body["tables"], counters, balance))
    return _nothing()


def get_webhooks(ask: Ask) -> Response:
    """What can be sent, and what is to happen later."""
    return _ok(views.webhooks_view(ask.sandbox, ask.pipeline))


def send_webhook(ask: Ask) -> Response:
    """Send a webhook now, or after a time on the sandbox's clock."""
    body, name, sandbox = ask.body or {}, ask.params["webhook"], ask.sandbox
    known = {webhook: api for api in ask.pipeline.apis.values() for webhook in api.webhooks}
    api = ask.pipeline.apis.get(body["api"]) if "api" in body else known.get(name)
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
    ask.pipeline.deliveries.target(task["to"])
    if why := schedule.add(sandbox.store, call.now + after, task):
        raise UserError(why)
    ask.pipeline.moved(sandbox)
    return _ok({"webhook": name, "to": task["to"], "at": call.now + after, "data": task["value"]}, 202)


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
    """How the client retried."""
    return _ok({"verdicts": [verdict.as_json() for verdict in retries.verdicts(ask.sandbox.exchanges())]})


def get_events(ask: Ask) -> Response:
    """The stream itself is the edge's; this answers for a sandbox that is not there."""
    return Response(200, f": {ask.sandbox.name}\n\n", media_type="text/event-stream")


HANDLERS: dict[str, Handler] = {
    "health": lambda ask: _ok({"status": "ok", "version": __version__}),
    "ready": ready,
    "listApis": lambda ask: _ok(views.apis_view(ask.pipeline.apis, ask.origin)),
    "getContract": get_contract,
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
    "listWebhooks": get_webhooks,
    "sendWebhook": send_webhook,
    "getJournal": get_journal,
    "clearJournal": clear_journal,
    "explainExchange": explain_exchange,
    "getExchangeFile": get_exchange_file,
    "verify": verify_journal,
    "getExpectations": get_expectations,
    "getRetries": get_retries,
    "getEvents": get_events,
    "getCoverage": lambda ask: _ok(views.coverage_view(ask.sandbox.store, ask.pipeline.apis)),
}
