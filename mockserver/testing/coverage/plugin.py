"""The plugin's coverage report: gathered at the end of the run, printed, written, and validated."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from mockserver.errors import did_you_mean
from mockserver.testing.coverage import report as coverage_report
from mockserver.testing.coverage.goals import Coverage

FILES = {"html": "mockserver-coverage.html", "json": "mockserver-coverage.json"}
KINDS = ("term", *FILES)


def finish(session: pytest.Session, coverage: Coverage, kinds: str, fail_under: str) -> None:
    """Send a worker's counts home; elsewhere write the files, and fail the run when too little was seen."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["mockserver_coverage"] = coverage.as_json()
        return
    for kind in filter(None, kinds.split(",")):
        if kind not in KINDS:
            raise pytest.UsageError(f"--mockserver-coverage: no {kind!r}{did_you_mean(kind, KINDS)}")
        if kind == "html":
            page = coverage_report.html(coverage, f"Resilience coverage of {config.rootpath.name}")
            Path(FILES[kind]).write_text(page, encoding="utf-8")
        elif kind == "json":
            Path(FILES[kind]).write_bytes(orjson.dumps(coverage.as_json(), option=orjson.OPT_INDENT_2))
    if fail_under and coverage.percent < float(fail_under) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def summary(reporter: pytest.TerminalReporter, coverage: Coverage, kinds: str, fail_under: str) -> None:
    """The table on the terminal, the names of the files, and why the run failed."""
    reporter.section("mockserver coverage")
    if "term" in kinds.split(",") or not kinds:
        for line in coverage_report.terminal_lines(coverage):
            reporter.write_line(line)
    for kind in kinds.split(","):
        if kind in FILES:
            reporter.write_line(f"{kind} report: {FILES[kind]}")
    if fail_under and coverage.percent < float(fail_under):
        shown = coverage_report.percent_text(coverage.percent)
        reporter.write_line(
            f"FAIL: {shown} of what the vendor can answer was seen; --mockserver-fail-under={fail_under}", red=True
        )
