"""What `mockserver conform` sends and compares with: exchange files, journals, samples, runs that were stopped."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from conform_server import KEY, App, document, serving
from upstreams import upstream

from mockserver import create_app
from mockserver.cli.conform import conform
from mockserver.cli.main import cli
from mockserver.conform.pace import Pace
from mockserver.messages import Limit, Response
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

THING = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: x, content: {application/json: {schema: {type: object}}}}}
    delete:
      operationId: deleteThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: x}}
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Kind: b\r\n"


def exchange(path: str = "/things/a", method: str = "GET", **response: Any) -> str:
    return json.dumps({"api": "thing", "request": {"method": method, "path": path}, "response": response})


def sending(*values: Any):
    """A server that sends one value after the other, the last one again and again."""
    numbers = count()

    def serve(sock, message):
        body = orjson.dumps(values[min(next(numbers), len(values) - 1)])
        sock.sendall(OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    return serve


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("thing.yaml").write_text(THING, encoding="utf-8")

    def run(url, *arguments, api="thing.yaml"):
        form = ["--format", "json"] if "--format" not in arguments else []
        return CliRunner().invoke(conform, [api, "--url", url, *arguments, *form], catch_exceptions=False)

    return run


def found(done) -> list[tuple[str, str]]:
    return [(one["rule"], one["message"]) for one in json.loads(done.output)["findings"] if one["level"] != "note"]


def test_an_exchange_file_is_sent_and_its_answer_compared(run):
    Path("a.yaml").write_text(exchange(status=200, body={"equals": {"id": "a", "size": 1}}), encoding="utf-8")
    with upstream(sending({"id": "a", "size": 1})) as real:
        assert (run(real.url, "--exchanges", "a.yaml").exit_code, len(real.got)) == (0, 1)
    with upstream(sending({"id": "a", "size": 2})) as real:
        done = run(real.url, "--exchanges", "a.yaml")
    assert found(done) == [("recorded-body", "/size is not as recorded (as in a.yaml)")]


def test_another_status_or_header_is_told(run):
    Path("a.yaml").write_text(exchange(status=404), encoding="utf-8")
    Path("b.yaml").write_text(exchange(status=200, headers={"x-kind": "a"}), encoding="utf-8")
    with upstream(sending({})) as real:
        rules = [rule for rule, _ in found(run(real.url, "--exchanges", "a.yaml", "--exchanges", "b.yaml"))]
    assert rules == ["recorded-status", "recorded-header"]


def test_what_differs_from_answer_to_answer_is_not_compared_unless_asked_for(run):
    recorded = {"items": [{"at": "09:00", "name": "x"}]}
    Path("a.yaml").write_text(exchange(status=200, body={"equals": recorded}), encoding="utf-8")
    answers = [{"items": [{"at": f"10:0{number}", "name": "x"}]} for number in range(9)]
    with upstream(sending(*answers)) as real:
        done = run(real.url, "--exchanges", "a.yaml")
    assert found(done) == [] and "1 places differ from answer to answer" in done.output
    with upstream(sending(*answers)) as real:
        assert len(found(run(real.url, "--exchanges", "a.yaml", "--compare", "/items/*/at"))) == 1


def test_a_place_can_be_ignored(run):
    Path("a.yaml").write_text(exchange(status=200, body={"equals": {"at": 1}}), encoding="utf-8")
    with upstream(sending({"at": 2})) as real:
        assert len(found(run(real.url, "--exchanges", "a.yaml"))) == 1
        assert found(run(real.url, "--exchanges", "a.yaml", "--ignore", "/at")) == []


def test_what_writes_is_left_out_of_recordings_without_leave(run):
    Path("a.yaml").write_text(exchange(method="DELETE", status=204), encoding="utf-8")
    with upstream(sending({})) as real:
        done = run(real.url, "--exchanges", "a.yaml")
        assert real.got == [] and done.exit_code == 3
    assert "1 recorded exchanges left out: may change something; --allow-writes sends it" in done.output


@pytest.mark.parametrize(
    ("text", "message"),
    [("[]", "is no exchange file"), ('{"request": {}}', "is no exchange file"), ("{", "a.yaml")],
)
def test_a_file_that_is_no_exchange_is_told(run, text, message, capsys):
    Path("a.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["conform", "thing.yaml", "--url", "http://127.0.0.1:9", "--exchanges", "a.yaml"])
    assert message in str(result.exception)


def test_the_exchange_files_and_the_journal_of_the_twin_hold_against_the_twin(tmp_path):
    settings = Settings(apis=("datagrid",))
    with serve_in_thread(create_app(settings)) as served:
        import httpx

        with httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {KEY}"}) as client:
            client.get("/v1/user-memories", params={"limit": 10})
            client.get("/v1/user-memories", params={"limit": 1000})
        runner = CliRunner()
        journal = runner.invoke(cli, ["journal", "--json", "--url", served.url])
        (tmp_path / "journal.json").write_text(journal.output, encoding="utf-8")
        assert runner.invoke(cli, ["record", str(tmp_path / "rec"), "--url", served.url]).exit_code == 0
        start = ["conform", "datagrid", "--url", f"{served.url}/datagrid", "--api-key", KEY]
        for source in (["--journal", str(tmp_path / "journal.json")], ["--exchanges", str(tmp_path / "rec/exchanges")]):
            done = runner.invoke(cli, [*start, *source])
            assert done.exit_code == 0, done.output
            assert "note: 2 responses of 1 of 4 operations were judged" in done.output
        assert KEY not in journal.output


@pytest.mark.parametrize("writes", [[], ["--allow-writes"]])
def test_of_the_datagrid_twin_against_itself_nothing_is_found(writes):
    with serve_in_thread(create_app(Settings(apis=("datagrid",)))) as served:
        start = ["conform", "datagrid", "--url", f"{served.url}/datagrid", "--api-key", KEY]
        done = CliRunner().invoke(cli, [*start, *writes])
    assert done.exit_code == 0 and "0 errors, 0 warnings" in done.output, done.output


def test_a_sample_is_the_same_for_the_same_seed(run):
    Path("forty.json").write_text(json.dumps(document()), encoding="utf-8")
    sent = []
    for seed in ("1", "1", "2"):
        app = App()
        with serving(app) as url:
            done = run(url, "--sample", "9", "--seed", seed, "--api-key", KEY, api="forty.json")
        assert done.exit_code == 0, done.output
        sent.append([target for _, target, _ in app.got])
    assert sent[0] == sent[1] != sent[2]
    assert 9 <= len(sent[0]) < 40


def test_a_run_that_was_stopped_goes_on_where_it_was(run, monkeypatch):
    Path("forty.json").write_text(json.dumps(document()), encoding="utf-8")
    app = App({"fraction"})
    answer = app.reply
    seen = count()

    def reply(path, query, headers):
        if next(seen) == 40:
            raise KeyboardInterrupt
        return answer(path, query, headers)

    from mockserver.conform.real import Real

    ask, sent = Real.ask, count()

    async def stop(self, request, bare=False):
        if next(sent) == 40:
            raise KeyboardInterrupt
        return await ask(self, request, bare)

    arguments = ["--resume", "run.jsonl", "--api-key", KEY]
    with serving(app) as url:
        monkeypatch.setattr(Real, "ask", stop)
        assert run(url, *arguments, api="forty.json").exit_code == 1  # click's own word for a stop
        before = len(app.got)
        kept = Path("run.jsonl").read_text(encoding="utf-8")
        assert len(kept.splitlines()) == 41 and KEY not in kept
        monkeypatch.setattr(Real, "ask", ask)
        done = run(url, *arguments, api="forty.json")
        alone = len(app.got) - before
        app.got.clear()
        assert found(done) == found(run(url, "--api-key", KEY, api="forty.json")) != []
    assert before == 40 and alone == len(app.got) - 40
    assert not Path("run.jsonl").exists()


def test_the_file_of_another_run_is_not_taken(run):
    Path("run.jsonl").write_text('{"version": 1, "of": "0000000000000000"}\n', encoding="utf-8")
    result = CliRunner().invoke(cli, ["conform", "thing.yaml", "--url", "http://127.0.0.1:9", "--resume", "run.jsonl"])
    assert "is not of this run" in str(result.exception)


# -- the rate -------------------------------------------------------------------------------------------


def test_no_more_go_out_than_a_person_allows():
    pace = Pace(Limit(2, 10.0))
    for now in (0.0, 1.0):
        assert pace.wait(now) == 0
        pace.sent(now)
    assert pace.wait(2.0) == 8.0 and pace.wait(10.0) == 0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-ratelimit-remaining": "50", "x-ratelimit-reset": "30"}, 0.0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225620"}, 20.0),
        ({"ratelimit": '"default";r=1;t=12'}, 12.0),
        ({"ratelimit": "limit=100, remaining=0, reset=7"}, 7.0),
    ],
)
def test_requests_wait_before_the_limit_that_the_server_tells_is_reached(headers, wait):
    pace = Pace()
    pace.told(Response(200, headers=headers), 1767225600.0)
    assert pace.wait(1767225600.0) == wait


@pytest.mark.parametrize(
    ("status", "text", "tries", "wait"),
    [
        (429, "7", 0, 7.0),
        (429, None, 0, 1.0),
        (429, None, 2, 4.0),
        (503, "3", 0, 3.0),
        (503, None, 0, 0.0),
        (429, "Thu, 01 Jan 2026 00:00:09 GMT", 0, 9.0),
    ],
)
def test_a_refused_request_waits_as_it_is_told(status, text, tries, wait):
    pace = Pace()
    headers = {} if text is None else {"retry-after": text}
    assert pace.told(Response(status, headers=headers), 1767225600.0, tries) == wait
    assert pace.wait(1767225600.0) == wait
