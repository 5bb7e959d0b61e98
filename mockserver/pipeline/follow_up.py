"""What follows a response: webhooks and callbacks, and what a rule does besides, at once or later on the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.apis import Call
from mockserver.apis.routes import Plan
from mockserver.messages import Exchange, Response
from mockserver.pipeline.defects import Defect
from mockserver.pipeline.idempotency import Replays
from mockserver.records import record
from mockserver.sandbox import schedule
from mockserver.sandbox.world import World
from mockserver.scenarios import Decision
from mockserver.scenarios.effects import NoReceiver, Task, sending
from mockserver.scenarios.values import CallValues
from mockserver.text.arithmetic import TemplateError

if TYPE_CHECKING:
    from mockserver.text.spread import Spread


@record()
class More:
    """What few requests have: webhooks that follow, an idempotency key, a response that takes its time."""

    sends: bool = False
    """Whether a webhook waits to be sent."""
    replays: Replays | None = None
    """Keeps the response for the request's idempotency key."""
    latency: Spread | None = None
    """How long the API takes to answer."""


def follow_up(world: World, plan: Plan, decision: Decision, exchange: Exchange, call: Call, response: Response) -> bool:
    """Do it; whether a webhook waits to be sent. Raises Defect for a rule that cannot do what it says."""
    api, action = plan.api, decision.action
    values = CallValues(api, exchange.at, lambda: call, response)
    by = f"rule {decision.rule!r} ({decision.at})"
    sends: list[tuple[float, Task]] = []
    for webhook in plan.webhooks if response.status < 300 else ():
        at = exchange.at + webhook.after
        try:
            sends.append((at, sending(webhook).task(api, call, values.at(at), plan.operation.id)))
        except NoReceiver:
            continue
        except TemplateError as error:
            raise Defect(f"webhook {webhook.name!r}: {error}") from None
    for effect in action.then:
        at = exchange.at + effect.after
        try:
            task = effect.task(api, call, values.at(at), by)
        except NoReceiver:
            continue
        except TemplateError as error:
            raise nowhere(decision, error) from None
        why = ""
        if effect.do == "webhook":
            sends.append((at, task))
        elif effect.after:
            why = schedule.add(world.store, at, task)
        else:
            why = schedule.do(world.store, api, task, at, world.terms.seed)
        if why:
            raise nowhere(decision, f"{effect.do} {effect.on}: {why}")
    for at, task in action.fault.sends(sends):
        if why := schedule.add(world.store, at, task):
            raise nowhere(decision, f"webhook {task['on']}: {why}")
    return bool(sends)


def nowhere(decision: Decision, what: object) -> Defect:
    """A rule that leads nowhere, with its place."""
    return Defect(f"rule {decision.rule!r} ({decision.at}): {what}")


__all__ = ["More", "follow_up", "nowhere"]
