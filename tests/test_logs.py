"""The lines that the server writes: for people, for machines, and not forged by requests."""

from __future__ import annotations

import io
import json
import logging

import pytest

from mockserver.journal.logs import MAX_LINES, AccessLog, configure_logging, json_line, text_line
from mockserver.messages import Exchange, Request, Response, Violation

AT = 1_767_225_600.25


def exchange(**facts):
    return Exchange(Request("GET", "/v1/x", "a=1"), AT, response=Response(200), sandbox="default", **facts)


def test_a_line_for_a_person():
    line = text_line(exchange(operation="listX", duration=0.0012), AT)
    assert line.endswith(" INFO GET /v1/x?a=1 200  listX  1.2 ms\n")
    assert line[10] == " " and line[19:23] == ",250"
    wrong = Violation("client", "query", "a", "must be at least 2", "1", "at least 2")
    line = text_line(exchange(rule="busy", violations=[wrong], defect="oh"), AT)
    assert " ERROR " in line
    assert line.endswith("[rule busy]  [client] query a: must be at least 2  [defect] oh\n")
    assert "~ci-1" in text_line(Exchange(Request("GET", "/"), AT, sandbox="ci-1"), AT)


def test_a_line_for_a_machine():
    request = Request("GET", "/v1/x", headers={"x-request-id": "r-7", "authorization": "Bearer s3cret"})
    line = json_line(Exchange(request, AT, response=Response(200), sandbox="default", number=3), AT)
    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "info",
        "message": "request",
        "sandbox": "default",
        "number": 3,
        "method": "GET",
        "path": "/v1/x",
        "status": 200,
        "request_id": "r-7",
    }
    assert json.loads(json_line(exchange(defect="oh"), AT))["level"] == "error"


@pytest.mark.parametrize("make", [text_line, json_line])
def test_a_request_cannot_forge_a_line(make):
    hostile = Exchange(Request("GET\n", "/a\nINFO forged\u2028", "q=\x1b[31m\ud800"), 0.0, response=Response(200))
    line = make(hostile, AT)
    assert len(line.splitlines()) == 1 and "\x1b" not in line
    assert len(make(Exchange(Request("GET", "/" + "a" * 100_000), 0.0), AT)) < 120_000


def test_lines_are_written_together():
    stream = io.StringIO()
    log = AccessLog(stream)
    log.add(exchange())
    assert stream.getvalue() == ""
    log.flush()
    assert stream.getvalue().count("\n") == 1
    for _ in range(MAX_LINES):
        log.add(exchange())
    assert stream.getvalue().count("\n") == MAX_LINES + 1, "too many to keep"


def test_a_reader_that_went_away_stops_nothing():
    stream = io.StringIO()
    log = AccessLog(stream, "json")
    stream.close()
    log.add(exchange())
    log.flush()


def test_other_events_as_json(capsys):
    root, ours = logging.getLogger(), logging.getLogger("mockserver")
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("info", "json")
        ours.info("it %s", "runs")
        said = json.loads(capsys.readouterr().err)
        assert (said["level"], said["message"]) == ("info", "it runs") and said["time"].endswith("Z")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        ours.setLevel(logging.NOTSET)
