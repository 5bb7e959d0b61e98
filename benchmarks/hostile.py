"""Does anything that a client or an author may send bring the server down?

`python -m benchmarks.hostile [--cases N] [--seed N]` makes bytes for sockets, requests, JSON bodies, YAML texts,
scenarios, documents and admin requests, most of them broken in a place or two. Nothing may end in a 500 or in an
exception other than the ones meant for people, the server must answer a good request afterwards, and memory must
not grow. A finding is printed as `--replay KIND:...`, which runs that case alone.
"""

from __future__ import annotations

import argparse
import ast
import base64
import ctypes
import gc
import logging
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks import hostile_cases as cases
from benchmarks import machine
from benchmarks.data import BODY, KEY, PATH
from mockserver.admin.api import Admin
from mockserver.contract import load_contract
from mockserver.errors import Problem, UserError
from mockserver.messages import Request
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import parse_scenario
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.text.documents import parse

GROWTH = 20
"""MiB that memory may grow by after the warm-up."""
WARM_UP = 0.25
CHUNK = 250
"""Cases of one kind before the next one has its turn."""
SLOW = 2.0
"""Seconds of processor time that one case may take; a busy machine does not count."""
PATIENCE = 60.0
"""Seconds that a connection may take."""


class Finding(Exception):
    """Something that must not happen."""


class Target:
    """A server, and everything that is thrown at it."""

    def __init__(self, stack: ExitStack) -> None:
        self.pipeline: Pipeline = build(Settings(rate_limit=None, verify_wire=True))
        self.admin = Admin(self.pipeline)
        self.admin_target = Admin(build(Settings(rate_limit=None)))
        # The socket has a pipeline of its own: threads do not share one.
        served = build(Settings(rate_limit=None, verify_wire=True))
        self.served = served
        self.server = stack.enter_context(serve_in_thread(create_app(pipeline=served)))
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-hostile-")))
        self.errors = Errors()
        for name in ("mockserver", "uvicorn.error", "asyncio"):
            logger = logging.getLogger(name)
            logger.addHandler(self.errors)
            stack.callback(logger.removeHandler, self.errors)
        self.outcomes: Counter[str] = Counter()
        apis = list(self.pipeline.apis.values())
        self.kinds: dict[str, tuple[float, st.SearchStrategy[Any], Callable[[Any], str]]] = {
            "socket": (0.30, cases.sockets, self.socket),
            "request": (0.20, cases.requests(apis), self.request),
            "json": (0.20, cases.bodies, self.json),
            "yaml": (0.10, cases.yaml_texts, self.yaml),
            "scenario": (0.08, cases.scenarios, self.scenario),
            "document": (0.04, cases.documents(), self.document),
            "admin": (0.08, cases.admin_requests(self.admin.contract), self.administer),
        }
        """By name: its share of the cases, how to make them, and what to do with one; that tells the outcome."""

    def run(self, kind: str, case: Any) -> None:
        """Throw one case. Raises Finding."""
        began = time.process_time()
        try:
            outcome = self.kinds[kind][2](case)
        except Finding:
            raise
        except Exception as error:
            raise Finding(f"{type(error).__name__}: {error}") from error
        if self.errors.seen:
            raise Finding(f"logged: {self.errors.seen.pop()}")
        if time.process_time() - began > SLOW:
            raise Finding(f"took {time.process_time() - began:.1f} s")
        self.outcomes[f"{kind}: {outcome}"] += 1

    def socket(self, case: tuple[bytes, int]) -> str:
        """Raw bytes on a connection of their own."""
        data, pause = case
        reply = b""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as connection:
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if pause:
                    connection.sendall(data[:pause])
                connection.sendall(data[pause:])
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    reply += piece
            except TimeoutError:
                raise Finding(f"no end of the response in {PATIENCE:g} s, but {reply[:80]!r}") from None
            except OSError:
                pass  # the server had closed already, as it may
        if not reply:
            return "no reply"
        if not reply.startswith(b"HTTP/1.1 "):
            raise Finding(f"the response is no HTTP: {reply[:80]!r}")
        statuses = [int(part[:3]) for part in reply.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]
        if any(status >= 500 for status in statuses):
            raise Finding(f"answered {statuses}: {reply[-300:]!r}")
        return f"{statuses[0] // 100}XX"

    def request(self, case: tuple[str, str, str, dict[str, str], bytes]) -> str:
        """A request to the pipeline, without a socket."""
        exchange = self.pipeline.exchange(Request(*case))
        if exchange.defect or not 200 <= exchange.status < 500:
            raise Finding(f"answered {exchange.status}: {exchange.defect or exchange.violations}")
        if any(violation.side != "client" for violation in exchange.violations):
            raise Finding(f"broke the contract: {exchange.violations}")
        return f"{exchange.status // 100}XX"

    def json(self, case: bytes) -> str:
        """A body for every operation that takes JSON, in turns."""
        takers = [
            (api, operation)
            for api in self.pipeline.apis.values()
            for operation in api.contract.operations.values()
            if "requestBody" in operation.node
        ]
        api, operation = takers[len(case) % len(takers)]
        path = f"/{api.name}{api.contract.base_path}{operation.path}".replace("{", "").replace("}", "")
        headers = {"authorization": "Bearer k", "content-type": "application/json"}
        return self.request((operation.method, path, "", headers, case))

    def yaml(self, case: str) -> str:
        """A text for the YAML reader."""
        with suppress(UserError):
            parse(case, "case")
            return "read"
        return "refused"

    def scenario(self, case: str) -> str:
        """A scenario; one that can be used is, for a few requests."""
        with suppress(UserError):
            scenario = parse_scenario(case, self.pipeline.apis, "case.yaml")
            self.pipeline.sandbox.use(scenario)
            headers = {"authorization": "Bearer k", "content-type": "application/json"}
            for path in (PATH, "/mem0/v1/memories/"):
                for method in ("POST", "GET"):
                    exchange = self.pipeline.exchange(Request(method, path, "", headers, BODY))
                    if exchange.defect:
                        raise Finding(exchange.defect)
            self.pipeline.sandbox.drop_scenarios()
            return "used"
        return "refused"

    def document(self, case: bytes) -> str:
        """An OpenAPI document; every operation of one that loads is asked something."""
        file = self.folder / "case.yaml"
        file.write_bytes(case)
        with suppress(UserError):
            contract = load_contract(file, strict=False)
            for operation in contract.operations.values():
                with suppress(Problem):
                    headers = {"content-type": "application/json"}
                    operation.check_request(Request(operation.method, operation.path, "a=b", headers, BODY), {})
            return "loaded"
        return "refused"

    def administer(self, case: tuple[str, str, str, dict[str, str], bytes]) -> str:
        """A request to the admin API."""
        response = self.admin_target.handle(Request(*case))
        if response.status >= 500 and response.status != 503:
            raise Finding(f"answered {response.status}: {response.data}")
        return f"{response.status // 100}XX"

    def is_well(self) -> bool:
        """Whether a good request is answered on the socket and in process, once everything stored is gone."""
        self.admin_target = Admin(replace_pipeline(self.admin_target))
        for pipeline in (self.pipeline, self.served):
            for sandbox in pipeline.sandboxes.all():
                if sandbox is not pipeline.sandbox:
                    pipeline.sandboxes.delete(sandbox.name)
            pipeline.sandbox.drop_scenarios()
            pipeline.sandbox.reset()
        request = Request("POST", PATH, "", {"authorization": KEY, "content-type": "application/json"}, BODY)
        fine = self.pipeline.exchange(request).status == 201
        return fine and self.socket((cases.GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1), 0)) == "2XX"


def replace_pipeline(admin: Admin) -> Pipeline:
    """A new pipeline of the same APIs."""
    old = admin.pipeline
    return Pipeline(list(old.apis.values()), terms=replace(old.sandboxes.terms))


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record."""
        self.seen.append(record.getMessage())


def resident() -> float:
    """Resident MiB of this process, with what is free given back."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def coded(kind: str, case: Any) -> str:
    """A case as an argument of `--replay`."""
    return f"{kind}:{base64.urlsafe_b64encode(repr(case).encode('utf-8', 'surrogatepass')).decode()}"


def decoded(text: str) -> tuple[str, Any]:
    """The kind and the case in an argument of `--replay`."""
    kind, _, case = text.partition(":")
    return kind, ast.literal_eval(base64.urlsafe_b64decode(case).decode("utf-8", "surrogatepass"))


def throw(target: Target, kind: str, count: int, begin: int) -> list[tuple[Any, Finding]]:
    """Run cases of a kind; those that were found wanting, and why."""
    found: list[tuple[Any, Finding]] = []

    @seed(begin)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(target.kinds[kind][1])
    def check(case: Any) -> None:
        # Nothing is raised: a case that is run again to be made smaller meets another state.
        try:
            target.run(kind, case)
        except Finding as finding:
            found.append((case, finding))

    check()
    return found


def campaign(target: Target, total: int, begin: int) -> tuple[Counter[str], list[str], float, float]:
    """How many cases of each kind ran, what was found, and MiB after the warm-up and at the end."""
    done: Counter[str] = Counter()
    found: list[str] = []
    wanted = {kind: round(total * share) for kind, (share, *_) in target.kinds.items()}
    warm = 0.0
    turn = 0
    while any(done[kind] < most for kind, most in wanted.items()):
        turn += 1
        for kind, most in wanted.items():
            # In step with the others, so that every kind is warm when the memory is first looked at.
            count = min(max(1, round(CHUNK * most / max(wanted.values()))), most - done[kind])
            if count <= 0:
                continue
            for case, finding in throw(target, kind, count, begin * 1_000_003 + turn):
                found.append(f"{kind}: {finding}\n  --replay {coded(kind, case)}\n  {repr(case)[:600]}")
            target.errors.seen.clear()
            done[kind] += count
            machine.progress(f"{sum(done.values()):,} of {total:,} cases, {len(found)} findings")
        if not target.is_well():
            found.append(f"after turn {turn} a good request was not answered as it should be")
        if not warm and sum(done.values()) >= total * WARM_UP:
            warm = resident()
    machine.progress("")
    return done, found, warm, resident()


def main() -> None:
    """Run the campaign, or one case again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000, help="how many in all (100,000)")
    parser.add_argument("--seed", type=int, default=1, help="what they are made from (1)")
    parser.add_argument("--replay", metavar="KIND:CASE", help="run one case, as a finding printed it")
    asked = parser.parse_args()
    logging.getLogger("mockserver").propagate = False
    with ExitStack() as stack:
        target = Target(stack)
        if asked.replay:
            kind, case = decoded(asked.replay)
            target.run(kind, case)
            print(f"{kind}: nothing found with {repr(case)[:300]}")
            return
        began = time.monotonic()
        done, found, warm, end = campaign(target, asked.cases, asked.seed)
    print(f"{'kind':<10}{'cases':>9}  outcomes")
    for kind, count in done.items():
        outcomes = {key.split(": ")[1]: n for key, n in sorted(target.outcomes.items()) if key.startswith(f"{kind}:")}
        print(f"{kind:<10}{count:>9,}  {', '.join(f'{name} {n:,}' for name, n in outcomes.items())}")
    print(f"{'all':<10}{sum(done.values()):>9,}  in {time.monotonic() - began:.0f} s, seed {asked.seed}")
    grown = end - warm
    print(f"memory {warm:.1f} MiB after the warm-up, {end:.1f} MiB at the end: {grown:+.1f} (at most {GROWTH})")
    alike: dict[str, list[str]] = {}
    for finding in found:
        alike.setdefault(finding[:60], []).append(finding)
    for several in alike.values():
        print(f"\nFOUND {len(several)} times: {min(several, key=len)}")
    if found or grown > GROWTH:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
