"""Stateless mode: every operation answers its documented success."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import orjson
import pytest

from mockserver.contract.samples import Sampler
from mockserver.messages import Request


def test_every_operation_answers_its_success_from_a_sample(make_pipeline, apis):
    pipeline = make_pipeline(stateless=True, credits=0)
    for api in apis:
        for operation in api.contract.operations.values():
            path = operation.path.replace("{entity_type}", "user")
            for name in ("user_memory_id", "memory_id", "entity_id"):
                path = path.replace(f"{{{name}}}", "never-created")
            query = "user_id=u" if operation.id == "deleteAllMemories" else ""
            body = b""
            headers = {"authorization": "Bearer k"}
            if "requestBody" in operation.node:
                schema = operation.node["requestBody"]["content"]["application/json"]["schema"]
                sample = Sampler(api.contract._refs).value(schema)
                body, headers["content-type"] = orjson.dumps(sample), "application/json"
            exchange = pipeline.exchange(
                Request(operation.method, f"/{api.name}{api.contract.base_path}{path}", query, headers, body)
            )
            assert exchange.status == operation.success, (operation, exchange.response.content)
            assert not exchange.violations


def test_requests_are_still_checked_and_nothing_is_kept(make_pipeline):
    pipeline = make_pipeline(stateless=True)
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    assert pipeline.handle(Request("POST", "/user-memories", "", headers, b"{}")).status == 400
    assert pipeline.handle(Request("POST", "/user-memories", "", {}, b"{}")).status == 401
    good = Request("POST", "/user-memories", "", headers, b'{"agent_id": "a", "memory": "m"}')
    assert [pipeline.handle(good).status for _ in range(250)] == [201] * 250, "no limit unless one is given"
    assert pipeline.sandbox.store.balance().consumed == 0
    assert pipeline.sandbox.store.rows("user_memories") == []


def test_a_limit_that_was_asked_for_holds(make_pipeline):
    from mockserver.messages import Limit

    pipeline = make_pipeline(stateless=True, limit=Limit(1))
    request = Request("GET", "/user-memories", "", {"authorization": "Bearer k"})
    assert [pipeline.handle(request).status for _ in range(2)] == [200, 429]


@pytest.fixture(scope="session")
def vendor_tests(tmp_path_factory) -> Path:
    """The `datagrid-ai` 0.16.0 source distribution, with the vendor's generated tests."""
    folder = tmp_path_factory.mktemp("vendor")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    command += ["--no-binary", ":all:", "-d", str(folder), "datagrid-ai==0.16.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    archives = list(folder.glob("datagrid_ai-*.tar.gz"))
    if not archives:
        pytest.skip(f"the datagrid-ai 0.16.0 source distribution cannot be downloaded: {done.stderr[-300:]}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


@pytest.mark.long
@pytest.mark.parametrize(("stateless", "expected"), [(True, (75, 0)), (False, (60, 15))])
def test_the_vendors_own_tests(vendor_tests, make_server, stateless, expected):
    server = make_server(stateless=stateless)
    files = ["tests/api_resources/memory", "tests/api_resources/organization/test_credits.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *files],
        cwd=vendor_tests,
        capture_output=True,
        text=True,
        timeout=110,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}, "TEST_API_BASE_URL": server.url},
    )
    summary = done.stdout.splitlines()[-1]
    assert (_count(summary, "passed"), _count(summary, "failed")) == expected, done.stdout[-3000:]
    if not stateless:
        failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
        assert all("_delete[" in line for line in failed), "only the deletes of an id that was never created"


def _count(summary: str, word: str) -> int:
    words = summary.replace(",", "").split()
    return int(words[words.index(word) - 1]) if word in words else 0
