"""Compile a scenario for an API: names that must exist, values that must make sense, and scripted
responses that must satisfy the contract.

A response that violates the contract is rejected unless its rule says `violates:`, so that a mistyped
mock never passes for the vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from mockserver.apis import Api
from mockserver.contract import Unsatisfiable
from mockserver.errors import KINDS, UserError, did_you_mean
from mockserver.journal.retries import RETRY_RULES
from mockserver.messages import Limit
from mockserver.scenarios.effect_model import compile_effects
from mockserver.scenarios.effects import Effect
from mockserver.scenarios.fault import NO_FAULT, Fault, Faults
from mockserver.scenarios.model import Action, Reply, Rule, ScenarioModel, Step, StreamModel
from mockserver.scenarios.responses import NAMED, Maker, named_response, scripted, streamed
from mockserver.scenarios.rules import CompiledAction, CompiledRule, Origin, Scenario, ScenarioLimit
from mockserver.scenarios.stages import Stage, stage_of
from mockserver.scenarios.typical import typical, unknown_part
from mockserver.text.documents import parts_of
from mockserver.text.matchers import compile_fields, compile_matcher
from mockserver.text.ranges import parse_range
from mockserver.text.shape import Place, Report
from mockserver.text.templates import Template, TemplateError, compile_template


class Compiler:
    """Compiles one parsed scenario for its API.

    Args:
        api: the API.
        report: called with every problem.
        at: `file:line` of a place in the file.
    """

    def __init__(self, api: Api, report: Report, at: Callable[[Place], str]) -> None:
        self._api = api
        self._report = report
        self._at = at
        self._problems = 0

    def _problem(self, place: Place, message: str) -> None:
        self._problems += 1
        self._report(place, message)

    def compile(self, model: ScenarioModel, origin: Origin) -> Scenario:
        """The scenario; it is of no use when a problem was reported."""
        rules, ids = [], set()
        for index, entry in enumerate(model.rules):
            if entry.id in ids:
                self._problem(("rules", index, "id"), f"there are two rules {entry.id!r}")
            ids.add(entry.id)
            rule = self._rule(index, entry, f"rule {model.name} {entry.id}")
            if rule is not None:
                rules.append(rule)
        limits = []
        for index, limit in enumerate(model.limits):
            operations = self._operations(limit.op, ("limits", index, "op"))
            limits.append(ScenarioLimit(operations, tuple(limit.per), Limit(limit.max, limit.window)))
        rows = {table: tuple(self._rows(table, entries)) for table, entries in model.state.items()}
        self._expectations(model, ids)
        by_operation = {
            id: tuple(rule for rule in rules if id in rule.operations) for id in self._api.contract.operations
        }
        actions = [action for rule in rules for action in (rule.action, *rule.steps) if action is not None]
        schedules = any(effect.after for action in actions for effect in action.then)
        return Scenario(model, origin, tuple(rules), tuple(limits), by_operation, rows, schedules=schedules)

    def _operations(self, op: str, place: Place) -> frozenset[str]:
        known = self._api.contract.operations
        if op == "*":
            return frozenset(known)
        if op in known:
            return frozenset([op])
        self._problem(place, f"{self._api.name} has no operation {op!r}{did_you_mean(op, known)}")
        return frozenset()

    def _rule(self, index: int, entry: Rule, counter: str) -> CompiledRule | None:
        here: Place = ("rules", index)
        before = self._problems
        operations = self._operations(entry.op, (*here, "op"))
        when = entry.when
        compiled: dict[str, Any] = {}
        for name, make, value in (
            ("header", compile_fields, {key.lower(): spec for key, spec in when.header.items()}),
            ("query", compile_fields, when.query),
            ("body", compile_matcher, when.body),
        ):
            try:
                compiled[name] = make(value) if value is not None else None
            except UserError as error:
                self._problem((*here, "when", name), str(error))
        if when.window is not None and when.window[1] <= when.window[0]:
            self._problem((*here, "when", "window"), "the window ends before it starts")
        variables = when.path if isinstance(when.path, dict) else {}
        try:
            compiled["variables"] = compile_fields(variables)
        except UserError as error:
            self._problem((*here, "when", "path"), str(error))
        named = {name for id in operations for name in self._variables(id)}
        for name in variables:
            if name not in named:
                self._problem(
                    (*here, "when", "path", name), f"no path has a variable {name!r}{did_you_mean(name, named)}"
                )
        if isinstance(when.path, str) and when.path not in {
            self._api.contract.operations[id].path for id in operations
        }:
            paths = {operation.path for operation in self._api.contract.operations.values()}
            self._problem(
                (*here, "when", "path"),
                f"no operation has the path {when.path!r}{did_you_mean(when.path, paths)}",
            )
        steps: list[CompiledAction | None] = []
        action = None
        if entry.sequence is not None:
            if not entry.sequence:
                self._problem((*here, "sequence"), "the sequence is empty")
            if _acts(entry):
                self._problem(here, "a rule has either a `sequence` or an action of its own, not both")
            for at, step in enumerate(entry.sequence):
                steps.append(self._step(operations, step, entry, (*here, "sequence", at)))
        elif _acts(entry):
            action = self._action(operations, entry, entry, here, entry.reply)
        else:
            self._problem(
                here, "the rule does nothing; give it `reply`, `set`, `remove`, `fault`, `then` or `sequence`"
            )
        if self._problems > before:
            return None
        return CompiledRule(
            id=entry.id,
            at=self._at(here),
            operations=operations,
            method=(when.method or "").upper(),
            path=when.path if isinstance(when.path, str) else "",
            flags=(*((name, True) for name in when.flag), *((name, False) for name in when.no_flag)),
            call=parse_range(when.call) if when.call is not None else None,
            chance=when.chance,
            window=when.window,
            steps=tuple(steps),
            action=action,
            counter=counter,
            draws=when.chance is not None or any(a is not None and a.fault is not NO_FAULT for a in (action, *steps)),
            **compiled,
        )

    def _step(self, operations: frozenset[str], step: Step, entry: Rule, here: Place) -> CompiledAction | None:
        named = {name: getattr(step, name) for name in NAMED if getattr(step, name) is not None}
        if len(named) + (step.reply is not None) > 1:
            self._problem(here, "a step has more than one response; write one")
            return None
        if not named and not _acts(step):
            return None
        reply = Reply(**named) if named else step.reply
        return self._action(operations, step, entry, here, reply)

    def _action(
        self,
        operations: frozenset[str],
        step: Action,
        entry: Rule,
        here: Place,
        reply: Reply | None,
    ) -> CompiledAction:
        violates = step.violates or entry.violates or ""
        if reply is not None and step.stream is not None:
            self._problem((*here, "stream"), "a rule has either a `reply` or a `stream`")
        if (reply is not None or step.stream is not None) and (step.set or step.remove):
            self._problem(here, "`set` and `remove` change the real response; a scripted `reply` has none")
        stage: Stage = "content" if reply is None else stage_of(_status(reply))
        make = None if reply is None else self._maker(reply, operations, here)
        if step.stream is not None:
            make = self._streamer(step.stream, operations, (*here, "stream"))
        patches = []
        for pointer, value in step.set.items():
            template = compile_template(value, (*here, "set", pointer), self._problem)
            self._check_requests(template, operations)
            patches.append((pointer, template))
        named = faults_by_name(step.fault)
        fault = Faults([fault for _, fault in named]) if named else NO_FAULT
        names = tuple(name for name, _ in named)
        action = CompiledAction(
            reply=make,
            status=0 if reply is None else _status(reply),
            streams=step.stream is not None,
            stage="behaviour" if step.stream is not None else stage,
            set=tuple(patches),
            remove=tuple(step.remove),
            then=self._effects(step, operations, here),
            fault=fault,
            violates=violates,
            faults=names,
            lost_before=fault.before_commit(),
            lost_after=fault.after_commit(),
            unbilled=fault.loses_billing(),
            patches=bool(step.set or step.remove),
        )
        if not violates:
            breaking = next((name for name, fault in named if fault.breaks_contract), None)
            if breaking:
                message = f'the fault `{breaking}` violates the contract; add `violates: "why"`'
                self._problem((*here, "fault", breaking), message)
            self._check_reply(operations, action, here)
        return action

    def _check_reply(self, operations: frozenset[str], action: CompiledAction, here: Place) -> None:
        """Validate the scripted or patched response by the contract of every operation it is for."""
        for id in sorted(operations):
            operation = self._api.contract.operations[id]
            try:
                values = typical(self._api, operation)
                if action.reply:
                    response = action.reply(operation, values)
                else:
                    response = self._api.contract.sample(operation, operation.success)
                if action.patches:
                    action.patch(response, values.of(response))
            except TemplateError:
                continue  # a request may lack what the template asks for, as the typical one does
            except Unsatisfiable as error:
                self._problem((*here, _part(action)), error.message)
                return
            except KeyError as error:
                part = "set" if error.args[0] in dict(action.set) else "remove"
                self._problem((*here, part, error.args[0]), f"{error.args[0]!r} leads nowhere in a response of {id}")
                return
            violations = operation.check_response(response)
            if violations:
                shown = "; ".join(str(violation) for violation in violations[:3])
                message = f"the response violates the contract of {id} {response.status}: {shown}"
                message += '; correct it, or add `violates: "why"`'
                self._problem((*here, _part(action)), message)
                return

    def _variables(self, id: str) -> list[str]:
        operation = self._api.contract.operations[id]
        return [p.name for p in operation.parameters if p.place == "path"]

    def _maker(self, reply: Reply, operations: frozenset[str], here: Place) -> Maker:
        """A function that makes the response, given the operation and what templates are filled with."""
        api = self._api
        if reply.status is None:
            name = next(name for name in NAMED if getattr(reply, name) is not None)
            arguments = getattr(reply, name)
            return lambda operation, values: named_response(api, operation, name, arguments, values.now)
        place = (*here, "reply")
        lines = {
            name.lower(): compile_template(value, (*place, "headers", name), self._problem)
            for name, value in reply.headers.items()
        }
        body = compile_template(reply.body, (*place, "body"), self._problem)
        for template in (body, *lines.values()):
            self._check_requests(template, operations)
        return scripted(reply.status, body, lines)

    def _streamer(self, model: StreamModel, operations: frozenset[str], here: Place) -> Maker | None:
        """A function that makes a stream of the items that are written out."""
        for id in sorted(operations):
            if not self._api.contract.operations[id].stream_types:
                self._problem(here, f"{id} declares no stream: no text/event-stream and no JSON lines")
                return None
        items = compile_template(model.items, (*here, "items"), self._problem)
        self._check_requests(items, operations)
        terms = self._api.streams
        return streamed(items, model.every, model.end, lambda id: terms.get(id, terms.get("*")))

    def _effects(self, step: Action, operations: frozenset[str], here: Place) -> tuple[Effect, ...]:
        effects = tuple(
            compile_effects(step.then, (*here, "then"), self._api.row_tables, self._api.webhooks, self._problem)
        )
        for effect in effects:
            for template in (effect.value, effect.to):
                if template is not None:
                    self._check_requests(template, operations)
        return effects

    def _check_requests(self, template: Template, operations: frozenset[str]) -> None:
        """See that what a template refers to is there: members of a body, parameters, tables."""
        for place, table in template.tables:
            tables = self._api.row_tables
            if table not in tables:
                self._problem(place, f"{self._api.name} has no table {table!r}{did_you_mean(table, tables)}")
        for place, reference in template.requests:
            for id in sorted(operations):
                why = unknown_part(self._api.contract, self._api.contract.operations[id], reference)
                if why:
                    self._problem(place, why)
                    break

    def _rows(self, table: str, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        tables = self._api.state_tables
        if table not in tables:
            self._problem(("state", table), f"{self._api.name} has no table {table!r}{did_you_mean(table, tables)}")
            return
        ids: set[Any] = set()
        for index, entry in enumerate(entries):
            if "id" in entry and repr(entry["id"]) in ids:
                self._problem(("state", table, index, "id"), f"two rows of {table} have the id {entry['id']!r}")
            ids.add(repr(entry.get("id")))
            for violation in tables[table].problems(self._api.contract, entry)[:3]:
                self._problem(("state", table, index, *parts_of(violation.pointer)), str(violation))
            yield entry

    def _expectations(self, model: ScenarioModel, rules: set[str]) -> None:
        for index, expected in enumerate(model.expect):
            here: Place = ("expect", index)
            if expected.op is not None:
                self._operations(expected.op, (*here, "op"))
            if expected.calls is not None and expected.op is None:
                self._problem(here, "`calls` needs `op`")
            if expected.fired is not None and expected.rule is None:
                self._problem(here, "`fired` needs `rule`")
            if expected.rule is not None and expected.rule not in rules and model.extends is None:
                self._problem(
                    (*here, "rule"), f"there is no rule {expected.rule!r}{did_you_mean(expected.rule, rules)}"
                )
            if expected.retries is not None and expected.retries not in RETRY_RULES:
                nearest = did_you_mean(expected.retries, RETRY_RULES)
                self._problem((*here, "retries"), f"{expected.retries!r} is not a rule of retries{nearest}")
            for table in expected.state or {}:
                tables = self._api.state_tables
                if table not in tables:
                    message = f"{self._api.name} has no table {table!r}{did_you_mean(table, tables)}"
                    self._problem((*here, "state", table), message)


def _part(action: CompiledAction) -> str:
    """The key of a rule that says what the response is."""
    return ("stream" if action.streams else "reply") if action.reply else "set"


def _acts(step: Action) -> bool:
    return bool(step.reply is not None or step.stream or step.set or step.remove or step.fault or step.then)


def faults_by_name(model: BaseModel | None) -> list[tuple[str, Fault]]:
    """The faults of a rule, by the names they have in the file."""
    if model is None:
        return []
    return [(name, fault) for name in type(model).model_fields if (fault := getattr(model, name)) is not None]


def _status(reply: Reply) -> int:
    if reply.status is not None:
        return reply.status
    if reply.server_error is not None:
        return reply.server_error.status
    name = next(name for name in NAMED if getattr(reply, name) is not None)
    return KINDS[NAMED[name]].status
