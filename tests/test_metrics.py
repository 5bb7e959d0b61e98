"""Figures for Prometheus: what is counted, and that a real parser reads the text."""

from __future__ import annotations

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from mockserver.journal import metrics
from mockserver.journal.metrics import BUCKETS, MAX_SERIES, Metrics, merged, render
from mockserver.messages import Exchange, Request, Response, Violation

WRONG = Violation("client", "body", "/a", "is wrong", "1", "2")


def exchange(operation="getThing", status=200, duration=0.003, **given):
    return Exchange(
        Request("GET", "/"), 0.0, response=Response(status), api="x", operation=operation, duration=duration, **given
    )


def read(text):
    """Every sample, by name and labels; a parser that is not ours reads them."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(status="200", rule="", operation="getThing", api="x"):
    labels = {"api": api, "operation": operation, "rule": rule, "status": status}
    return ("mockserver_requests_total", *sorted(labels.items()))


def test_requests_by_operation_status_and_rule():
    counted = Metrics()
    for given in ({}, {}, {"status": 429, "rule": "busy"}, {"violations": [WRONG, WRONG]}):
        counted.record(exchange(**given))
    found = read(render(counted.as_json()))
    assert (found[requests()], found[requests("429", "busy")]) == (3, 1)
    assert found["mockserver_violations_total", ("side", "client")] == 2


def test_the_histogram_adds_up():
    counted = Metrics()
    durations = [0.0, BUCKETS[0], 0.002, 0.3, 99.0]
    for duration in durations:
        counted.record(exchange(duration=duration))
    counted.record(exchange(duration=0.002, status=404))
    found = read(render(counted.as_json()))
    labels = ("api", "x"), ("operation", "getThing")

    def bucket(le):
        return found["mockserver_request_duration_seconds_bucket", labels[0], ("le", le), labels[1]]

    assert [bucket(le) for le in ("0.0001", "0.001", "0.0025", "0.5", "10.0", "+Inf")] == [2, 2, 4, 5, 5, 6]
    assert found["mockserver_request_duration_seconds_count", *labels] == 6
    assert abs(found["mockserver_request_duration_seconds_sum", *labels] - sum(durations) - 0.002) < 1e-9


def test_several_processes_as_one():
    one, two = Metrics(), Metrics()
    for counted, connections in ((one, 3), (two, 4)):
        counted.record(exchange(violations=[WRONG]))
        counted.refused(431)
        counted.watch("open_connections", lambda value=connections: value)
        counted.watch("sandboxes", lambda: 2)
    two.record(exchange("other"))
    together = merged(orjson.loads(orjson.dumps(counted.as_json())) for counted in (one, two))
    found = read(render(together))
    assert (found[requests()], found[requests(operation="other")]) == (2, 1)
    assert found["mockserver_refused_total", ("status", "431")] == 2
    assert (found["mockserver_open_connections",], found["mockserver_sandboxes",]) == (7, 2)
    assert merged([one.as_json()]) == one.as_json()


def test_names_of_foreign_documents_break_no_line():
    counted = Metrics()
    odd = 'a"b\\c\nd} 1'
    counted.record(exchange(odd))
    assert read(render(counted.as_json()))[requests(operation=odd)] == 1


def test_rules_without_end_are_one_series(monkeypatch):
    monkeypatch.setattr(metrics, "MAX_SERIES", 5)
    counted = Metrics()
    for number in range(50):
        counted.record(exchange(rule=f"r{number}"))
    found = read(render(counted.as_json()))
    assert found[requests(rule="(other)")] == 45
    assert sum(name[0] == "mockserver_requests_total" for name in found) == 6
    assert MAX_SERIES == 5000


def test_what_a_server_counts(server):
    key = {"Authorization": "Bearer k"}
    httpx.get(f"{server.url}/v1/user-memories", headers=key)
    httpx.get(f"{server.url}/v1/user-memories?limit=0", headers=key)
    for path in ("/nowhere/1", "/nowhere/2"):
        httpx.get(server.url + path, headers=key)
    httpx.get(f"{server.url}/{'x' * 20_000}")
    answer = httpx.get(f"{server.url}/__admin/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    found = read(answer.text)
    name = {"operation": "Memory.listUserMemory", "api": "datagrid"}
    assert (found[requests("200", **name)], found[requests("400", **name)]) == (1, 1)
    unknown = [key for key in found if key[0] == "mockserver_requests_total" and ("operation", "") in key]
    assert sum(found[key] for key in unknown) == 2 and len(unknown) == 1
    assert found["mockserver_violations_total", ("side", "client")] == 1
    assert found["mockserver_refused_total", ("status", "414")] == 1
    assert found["mockserver_open_connections",] >= 1
    assert found["mockserver_sandboxes",] == 1
    assert sum(key[0] == "mockserver_build_info" for key in found) == 1
