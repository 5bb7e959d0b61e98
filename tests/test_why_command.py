"""`mockserver why` and `mockserver watch` against real servers, and the admin operation behind them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import threading

import httpx
import pytest
from test_commands import SCENARIO, create, run  # noqa: F401
from test_server import COMMAND, ready, running, stop

from mockserver.cli import main
from mockserver.messages import Limit

FILTERS = [
    (("--status", "400..499"), [429]),
    (("--status", "201"), [201]),
    (("--operation", "Memory.listUserMemory"), [200]),
    (("--text", "LIKES TEA"), [201, 200, 429]),
    (("--text", "is admitted at"), [429]),
    (("--text", "likes tea", "--status", "200"), [200]),
    (("--text", "content-type"), [201, 429]),
]


@pytest.fixture
def busy(make_server, monkeypatch):
    """A server whose limit for creations is reached: one exchange each of 201, 200 and 429."""
    served = make_server(limit=Limit(1, 60.0))
    monkeypatch.setenv("MOCKSERVER_URL", served.url)
    assert create(served.url).status_code == 201
    assert httpx.get(f"{served.url}/v1/user-memories", headers={"Authorization": "Bearer key"}).status_code == 200
    assert create(served.url).status_code == 429
    return served.url


@contextlib.contextmanager
def watching(url, *options):
    """A `mockserver watch` process; its lines are read from its pipes. Ends it with Ctrl-C, which must be quiet."""
    process = subprocess.Popen(
        [*COMMAND, "watch", "--url", url, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    guard = threading.Timer(60, process.kill)
    guard.start()
    try:
        yield process
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        guard.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_why_tells_the_reasons_and_the_stages(run, busy):  # noqa: F811
    code, out, err = run("why", "3")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "#3",
        "429, because this teamspace made 1 request to POST /user-memories since 00:00:00; "
        "the next is admitted at 00:01:00.",
        "",
        "  passed   route       POST /v1/user-memories is Memory.createUserMemory of datagrid",
        "  passed   key         the key is accepted, or none is needed",
        "  decided  limit       this teamspace made 1 request to POST /user-memories since 00:00:00; "
        "the next is admitted at 00:01:00",
        "  passed   response    the response is valid",
    ]
    assert run("why")[1] == out, "the newest"


def test_why_tells_the_line_of_the_schema_and_why_a_rule_did_not_act(run, busy):  # noqa: F811
    headers = {"x-mockserver-admin": "1", "content-type": "application/yaml"}
    rule = "version: 1\nname: r\napi: datagrid\nrules:\n  - {id: third, when: {call: 3}, reply: rate_limited}\n"
    assert httpx.put(f"{busy}/__admin/sandboxes/default/scenario", content=rule, headers=headers).status_code == 200
    httpx.post(f"{busy}/v1/user-memories", json={"agent_id": 7, "memory": "m"}, headers={"authorization": "Bearer k"})
    out = run("why")[1]
    assert "\n  spec/datagrid.yaml:116: /agent_id must be a string, not the integer 7\n" in out
    assert "\n  upload.yaml:5: rule third did not act: call: expected 3, found 1\n" in out


def test_why_as_json_is_what_the_admin_api_says(run, busy):  # noqa: F811
    reasons = json.loads(run("why", "1", "--json")[1])
    assert reasons == httpx.get(f"{busy}/__admin/sandboxes/default/journal/1/why").json()
    entries = httpx.get(f"{busy}/__admin/sandboxes/default/journal").json()["entries"]
    assert reasons["sentences"] == entries[0]["why"]


def test_why_of_an_exchange_that_is_not_there(run, busy):  # noqa: F811
    assert run("why", "9") == (2, "", "mockserver: The journal has no exchange #9; it keeps #1 to #3.\n")
    httpx.delete(f"{busy}/__admin/sandboxes/default/journal", headers={"X-Mockserver-Admin": "t"})
    assert run("why", "1") == (2, "", "mockserver: The journal has no exchange #1; it is empty.\n")
    assert run("why") == (2, "", "mockserver: the journal of sandbox default is empty\n")
    assert run("why", "0")[0] == 2
    assert httpx.get(f"{busy}/__admin/sandboxes/default/journal/x/why").status_code == 400
    assert httpx.get(f"{busy}/__admin/sandboxes/nobody/journal/1/why").status_code == 404


def test_why_is_of_the_sandbox_that_is_named(run, busy):  # noqa: F811
    httpx.post(f"{busy}/__admin/sandboxes", json={"name": "other"}, headers={"X-Mockserver-Admin": "t"})
    httpx.get(f"{busy}/~other/v1/user-memoriez")
    assert "404, because no operation has the path" in run("why", "1", "--sandbox", "other")[1]


def test_watch_prints_a_line_for_each_exchange_as_it_comes(busy):
    with watching(busy, "--after", "2") as process:
        line = process.stdout.readline()
        assert line == (
            "#3 00:00:00.000 POST /v1/user-memories  429, because this teamspace made 1 request to "
            "POST /user-memories since 00:00:00; the next is admitted at 00:01:00.\n"
        )
        httpx.get(f"{busy}/v1/user-memories?limit=9")
        line = process.stdout.readline()
        assert line.startswith("#4 00:00:00.000 GET /v1/user-memories?limit=9  401, because no API key was given; ")


@pytest.mark.parametrize(("options", "statuses"), FILTERS, ids=lambda value: " ".join(map(str, value)))
def test_watch_prints_what_every_filter_lets_through(busy, options, statuses):
    with watching(busy, "--json", "--after", "0", *options) as process:
        got = [json.loads(process.stdout.readline())["status"] for _ in statuses]
    assert got == statuses


def test_watch_goes_on_after_a_restart_and_says_what_is_missed():
    with contextlib.ExitStack() as servers:
        address, server = servers.enter_context(running())
        ready(address)
        create(address)
        with watching(address, "--after", "0") as process:
            assert process.stdout.readline().startswith("#1 ")
            stop(server)
            lost = process.stderr.readline()
            assert "nothing answers at" in lost and "(waiting)" in lost
            servers.enter_context(running("--port", address.rpartition(":")[2]))
            ready(address)
            create(address)
            assert process.stdout.readline().startswith("#1 ")
            told = process.stderr.readline() + process.stderr.readline()
            assert "the journal began anew: what it held after #1 is missed" in told
            assert f"{address} answers again" in told


def test_watch_says_what_a_reset_and_a_full_journal_cost(make_server):
    served = make_server(journal_size=2)
    for _ in range(5):
        create(served.url)
    with watching(served.url, "--after", "1") as process:
        assert "2 exchanges are missed: the journal has dropped those before #4" in process.stderr.readline()
        assert [process.stdout.readline()[:2] for _ in range(2)] == ["#4", "#5"]
        httpx.post(f"{served.url}/__admin/sandboxes/default/reset", headers={"X-Mockserver-Admin": "t"})
        create(served.url)
        assert process.stdout.readline().startswith("#1 ")
        assert "the journal began anew: what it held after #5 is missed" in process.stderr.readline()


def test_ctrl_c_ends_watch_well_also_while_its_modules_are_imported(monkeypatch, capsys):
    def interrupted(group):
        raise KeyboardInterrupt

    monkeypatch.setattr(main._Group, "_add_rest", interrupted)
    monkeypatch.setattr(main.cli, "commands", {})
    with pytest.raises(SystemExit) as ended:
        main.main(["watch"])
    assert (ended.value.code, *capsys.readouterr()) == (0, "", "")
    with pytest.raises(SystemExit) as ended:
        main.main(["why", "3"])
    assert ended.value.code == 130


def test_watch_has_colours_on_a_terminal_only(busy):
    main, terminal = pty.openpty()
    process = subprocess.Popen([*COMMAND, "watch", "--url", busy, "--after", "2"], stdout=terminal, stderr=terminal)
    os.close(terminal)
    try:
        text = b""
        while b"\n" not in text:
            text += os.read(main, 4096)
        assert b"\x1b[33m429\x1b[0m, because" in text
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)


def test_what_a_client_sent_cannot_steer_the_terminal_of_watch(busy):
    httpx.get(f"{busy}/v1/credits", headers={"Accept": b"image/\x9b31m"})
    httpx.post(f"{busy}/v1/user-memories", headers={"Authorization": "Bearer k", "Content-Type": b"\x9b31m"})
    httpx.get(f"{busy}/v1/nothing", params={"q": "\x1b[31m"})
    with watching(busy, "--after", "3") as process:
        for _ in range(3):
            assert process.stdout.readline().rstrip("\n").isprintable()


def test_watch_starts_at_no_exchange_that_does_not_exist(run, busy):  # noqa: F811
    assert run("watch", "--after", "9") == (2, "", "mockserver: there is no exchange #9; the newest is #3\n")


def test_watch_finds_the_exchanges_of_a_rule_and_of_a_side(run, server, tmp_path):  # noqa: F811
    file = tmp_path / "busy.yaml"
    file.write_text(SCENARIO)
    run("scenario", "set", str(file), "--url", server.url)
    httpx.get(f"{server.url}/v1/user-memories?limit=0", headers={"Authorization": "Bearer key"})
    create(server.url)
    with watching(server.url, "--after", "0", "--rule", "busy") as process:
        line = process.stdout.readline()
    assert re.search(r"^#2 .*429, because rule 'busy' \(.*busy\.yaml:6\) at call 1 gives this response\.\n", line)
    with watching(server.url, "--after", "0", "--side", "client") as process:
        line = process.stdout.readline()
    assert re.search(r"^#1 .*  400, because the request violates the contract: query limit: ", line)


def test_watch_finds_the_exchanges_of_an_api_and_of_a_fault(run, server, tmp_path):  # noqa: F811
    file = tmp_path / "lost.yaml"
    rule = "{id: unpaid, op: Memory.createUserMemory, fault: {billing_write: lost}}"
    file.write_text(f"version: 1\nname: lost\napi: datagrid\nrules: [{rule}]\n")
    run("scenario", "set", str(file), "--url", server.url)
    httpx.get(f"{server.url}/mem0/v1/ping/", headers={"Authorization": "Token key"})
    create(server.url)
    for option, value, number in (("--api", "mem0", 1), ("--fault", "none", 1), ("--fault", "billing_write", 2)):
        with watching(server.url, "--after", "0", option, value) as process:
            assert process.stdout.readline().startswith(f"#{number} "), option
