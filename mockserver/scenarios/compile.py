"""Compile a scenario for an API: names that must exist, values that must make sense, and scripted
replies that must pass the contract.

A reply that breaks the contract is refused unless its rule says `violates:`, so that a mistyped
mock never passes for the vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from pydantic import BaseModel

from mockserver.apis import Api
from mockserver.contract import Unsatisfiable
from mockserver.errors import KINDS, UserError, did_you_mean
from mockserver.journal.retries import RETRY_RULES
from mockserver.messages import Limit, Response
from mockserver.scenarios.fault import NO_FAULT, Fault, Faults
from mockserver.scenarios.model import Action as ActionModel
from mockserver.scenarios.model import Reply, ScenarioModel, Step
from mockserver.scenarios.model import Rule as RuleModel
from mockserver.scenarios.responses import NAMED, named_reply
from mockserver.scenarios.rules import Action, Origin, Rule, Scenario, ScenarioLimit
from mockserver.scenarios.stages import Stage, stage_of
from mockserver.text.documents import parts_of
from mockserver.text.jsontext import to_json
from mockserver.text.matchers import compile_fields, compile_matcher
from mockserver.text.ranges import parse_range

_SOME_TIME = 1_767_225_600.0
"""A moment at which scripted replies are made to be checked."""

Place = tuple[str | int, ...]
Report = Callable[[Place, str, str], None]
"""Takes the place of a problem in the file, what is wrong, and the id of the rule or ""."""


class Compiler:
    """Compiles one parsed scenario.

    Args:
        apis: the APIs it may be for, by name.
        report: told of every problem.
        line: the line of a place in the file.
        file: what rules say that they stand in.
    """

    def __init__(self, apis: Mapping[str, Api], report: Report, line: Callable[[Place], int], file: str) -> None:
        self._apis = apis
        self._report = report
        self._line = line
        self._file = file
        self._found = 0

    def _problem(self, path: Place, message: str, rule: str = "") -> None:
        self._found += 1
        self._report(path, message, rule)

    def compile(self, model: ScenarioModel, origin: Origin) -> Scenario:
        """The scenario; it is of no use when a problem was reported."""
        api = self._apis.get(model.api)
        if api is None:
            self._problem(("api",), f"there is no API {model.api!r} here{did_you_mean(model.api, self._apis)}")
            return Scenario(model, origin)
        rules, ids = [], set()
        for index, entry in enumerate(model.rules):
            if entry.id in ids:
                self._problem(("rules", index, "id"), f"there are two rules {entry.id!r}", entry.id)
            ids.add(entry.id)
            rule = self._rule(api, index, entry, f"rule {model.name} {entry.id}")
            if rule is not None:
                rules.append(rule)
        limits = []
        for index, limit in enumerate(model.limits):
            operations = self._operations(api, limit.op, ("limits", index, "op"))
            limits.append(ScenarioLimit(operations, tuple(limit.per), Limit(limit.max, limit.window)))
        rows = {table: tuple(self._rows(api, table, entries)) for table, entries in model.state.items()}
        self._expectations(api, model, ids)
        by_operation = {id: tuple(rule for rule in rules if id in rule.operations) for id in api.contract.operations}
        return Scenario(model, origin, tuple(rules), tuple(limits), by_operation, rows)

    def _operations(self, api: Api, op: str, path: Place, rule: str = "") -> frozenset[str]:
        known = api.contract.operations
        if op == "*":
            return frozenset(known)
        if op in known:
            return frozenset([op])
        self._problem(path, f"{api.name} has no operation {op!r}{did_you_mean(op, known)}", rule)
        return frozenset()

    def _rule(self, api: Api, index: int, entry: RuleModel, counter: str) -> Rule | None:
        here: Place = ("rules", index)
        before = self._found
        operations = self._operations(api, entry.op, (*here, "op"), entry.id)
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
                self._problem((*here, "when", name), str(error), entry.id)
        if when.window is not None and when.window[1] <= when.window[0]:
            self._problem((*here, "when", "window"), "the window ends before it starts", entry.id)
        if when.path is not None and when.path not in {api.contract.operations[id].path for id in operations}:
            paths = {operation.path for operation in api.contract.operations.values()}
            self._problem(
                (*here, "when", "path"),
                f"no operation has the path {when.path!r}{did_you_mean(when.path, paths)}",
                entry.id,
            )
        steps: list[Action | None] = []
        action = None
        if entry.sequence is not None:
            if not entry.sequence:
                self._problem((*here, "sequence"), "the sequence is empty", entry.id)
            if _acts(entry):
                self._problem(here, "a rule has either a `sequence` or an action of its own", entry.id)
            for at, step in enumerate(entry.sequence):
                steps.append(self._step(api, operations, step, entry, (*here, "sequence", at)))
        elif _acts(entry):
            action = self._action(api, operations, entry, entry, here, entry.reply)
        else:
            self._problem(here, "the rule does nothing; give it a reply, set, remove, fault or sequence", entry.id)
        if self._found > before:
            return None
        return Rule(
            id=entry.id,
            at=f"{self._file}:{self._line(here)}",
            operations=operations,
            method=(when.method or "").upper(),
            path=when.path or "",
            call=parse_range(when.call) if when.call is not None else None,
            chance=when.chance,
            window=when.window,
            steps=tuple(steps),
            action=action,
            counter=counter,
            draws=when.chance is not None or any(a is not None and a.fault is not NO_FAULT for a in (action, *steps)),
            **compiled,
        )

    def _step(self, api: Api, operations: frozenset[str], step: Step, entry: RuleModel, here: Place) -> Action | None:
        named = {name: getattr(step, name) for name in NAMED if getattr(step, name) is not None}
        if len(named) + (step.reply is not None) > 1:
            self._problem(here, "a step has one reply", entry.id)
            return None
        if not named and not _acts(step):
            return None
        reply = Reply(**named) if named else step.reply
        return self._action(api, operations, step, entry, here, reply)

    def _action(
        self,
        api: Api,
        operations: frozenset[str],
        step: ActionModel,
        entry: RuleModel,
        here: Place,
        reply: Reply | None,
    ) -> Action:
        violates = step.violates or entry.violates or ""
        if reply is not None and (step.set or step.remove):
            self._problem(here, "`set` and `remove` change the real reply; a scripted `reply` has none", entry.id)
        stage: Stage = "content" if reply is None else stage_of(_status(reply))
        make = None if reply is None else _maker(api, reply)
        named = faults_by_name(step.fault)
        fault = Faults([fault for _, fault in named]) if named else NO_FAULT
        names = tuple(name for name, _ in named)
        action = Action(
            reply=make,
            stage=stage,
            set=tuple(step.set.items()),
            remove=tuple(step.remove),
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
                message = f'the fault `{breaking}` sends what the contract forbids; add `violates: "why"`'
                self._problem((*here, "fault", breaking), message, entry.id)
            self._check_reply(api, operations, action, here, entry.id)
        return action

    def _check_reply(self, api: Api, operations: frozenset[str], action: Action, here: Place, rule: str) -> None:
        """Hold the scripted or patched reply against the contract of every operation it is for."""
        for id in sorted(operations):
            operation = api.contract.operations[id]
            try:
                response = (
                    action.reply(_SOME_TIME) if action.reply else api.contract.sample(operation, operation.success)
                )
                if action.patches:
                    action.patch(response)
            except Unsatisfiable as error:
                self._problem((*here, "reply" if action.reply else "set"), error.message, rule)
                return
            except KeyError as error:
                part = "set" if error.args[0] in dict(action.set) else "remove"
                self._problem((*here, part, error.args[0]), f"{error.args[0]!r} leads nowhere in a reply of {id}", rule)
                return
            violations = operation.check_response(response)
            if violations:
                shown = "; ".join(str(violation) for violation in violations[:3])
                message = f'the reply breaks {id} {response.status}: {shown}; mend it, or add `violates: "why"`'
                self._problem((*here, "reply" if action.reply else "set"), message, rule)
                return

    def _rows(self, api: Api, table: str, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        tables = api.tables
        if table not in tables:
            self._problem(("state", table), f"{api.name} has no table {table!r}{did_you_mean(table, tables)}")
            return
        ids: set[Any] = set()
        for index, entry in enumerate(entries):
            if "id" in entry and repr(entry["id"]) in ids:
                self._problem(("state", table, index, "id"), f"two rows of {table} have the id {entry['id']!r}")
            ids.add(repr(entry.get("id")))
            for violation in tables[table].problems(api.contract, entry)[:3]:
                self._problem(("state", table, index, *parts_of(violation.pointer)), str(violation))
            yield entry

    def _expectations(self, api: Api, model: ScenarioModel, rules: set[str]) -> None:
        for index, expected in enumerate(model.expect):
            here: Place = ("expect", index)
            if expected.op is not None:
                self._operations(api, expected.op, (*here, "op"))
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
                self._problem((*here, "retries"), f"{expected.retries!r} is no rule of retries{nearest}")
            for table in expected.state or {}:
                if table not in api.tables:
                    message = f"{api.name} has no table {table!r}{did_you_mean(table, api.tables)}"
                    self._problem((*here, "state", table), message)


def _acts(step: ActionModel) -> bool:
    return bool(step.reply is not None or step.set or step.remove or step.fault)


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


def _maker(api: Api, reply: Reply) -> Any:
    """A function that makes the reply, given the time."""
    if reply.status is None:
        name = next(name for name in NAMED if getattr(reply, name) is not None)
        arguments = getattr(reply, name)
        return lambda now: named_reply(api, name, arguments, now)
    headers = {key.lower(): value for key, value in reply.headers.items()}
    given = headers.pop("content-type", None)
    media_type = given or ("application/json" if reply.body is not None else None)
    body = to_json(reply.body)
    return lambda now: Response(reply.status or 200, orjson.loads(body), dict(headers), media_type)
