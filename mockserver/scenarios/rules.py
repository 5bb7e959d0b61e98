"""A compiled scenario: which rule acts on a request, and what it does.

Decided once per request. Counters live in the sandbox's store; `chance` is a hash, so that it is
the same in every run and in any order.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mockserver.contract import Operation
from mockserver.messages import JSON, Limit, Request, Response, RuleAction
from mockserver.records import record
from mockserver.scenarios.fault import NO_FAULT, Fault
from mockserver.scenarios.stages import Stage
from mockserver.text.documents import parts_of
from mockserver.text.fields import Values, query_values
from mockserver.text.matchers import MISSING, Difference, Matcher
from mockserver.text.ranges import Range
from mockserver.text.templates import Sources, Template

if TYPE_CHECKING:
    from mockserver.scenarios.effects import Effect
    from mockserver.scenarios.model import Rule, ScenarioModel
    from mockserver.scenarios.values import CallValues


FLAG = "flag "
"""What the names of the counters that keep flags begin with."""


class Counters(Protocol):
    """The part of a store that counts."""

    def count(self, counters: Sequence[str]) -> list[int]:
        """Add one to each of several counters; the new values."""


@record(frozen=True)
class CompiledAction:
    """What a rule does to a request; the default does nothing."""

    reply: Callable[[Operation, CallValues], Response] | None = None
    """Makes the scripted response, given the operation and what templates are filled with."""
    status: int = 0
    """The status of that response."""
    streams: bool = False
    """Whether that response is a stream of the rule's items."""
    stage: Stage = "content"
    """Where the scripted response is given."""
    set: tuple[tuple[str, Template], ...] = ()
    remove: tuple[str, ...] = ()
    then: tuple[Effect, ...] = ()
    """What happens besides the response."""
    fault: Fault = NO_FAULT
    violates: str = ""
    faults: tuple[str, ...] = ()
    """The names that the faults have in the file."""
    lost_before: str = ""
    """How the fault loses the exchange before anything is done, or ""."""
    lost_after: str = ""
    """How it loses the response after everything is done, or ""."""
    unbilled: bool = False
    """Whether it loses the billing write."""
    patches: bool = False
    """Whether there is anything to `set` or to `remove`."""

    @property
    def name(self) -> RuleAction:
        """What it does beside its faults."""
        if self.reply is not None:
            return self.stage
        return "change" if self.patches else "then" if self.then else ""

    def patch(self, response: Response, values: Sources) -> None:
        """Apply `set` and `remove` to the real response.

        Raises KeyError for a pointer that leads nowhere, TemplateError for a template that does.
        """
        changes = tuple((pointer, template.render(values)) for pointer, template in self.set)
        response.data = patched(response.data, changes, self.remove)


@record(frozen=True)
class Decision:
    """The rule that acts on a request, and how."""

    rule: str = ""
    at: str = ""
    action: CompiledAction = CompiledAction()
    random: Random | None = None
    """Draws of this request, from the seed; None when the rule leaves nothing to chance."""
    call: int = 0
    """How many requests the rule has counted with this one."""


NO_DECISION = Decision()


@record(frozen=True)
class CompiledRule:
    """One rule, compiled."""

    id: str
    at: str
    """`file:line`."""
    operations: frozenset[str]
    method: str = ""
    path: str = ""
    variables: Mapping[str, Matcher] = field(default_factory=dict)
    """Variables of the path, by name."""
    flags: tuple[tuple[str, bool], ...] = ()
    """Flags that must be set, or must not be."""
    header: Mapping[str, Matcher] = field(default_factory=dict)
    query: Mapping[str, Matcher] = field(default_factory=dict)
    body: Matcher | None = None
    call: Range | None = None
    chance: float | None = None
    window: tuple[float, float] | None = None
    steps: tuple[CompiledAction | None, ...] = ()
    """What the n-th counted request gets; None is the real response."""
    action: CompiledAction | None = None
    """What every request gets, when there are no steps."""
    counter: str = ""
    """The name of the counter of the requests that it is concerned with."""
    draws: bool = True
    """Whether it needs random numbers."""
    tests: tuple[Callable[[Facts], bool], ...] = ()
    """What is in `when`, but for the call number and chance; nothing for most rules."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tests", tuple(self._compiled()))

    def _compiled(self) -> Iterator[Callable[[Facts], bool]]:
        method, path, body, window = self.method, self.path, self.body, self.window
        if method:
            yield lambda facts: facts.request.method == method
        if path:
            yield lambda facts: facts.operation.path == path
        for name, matcher in self.variables.items():
            yield _variable_test(name, matcher)
        for name, is_set in self.flags:
            yield _flag_test(name, is_set)
        for name, matcher in self.header.items():
            yield _header_test(name, matcher)
        for name, matcher in self.query.items():
            yield _query_test(name, matcher)
        if body is not None:
            yield lambda facts: body.matches(facts.body)
        if window is not None:
            yield lambda facts: window[0] <= facts.elapsed < window[1]

    def concerns(self, facts: Facts) -> bool:
        """Whether everything in `when` holds, but for the call number and chance."""
        for holds in self.tests:
            if not holds(facts):
                return False
        return True

    def why(self, facts: Facts, call: int, draw: Callable[[], float]) -> list[Difference]:
        """Why the rule left a request alone, which it counts as its `call`-th if it is concerned with it."""
        request, found = facts.request, []
        if facts.operation.id not in self.operations:
            found.append(Difference("operation", " or ".join(sorted(self.operations)), facts.operation.id))
        if self.method and request.method != self.method:
            found.append(Difference("method", self.method, request.method))
        if self.path and facts.operation.path != self.path:
            found.append(Difference("path", self.path, facts.operation.path))
        for name, matcher in self.variables.items():
            found += matcher.why(facts.variables.get(name, MISSING), f"path.{name}")
        for name, is_set in self.flags:
            if facts.has_flag(name) != is_set:
                states = "not set", "set"
                found.append(Difference(f"flag {name}", states[is_set], states[not is_set]))
        for name, matcher in self.header.items():
            found += matcher.why(request.headers.get(name, MISSING), f"header.{name}")
        for name, matcher in self.query.items():
            found += matcher.why_none(facts.query.get(name, ()), f"query.{name}")
        if self.body is not None:
            found += self.body.why(facts.body, "body")
        if self.window is not None and not self.window[0] <= facts.elapsed < self.window[1]:
            expected = f"{self.window[0]:g} s to {self.window[1]:g} s after the start"
            found.append(Difference("window", expected, f"{facts.elapsed:g} s after it"))
        if found:
            return found
        if self.call is not None and not self.call.holds(call):
            return [Difference("call", str(self.call), str(call))]
        if self.chance is not None and (drawn := draw()) >= self.chance:
            return [Difference("chance", f"a draw below {self.chance:g}", f"{drawn:.3f}")]
        if self.steps and self.act(call, lambda: 0.0) is None:
            return [Difference("sequence", "a step that does something", f"step {call}, which is ok")]
        return []

    def act(self, call: int, draw: Callable[[], float]) -> CompiledAction | None:
        """What the `call`-th concerned request gets, when `call` holds for it; None leaves it alone."""
        if self.chance is not None and draw() >= self.chance:
            return None
        if self.steps:
            return self.steps[call - 1] if call <= len(self.steps) else None
        return self.action


class Facts:
    """What rules look at. The query and the body are parsed only when a rule asks."""

    __slots__ = ("_body", "_query", "elapsed", "has_flag", "operation", "request", "variables")

    def __init__(
        self,
        request: Request,
        operation: Operation,
        elapsed: float,
        variables: Mapping[str, str],
        has_flag: Callable[[str], bool],
    ) -> None:
        self.request = request
        self.variables = variables
        """The variables of the path."""
        self.has_flag = has_flag
        """Whether a flag is set."""
        self.operation = operation
        self.elapsed = elapsed
        """Seconds since the scenario began."""
        self._query: Values | None = None
        self._body: JSON = Facts

    @property
    def query(self) -> Values:
        """The values of each query parameter; none when the query is not UTF-8."""
        if self._query is None:
            self._query = query_values(self.request.query)
        return self._query

    @property
    def body(self) -> JSON:
        """The body as the contract reads it, forms and XML too; else its text, MISSING when there is none."""
        if self._body is Facts:
            self._body = self.operation.read_body(self.request)
        return self._body


@record(frozen=True)
class ScenarioLimit:
    """A rate limit of a scenario."""

    operations: frozenset[str]
    per: tuple[str, ...]
    limit: Limit


class Origin(NamedTuple):
    """All that it takes to read a scenario again, also where its files are not."""

    file: str
    """What messages and rules' places call it."""
    source: str
    """`bundled`, or the file or upload it came from."""
    texts: tuple[str, ...]
    """Its own text, and those of the files that it extends one after the other, but for bundled ones."""


@record(frozen=True)
class Scenario:
    """A scenario, compiled for one API. It never changes; what it counts is in the store."""

    model: ScenarioModel
    origin: Origin
    rules: tuple[CompiledRule, ...] = ()
    limits: tuple[ScenarioLimit, ...] = ()
    by_operation: Mapping[str, tuple[CompiledRule, ...]] = field(default_factory=dict)
    rows: Mapping[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    """The starting state: what the file says of each row, by table, oldest first."""
    files: tuple[str, ...] = ()
    """The files it was read from: its own, and those that it extends one after the other, but for bundled ones."""
    entries: Mapping[str, Rule] = field(default_factory=dict)
    """The rules as they are written, by id, those of the scenarios that it extends included."""
    schedules: bool = False
    """Whether a rule has something done after a time."""

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.model.name

    @property
    def text(self) -> str:
        """What the file says."""
        return self.origin.texts[0]

    def random(self, rule: CompiledRule, call: int, seed: int, sandbox: str) -> Random:
        """The draws of a rule for the `call`-th request that it counts."""
        return Random(_draw(seed, self.name, rule.id, sandbox, call))

    def decide(self, facts: Facts, counters: Counters, seed: int, sandbox: str) -> Decision:
        """The first rule that acts. Every rule that is concerned counts the request, whoever acts."""
        concerned, names = [], []
        for rule in self.by_operation.get(facts.operation.id, ()):
            if not rule.tests or rule.concerns(facts):
                concerned.append(rule)
                names.append(rule.counter)
        if not concerned:
            return NO_DECISION
        for rule, call in zip(concerned, counters.count(names), strict=True):
            if rule.call is not None and not rule.call.holds(call):
                continue
            random = self.random(rule, call, seed, sandbox) if rule.draws else None
            action = rule.act(call, random.random if random else _never)
            if action is not None:
                counters.count([f"fired {self.name} {rule.id}"])
                return Decision(rule.id, rule.at, action, random, call)
        return NO_DECISION


def _header_test(name: str, matcher: Matcher) -> Callable[[Facts], bool]:
    matches = matcher.matches
    return lambda facts: matches(facts.request.headers.get(name, MISSING))


def _variable_test(name: str, matcher: Matcher) -> Callable[[Facts], bool]:
    matches = matcher.matches
    return lambda facts: matches(facts.variables.get(name, MISSING))


def _flag_test(name: str, is_set: bool) -> Callable[[Facts], bool]:
    return lambda facts: facts.has_flag(name) == is_set


def _query_test(name: str, matcher: Matcher) -> Callable[[Facts], bool]:
    matches = matcher.matches_any
    return lambda facts: matches(facts.query.get(name, ()))


def _never() -> float:
    raise AssertionError("a rule without `chance` draws nothing")


def _draw(*parts: object) -> int:
    """A number that depends on nothing but `parts`."""
    return int.from_bytes(blake2b("\x00".join(map(str, parts)).encode(), digest_size=8).digest())


def patched(data: JSON, changes: tuple[tuple[str, JSON], ...], removals: tuple[str, ...]) -> JSON:
    """A copy of a JSON value with pointers set and removed (RFC 6901; `-` appends to an array).

    Raises KeyError when a pointer's parent is not there, or what is to be removed.
    """
    root = {"": copy.deepcopy(data)}
    for pointer, value in changes:
        parent, last = _parent(root, pointer)
        if isinstance(parent, list):
            if last == "-":
                parent.append(value)
            else:
                parent[_index(parent, last, pointer)] = value
        else:
            parent[last] = copy.deepcopy(value)
    for pointer in removals:
        parent, last = _parent(root, pointer)
        if isinstance(parent, list):
            del parent[_index(parent, last, pointer)]
        elif last in parent:
            del parent[last]
        else:
            raise KeyError(pointer)
    return root.get("")


def _parent(root: JSON, pointer: str) -> tuple[Any, str]:
    if pointer and not pointer.startswith("/"):
        raise KeyError(pointer)
    parts = ["", *parts_of(pointer)]
    node = root
    for part in parts[:-1]:
        if isinstance(node, list):
            node = node[_index(node, part, pointer)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            raise KeyError(pointer)
    if not isinstance(node, dict | list):
        raise KeyError(pointer)
    return node, parts[-1]


def _index(items: list[Any], part: str, pointer: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        raise KeyError(pointer)
    return int(part)
