"""Big worlds: 1,000,000 rows in a sandbox, 100,000 sandboxes, an API of 10,000 operations.

`python -m benchmarks.worlds [--json FILE] [--quick]`. Each world is made in a process of its own, without sockets.
What is told: the memory of one more row, sandbox or operation, and the CPU time of a request, beside that in a small
world of the same kind. `docs/scale.md` draws conclusions from it. `--quick` makes worlds of a hundredth.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks import machine
from benchmarks.data import KEY, PATH
from benchmarks.inside import page, post
from mockserver.apis import Api
from mockserver.messages import Limit, Request
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandboxes import resident_bytes
from mockserver.settings import Settings

SIZES = {"rows": (1_000, 1_000_000), "sandboxes": (1_000, 100_000), "operations": (100, 10_000)}
"""How large the small and the big world of each kind are."""
REPEATS = 200
LIMIT_SECONDS = 1800


def micros(call: Callable[[int], Any]) -> float:
    """The median CPU time of a call, in µs."""
    times = []
    for n in range(REPEATS):
        started = time.process_time_ns()
        call(n)
        times.append((time.process_time_ns() - started) / 1000)
    return median(times)


def answer(world: Pipeline, request: Request, status: int) -> None:
    """Send a request, and see that it is answered as it should be."""
    found = world.exchange(request).status
    assert found == status, f"{request.method} {request.path} was answered {found}"


def get(path: str, query: str = "") -> Request:
    """A GET with a key."""
    return Request("GET", path, query, {"host": "localhost", "authorization": KEY})


def rows(count: int) -> tuple[float, dict[str, float]]:
    """Bytes of a row, and what requests take in a sandbox that has so many."""
    world = build(Settings(credits=10**12, rate_limit=Limit(100_000_000, 60.0), max_rows=2 * count))
    for _ in range(100):
        world.exchange(post())
    journal = world.sandbox.terms.journal_size
    for _ in range(min(journal, count)):
        world.exchange(post())  # the journal is full then, and takes no more
    gc.collect()
    before, made = resident_bytes(), min(journal, count) + 100
    for _ in range(made, count):
        world.exchange(post())
    gc.collect()
    each = (resident_bytes() - before) / max(1, count - made)
    store = world.sandbox.store
    middle = [row["id"] for row in store.page("user_memories", count // 2, REPEATS).rows]
    deletions = [Request("DELETE", f"{PATH}/{id}", "", {"authorization": KEY}) for id in middle]
    return each, {
        "create": micros(lambda n: answer(world, post(), 201)),
        "list the newest 20": micros(lambda n: answer(world, page(20), 200)),
        "list 20 in the middle": micros(
            lambda n: answer(world, get(PATH, f"limit=20&offset={min(count // 2, 100_000) - n}"), 200)
        ),
        "delete in the middle": micros(lambda n: answer(world, deletions[n], 204)),
    }


def sandboxes(count: int) -> tuple[float, dict[str, float]]:
    """Bytes of a sandbox with one row, and what requests take among so many."""
    world = build(Settings(max_sandboxes=2 * count + REPEATS, max_memory=None, sandbox_idle=3600))
    keys = []
    gc.collect()
    before = resident_bytes()
    for n in range(count):
        sandbox = world.sandboxes.create(f"job-{n}")
        keys.append(sandbox.key)
        request = post()
        request.headers["authorization"] = f"Bearer {sandbox.key}"
        answer(world, request, 201)
    gc.collect()
    each = (resident_bytes() - before) / count

    def by_key(n: int) -> None:
        request = post()
        request.headers["authorization"] = f"Bearer {keys[n * 7919 % count]}"
        answer(world, request, 201)

    def by_path(n: int) -> None:
        job = n * 7919 % count
        request = get(f"/~job-{job}{PATH}")
        request.headers["authorization"] = f"Bearer {keys[job]}"
        answer(world, request, 200)

    return each, {
        "create a row, sandbox by its key": micros(by_key),
        "list, sandbox by its path": micros(by_path),
        "a request to a sandbox that is not there": micros(lambda n: answer(world, get(f"/~nothing{PATH}"), 404)),
        "make a sandbox": micros(lambda n: world.sandboxes.create(f"late-{n}")),
        "remove a sandbox": micros(lambda n: world.sandboxes.delete(f"late-{n}")),
    }


def operations(count: int) -> tuple[float, dict[str, float]]:
    """Bytes of an operation, and what requests take in an API with so many."""
    gc.collect()
    before, started = resident_bytes(), time.process_time()
    world = Pipeline([Api.from_openapi(document(count), name="big")])
    answer(world, get("/things-0"), 200)
    loading = (time.process_time() - started) * 1e6
    gc.collect()
    each = (resident_bytes() - before) / count
    places = [f"/things-{n * 7919 % (count // 4)}" for n in range(REPEATS)]
    body = orjson.dumps({"name": "a", "size": 1})

    def create(n: int) -> None:
        headers = {"content-type": "application/json", "host": "localhost"}
        answer(world, Request("POST", places[n], "", headers, body), 201)

    return each, {
        "load, and answer the first request": loading,
        "the first request to an operation": micros(create),
        "create": micros(create),
        "the first list of a resource, or a later one": micros(lambda n: answer(world, get(places[n]), 200)),
        "a path that is not there": micros(lambda n: answer(world, get(f"/thinks-{n}"), 404)),
    }


def document(count: int) -> dict[str, Any]:
    """A document with so many operations, four to a resource, each resource with a schema of its own."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for n in range(count // 4):
        schema = {"$ref": f"#/components/schemas/Thing{n}"}
        content = {"application/json": {"schema": schema}}
        schemas[f"Thing{n}"] = {
            "type": "object",
            "required": ["name"],
            "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "size": {"type": "integer"}},
        }
        listed = {"application/json": {"schema": {"type": "array", "items": schema}}}
        variable = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        paths[f"/things-{n}"] = {
            "get": {"operationId": f"list{n}", "responses": {"200": {"description": "all", "content": listed}}},
            "post": {
                "operationId": f"create{n}",
                "requestBody": {"required": True, "content": content},
                "responses": {"201": {"description": "made", "content": content}},
            },
        }
        paths[f"/things-{n}/{{id}}"] = {
            "parameters": [variable],
            "get": {"operationId": f"read{n}", "responses": {"200": {"description": "one", "content": content}}},
            "delete": {"operationId": f"delete{n}", "responses": {"204": {"description": "gone"}}},
        }
    info = {"title": "big", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": {"schemas": schemas}}


WORLDS = {"rows": rows, "sandboxes": sandboxes, "operations": operations}


def measured(name: str, count: int) -> tuple[float, dict[str, float]]:
    """The figures of one world, made in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.worlds", "--child", name, str(count)]
    run = subprocess.run(command, capture_output=True, cwd=machine.ROOT, timeout=LIMIT_SECONDS, check=False)
    if run.returncode:
        sys.exit(run.stderr.decode()[-1500:])
    each, figures = orjson.loads(run.stdout)
    return each, figures


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="worlds of a hundredth")
    parser.add_argument("--only", choices=sorted(WORLDS), help="one kind of world")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--child", nargs=2, metavar=("NAME", "COUNT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        sys.stdout.buffer.write(orjson.dumps(WORLDS[asked.child[0]](int(asked.child[1]))))
        return
    report = {}
    for name in [asked.only] if asked.only else WORLDS:
        small, big = (size // 100 if asked.quick and size > 1000 else size for size in SIZES[name])
        _, few = measured(name, small)
        each, many = measured(name, big)
        report[name] = {"count": big, "bytes": each, "few": few, "many": many}
        print(f"\n{big:,} {name}: {each:,.0f} bytes each")
        print(f"{'CPU µs':<44}{f'{small:,}':>12}{f'{big:,}':>12}{'ratio':>8}")
        for what, time_taken in many.items():
            print(f"{what:<44}{few[what]:>12,.0f}{time_taken:>12,.0f}{time_taken / few[what]:>8.2f}")
    if asked.json:
        asked.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
