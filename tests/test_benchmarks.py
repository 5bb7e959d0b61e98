"""The benchmarks still fit the server: their requests, their scenario, and their arithmetic."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from mockserver.messages import Exchange, Request, Response
from mockserver.scenarios import load_scenario

report = pytest.importorskip("benchmarks.report", reason="the benchmarks are not in the source distribution")

from benchmarks import engine, inside, replicas, soak, throughput  # noqa: E402
from benchmarks.load import Sample  # noqa: E402


def sample(rate: float, cpu_us: float) -> Sample:
    return Sample(requests=int(rate), seconds=1, p50_ms=1, p99_ms=rate / 100, wrong=0, cpu_us=cpu_us)


def test_the_contract_checks_have_what_they_check() -> None:
    world = inside.pipeline()
    for _ in range(100):
        world.exchange(inside.post())
    for case in [*engine.checks(world), *engine.whole(world), *engine.yardsticks(world)]:
        case.call()


def test_the_rules_of_the_scenario_look_and_never_act(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(orjson.dumps(throughput.scenario()))
    world = inside.pipeline()
    scenario = load_scenario(str(file), world.apis)
    world.sandbox.use(scenario)
    exchange = world.exchange(inside.post())
    assert (exchange.status, exchange.rule, len(scenario.rules)) == (201, "", 20)
    assert [world.sandbox.world.counted(scenario, f"rule-{n}") for n in range(4)] == [0, 0, 1, 1]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    ours, theirs = [sample(100, 5), sample(300, 4), sample(90, 5)], [sample(50, 10), sample(100, 10), sample(90, 10)]
    result = report.Result("post", "", {report.QUIET: ours, "Starlette": theirs}, {report.QUIET: 1, "Starlette": 1}, [])
    assert result.ratio(report.QUIET, "Starlette") == 2
    assert result.cpu_ratio(report.QUIET, "Starlette") == 2
    assert result.ratio(report.QUIET, "Prism") is None
    met = {row["target"]: row["met"] for row in report.judged([result])}
    assert met[f"post: {report.QUIET} ÷ Starlette"] is True
    assert met[f"post: {report.LOUD} ÷ Prism"] is None
    report.print_result(result)
    report.print_targets([result])


def test_memory_that_grows_is_told_from_memory_that_is_flat() -> None:
    mib = 2**20
    flat = [(n, 100 * mib + n % 3) for n in range(30)]
    growing = [(n, (100 + n) * mib) for n in range(30)]
    assert soak.judged(flat)["flat"] is True
    assert soak.judged(growing)["flat"] is False
    assert soak.judged(growing)["slope_kib_per_minute"] == pytest.approx(60 * 1024)


def test_the_fullest_window_is_found() -> None:
    def at(second: float, status: int = 201, team: str = "") -> Exchange:
        request = Request("POST", "/", headers={"datagrid-teamspace": team} if team else {})
        return Exchange(request, second, operation="op", response=Response(status))

    exchanges = [at(0), at(30), at(59.9), at(60), at(61, 429), at(61, team="x"), at(300)]
    assert replicas.most_in_a_window(exchanges) == 3


@pytest.mark.long
def test_replicas_add_up(tmp_path: Path, redis_server: object) -> None:
    figures, wrong = replicas.run(30_000, tmp_path)
    assert wrong == []
    assert figures["rows"] > 0
