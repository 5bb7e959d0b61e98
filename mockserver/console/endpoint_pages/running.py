"""Executes the requests of pages in a sandbox that nobody else uses, with a frozen clock and a fixed seed.

Every response comes from the server's own pipeline, which validates it by the contract before it leaves, and its bytes
once more. Nothing here is random, so that the same contract always gives the same exchanges.
Must not know: pages, formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from mockserver.apis import Api
from mockserver.apis.resources.model import Resource
from mockserver.console.endpoint_pages.examples import Examples
from mockserver.console.endpoint_pages.producers import Producers, Step, with_ids
from mockserver.console.endpoint_pages.words import Words, words_of
from mockserver.contract import Operation, Unsatisfiable
from mockserver.contract.request_samples import KEY
from mockserver.contract.servers import base_paths
from mockserver.contract.writers import text_of
from mockserver.messages import JSON, Request
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.sandbox.world import Terms

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where the clock of the examples stands."""
TERMS = Terms(credits=1e6, limit="vendor", seed=0, clock_start=START, clock_rate=0)
"""How the sandbox of the examples starts."""
_MAX_DEPTH = 6
"""Operations that need each other, one above the other."""
_WORKFLOW = ("create", "list", "read", "update", "replace", "action", "delete")
"""The life of a row, in order."""


@dataclass(frozen=True, slots=True)
class Run:
    """The exchanges that lead to one operation; the last is its own."""

    steps: tuple[Step, ...]
    problem: str = ""
    """Why no request could be made; "" when one was."""

    @property
    def last(self) -> Step:
        """The exchange of the operation itself."""
        return self.steps[-1]


class Runner:
    """Executes requests to one API.

    Args:
        api: the API.
        host: the host that the requests name, which links in responses repeat.
    """

    def __init__(self, api: Api, host: str) -> None:
        self.api = api
        self.producers = Producers(api)
        self.executed = 0
        """Requests that were executed."""
        self._host = host
        self._examples = Examples(api.contract)
        self._pipeline = Pipeline([api], terms=TERMS, checks=Checks(verify_wire=True))
        self._runs: dict[str, Run] = {}
        self._workflows: dict[str, tuple[Step, ...]] = {}

    def words(self, operation: Operation) -> Words:
        """What the contract says of the operation's page."""
        return words_of(self.api.contract, operation)

    def run(self, operation: Operation) -> Run:
        """The exchanges of an operation's page; the first way that succeeds, else the last that was tried."""
        found = self._runs.get(operation.id)
        if found is None:
            found = self._runs[operation.id] = self._run(operation)
        return found

    def _run(self, operation: Operation) -> Run:
        failed: Run | None = None
        for body in self._bodies(operation):
            for prepared in (True, False):
                self._pipeline.sandbox.reset()
                steps: list[Step] = []
                try:
                    if prepared:
                        self._prepare(operation, steps, ())
                    steps.append(self._execute(operation, steps, body()))
                except Unsatisfiable as problem:
                    failed = failed or Run((), str(problem))
                    continue
                if steps[-1].is_success:
                    return Run(tuple(steps))
                failed = Run(tuple(steps)) if failed is None or not failed.steps else failed
        assert failed is not None  # there is always one body to try
        return failed

    def workflow(self, operation: Operation) -> tuple[Step, ...]:
        """The life of a row of the operation's resource; of an operation without one, what leads to it."""
        resource = self.producers.resource(operation)
        create = resource.with_role("create") if resource is not None else None
        if resource is None or create is None:
            run = self.run(operation)
            return run.steps if run.steps and run.last.is_success else ()
        if resource.name not in self._workflows:
            self._workflows[resource.name] = self._life(resource, create)
        return self._workflows[resource.name]

    def _life(self, resource: Resource, create: Operation) -> tuple[Step, ...]:
        self._pipeline.sandbox.reset()
        steps: list[Step] = []
        try:
            self._prepare(create, steps, ())
            steps.append(self._execute(create, steps))
            for role in _WORKFLOW[1:]:
                following = resource.with_role(role)  # type: ignore[arg-type]
                if following is not None and following.id not in {step.operation.id for step in steps}:
                    steps.append(self._execute(following, steps))
        except Unsatisfiable:
            pass  # the operation's own page says so
        return tuple(step for step in steps if step.is_success)

    def _bodies(self, operation: Operation) -> Iterator[Callable[[], JSON]]:
        """Ways to a body, the likest first: the words of the contract, its example, a sample."""
        said = self.words(operation).body
        if said is not None:
            yield lambda: said
        yield from self._examples.bodies(operation)

    def _prepare(self, operation: Operation, steps: list[Step], trail: tuple[str, ...]) -> None:
        """Execute what goes before an operation."""
        if len(trail) >= _MAX_DEPTH:
            return
        first = [self.api.contract.operations[id] for id in self.words(operation).after]
        for needed in first or self.producers.before(operation, self._first_body(operation)):
            done = {step.operation.id for step in steps}
            if needed.id not in done and needed.id not in trail:
                self._prepare(needed, steps, (*trail, operation.id))
                steps.append(self._execute(needed, steps))

    def _first_body(self, operation: Operation) -> JSON:
        try:
            return next(self._bodies(operation))()
        except Unsatisfiable:
            return None

    def _execute(self, operation: Operation, steps: list[Step], body: JSON = None) -> Step:
        """Send one request, with the ids of what was made before. Raises Unsatisfiable."""
        body = self._first_body(operation) if body is None else body
        values = self._values(operation, steps, body)
        words = self.words(operation)
        body = with_ids(body, values) if body is not None else None
        given = {p.name: self._examples.parameter(p) for p in operation.parameters if p.required}
        given |= words.parameters
        variables = {p.name: text_of(given[p.name]) for p in operation.parameters if p.place == "path" and p.plain}
        variables |= {name: value for name, value in values.items() if name not in words.parameters}
        request = self._placed(operation, self._examples.samples.request(operation, variables, body, given))
        response = self._pipeline.handle(self._with_key(operation, request))
        self.executed += 1
        route = self._pipeline.routes.find(operation.method, request.path)
        return Step(operation, request, body, response, dict(route.values), given)

    def _values(self, operation: Operation, steps: list[Step], body: JSON) -> dict[str, str]:
        """Values of variables and members by what was made before."""
        values: dict[str, str] = {}
        for step in steps:
            values |= step.variables
        for name, source in self.producers.sources(operation, body).items():
            for step in reversed(steps):
                value = source.read(step) if step.operation is source.operation and step.is_success else None
                if value is not None:
                    values[name] = value
                    break
        return values

    def _placed(self, operation: Operation, request: Request) -> Request:
        """The request at the operation's own server, where it names one."""
        if "servers" not in operation.node:
            return request
        base = base_paths(operation.node["servers"])[0]
        return replace(request, path=base + request.path.removeprefix(self.api.contract.base_path))

    def key(self, operation: Operation) -> str:
        """A key that may do it."""
        for key, may in self.api.keys.items():
            if may is None or operation.id in may or operation.method in may:
                return key
        return KEY

    def keyed(self, step: Step) -> Request:
        """The request of an exchange as it was sent, with its key."""
        return self._with_key(step.operation, step.request)

    def _with_key(self, operation: Operation, request: Request) -> Request:
        key = self.key(operation)
        headers = {name: value.replace(KEY, key) for name, value in request.headers.items()}
        return replace(request, headers={**headers, "host": self._host}, query=request.query.replace(KEY, quote(key)))


__all__ = ["KEY", "START", "TERMS", "Run", "Runner"]
