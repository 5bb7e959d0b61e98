"""The commands that steer a running server, against one."""

from __future__ import annotations

import io
import json
import re
import socket
import threading

import click
import httpx
import pytest

from mockserver.admin.client import AdminClient, HTTPTransport
from mockserver.cli import main as cli
from mockserver.errors import UserError

CREATE = "Memory.createUserMemory"
SCENARIO = """\
version: 1
name: twice-busy
api: datagrid
clock: {start: "2026-01-01T00:00:00Z", mode: frozen}
rules:
  - id: busy
    op: Memory.createUserMemory
    when: {call: 1..2}
    reply: {rate_limited: {retry_after: 2s}}
expect:
  - {op: Memory.createUserMemory, calls: 3}
"""
BROKEN = """\
version: 1
name: broken
api: datagrid
rules:
  - id: typo
    op: Memory.createUserMemry
    reply: {rate_limited: {}}
"""


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs the command line as a shell would; returns the exit code, standard output and standard error."""

    def run_(*arguments, stdin=""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        try:
            cli.main(list(arguments))
            code = 0
        except SystemExit as exit_:
            code = exit_.code or 0
        return code, *capsys.readouterr()

    return run_


@pytest.fixture
def url(server, monkeypatch):
    """A server that the commands find by themselves."""
    monkeypatch.setenv("MOCKSERVER_URL", server.url)
    return server.url


def create(url, agent="a1", **headers):
    headers = {"Authorization": "Bearer key", **headers}
    body = {"agent_id": agent, "memory": "likes tea", "user_prompt": "", "context": ""}
    return httpx.post(f"{url}/v1/user-memories", json=body, headers=headers)


# clock


def test_the_clock_is_shown_advanced_set_frozen_and_run(run, url):
    assert run("clock", "show") == (0, "2026-01-01T00:00:00.000Z  frozen\n", "")
    assert run("clock", "advance", "1h30m")[1] == "2026-01-01T01:30:00.000Z  frozen\n"
    assert run("clock", "set", "2026-02-01")[1] == "2026-02-01T00:00:00.000Z  frozen\n"
    assert run("clock", "set", "2026-02-01T02:00:00+01:00")[1] == "2026-02-01T01:00:00.000Z  frozen\n"
    assert "running x60" in run("clock", "run", "--rate", "60")[1]
    assert "running x1\n" in run("clock", "run")[1]
    assert "frozen" in run("clock", "freeze")[1]
    code, out, _ = run("clock", "show", "--json")
    assert code == 0 and json.loads(out)["mode"] == "frozen"


def test_the_clock_never_goes_back(run, url):
    code, out, err = run("clock", "set", "2020-01-01T00:00:00Z")
    assert (code, out) == (2, "")
    assert "never goes back" in err
    assert run("clock", "show")[1].startswith("2026-01-01T00:00:00")


@pytest.mark.parametrize("arguments", [("advance", "99999999999999999d"), ("advance", "3650000d")])
def test_the_clock_does_not_leave_the_calendar(run, url, arguments):
    code, out, err = run("clock", *arguments)
    assert (code, out) == (2, "") and "defect" not in err
    assert run("clock", "show")[1] == "2026-01-01T00:00:00.000Z  frozen\n"
    assert run("sandboxes")[0] == 0


def test_a_clock_that_runs_past_the_calendar_does_no_harm(run, url):
    run("clock", "set", "9999-12-31T23:59:59Z")
    run("clock", "run", "--rate", "1000000")
    for command in (("clock", "show"), ("sandboxes",), ("clock", "freeze"), ("reset",)):
        code, _, err = run(*command)
        assert code == 0, err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("advance", "5 parsecs"), "'5 parsecs' is not a duration"),
        (("advance", "--", "-5s"), "is not a duration"),
        (("set", "tomorrow"), "'tomorrow' is not a moment"),
        (("set", "0001-01-01T00:00:00+10:00"), "is outside of the calendar that the clock can show"),
        (("run", "--rate", "nan"), "'nan' is not a rate"),
        (("run", "--rate", "0"), "'0' is not a rate"),
        (("run", "--rate", "fast"), "'fast' is not a rate"),
    ],
)
def test_a_clock_command_that_makes_no_sense(run, url, arguments, says):
    code, out, err = run("clock", *arguments)
    assert (code, out) == (2, "")
    assert says in err


# scenario


def test_a_scenario_from_a_file_acts_is_shown_and_is_cleared(run, url, tmp_path):
    file = tmp_path / "twice-busy.yaml"
    file.write_text(SCENARIO)
    assert run("scenario", "set", str(file)) == (0, "default: twice-busy, 1 rule\n", "")
    assert [create(url).status_code for _ in range(3)] == [429, 429, 201]
    code, out, _ = run("scenario", "show")
    assert code == 0
    assert "# twice-busy (upload)" in out
    assert "# rule busy at " in out and "fired 2 times" in out
    assert "retry_after: 2s" in out
    assert json.loads(run("scenario", "show", "--json")[1])["rules"][0]["fired"] == 2
    assert run("scenario", "clear") == (0, "default: no scenario\n", "")
    assert run("scenario", "show")[1] == "# default has no scenario\n"


def test_what_scenario_show_prints_can_be_set_again(run, url):
    run("scenario", "set", "-", stdin=SCENARIO)
    shown = run("scenario", "show")[1]
    code, out, _ = run("scenario", "set", "-", "--json", stdin=shown)
    assert code == 0 and json.loads(out)["name"] == "twice-busy"


def test_a_bundled_scenario_by_name(run, url):
    code, out, err = run("scenario", "set", "out-of-credits")
    assert code == 0, err
    assert "out-of-credits" in out
    assert json.loads(run("scenario", "show", "--json")[1])["source"] == "bundled"


def test_an_unknown_bundled_scenario_names_the_nearest(run, url):
    code, _, err = run("scenario", "set", "out-of-credit")
    assert code == 2
    assert "out-of-credit" in err and "'out-of-credits'" in err


def test_a_scenario_that_does_not_load_names_the_place_and_changes_nothing(run, url, tmp_path):
    run("scenario", "set", "-", stdin=SCENARIO)
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    code, out, err = run("scenario", "set", str(file))
    assert (code, out) == (2, "")
    assert f"{file}:6:" in err
    assert "'typo'" in err and "Memory.createUserMemory" in err
    assert "twice-busy" in run("scenario", "show")[1]


def test_a_scenario_that_is_not_yaml_names_the_file_and_the_place(run, url, tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("version: 1\nrules: [")
    code, out, err = run("scenario", "set", str(file))
    assert (code, out) == (2, "")
    assert err.startswith(f"mockserver: {file}:") and "upload" not in err


def test_a_scenario_file_that_is_not_there(run, url):
    code, _, err = run("scenario", "set", "no/such.yaml")
    assert code == 2
    assert err == "mockserver: no/such.yaml: cannot be read: No such file or directory\n"


def test_a_scenario_that_is_too_large_or_not_text_is_not_sent(run, url, tmp_path):
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    assert "larger than 1,048,576 bytes" in run("scenario", "set", str(file))[2]
    assert "larger than 1,048,576 bytes" in run("scenario", "set", "-", stdin="#" * (1024 * 1024 + 1))[2]
    file.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in run("scenario", "set", str(file))[2]


# journal, verify, expect


def test_the_journal_is_a_table_with_attempts_and_rules(run, url):
    run("scenario", "set", "-", stdin=SCENARIO)
    create(url)
    run("clock", "advance", "1s")
    create(url, **{"x-stainless-retry-count": "1"})
    httpx.get(f"{url}/v1/user-memories?limit=0", headers={"Authorization": "Bearer key"})
    code, out, err = run("journal")
    assert (code, err) == (0, "")
    head, first, second, third = out.splitlines()
    assert head.split() == ["#", "TIME", "REQUEST", "STATUS", "TRY", "EARLY", "RULE", "NOTES"]
    assert first.split() == ["1", "00:00:00.000", CREATE, "429", "1", "busy"]
    assert second.split() == ["2", "00:00:01.000", CREATE, "429", "2", "1.000", "busy"]
    assert "[client] query limit: " in third


def test_the_journal_says_why_a_request_was_refused_and_where_a_behaviour_failed(run, url, apis, monkeypatch):
    def fails(call):
        raise KeyError("nope")

    monkeypatch.setitem(apis[0].behaviours, CREATE, fails)
    httpx.get(f"{url}/v1/user-memories")
    create(url)
    _, out, _ = run("journal")
    lines = out.splitlines()
    assert "401" in lines[1] and "  key: " in lines[1]
    assert lines[3] == "" and lines[4].startswith("#2 KeyError")
    assert lines[5] == "  Traceback (most recent call last):"
    assert any(", in fails" in line for line in lines[6:])


def test_the_journal_is_filtered_and_told_when_there_is_more(run, url):
    for _ in range(3):
        create(url)
    httpx.get(f"{url}/v1/nowhere")
    assert len(run("journal", "--operation", CREATE)[1].splitlines()) == 4
    assert len(run("journal", "--status", "404")[1].splitlines()) == 2
    assert "GET /v1/nowhere" in run("journal", "--status", "404")[1]
    assert len(run("journal", "--rule", "busy")[1].splitlines()) == 1
    assert len(run("journal", "--after", "2")[1].splitlines()) == 3
    code, out, err = run("journal", "--limit", "1")
    assert code == 0 and len(out.splitlines()) == 2
    assert err.startswith("1 of 4 shown")
    found = json.loads(run("journal", "--json", "--side", "client")[1])
    assert found["total"] == len(found["entries"])


def test_what_a_client_sent_cannot_steer_the_terminal(run, url):
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port)) as raw:
        raw.sendall(b"GET /\xc2\x9b31m%1b[2J HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        while raw.recv(65536):
            pass
    out = run("journal")[1]
    assert out.replace("\n", "").isprintable()


def test_verify_is_met_or_shows_what_came_nearest(run, url):
    create(url, agent="b1")
    assert run("verify", CREATE) == (0, f"met: {CREATE}: expected 1.., found 1\n", "")
    assert run("verify", CREATE, "--times", "1", "--status", "201", "--body", '{"agent_id": {"regex": "^b"}}')[0] == 0
    code, out, _ = run("verify", CREATE, "--times", "1", "--body", '{"agent_id": "a1"}')
    assert code == 1
    first, near, difference = out.splitlines()
    assert first == f"NOT MET: {CREATE}: expected 1, found 0"
    assert "near miss: #1 " in near
    assert "agent_id: expected " in difference and "a1" in difference and "b1" in difference
    code, out, _ = run("verify", CREATE, "--times", "2..", "--json")
    assert code == 1 and json.loads(out)["found"] == 1


def test_verify_looks_at_headers_and_the_query(run, url):
    httpx.get(f"{url}/v1/user-memories?limit=10", headers={"Authorization": "Bearer key", "X-Trace": "t=1"})
    assert run("verify", "Memory.listUserMemory", "--query", "limit=10", "--header", "X-Trace=t=1")[0] == 0
    code, out, _ = run("verify", "Memory.listUserMemory", "--query", "limit=11", "--header", "X-Trace=t=1")
    assert code == 1 and "limit" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((CREATE, "--times", "4.6"), "4.6"),
        ((CREATE, "--times", "6..4"), "ends before it starts"),
        ((CREATE, "--times", "every 2"), "every 2"),
        ((CREATE, "--body", "{agent"), "--body is not JSON"),
        ((CREATE, "--header", "nothing"), "--header 'nothing' has no name or no value"),
        (("Memory.createUserMemry",), f"'{CREATE}'"),
        ((CREATE, "--body", '{"agent_id": {"regex": "("}}'), "agent_id"),
    ],
)
def test_verify_refuses_what_makes_no_sense(run, url, arguments, says):
    code, out, err = run("verify", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_expect_is_red_until_the_scenario_is_met(run, url):
    run("scenario", "set", "-", stdin=SCENARIO)
    code, out, err = run("expect")
    assert code == 1
    assert "NOT MET: " in out and "'busy' (standard input:6) never fired" in err
    for _ in range(3):
        create(url)
    code, out, err = run("expect")
    assert (code, err) == (0, "")
    assert out.startswith('met: {"'), "it names what is met"
    assert json.loads(run("expect", "--json")[1])["ok"] is True


def test_expect_says_so_when_nothing_is_expected(run, url):
    code, out, err = run("expect")
    assert (code, out) == (0, "")
    assert "default expects nothing" in err


# sandboxes, reset, credits, state


def test_credits_are_shown_and_set(run, url):
    assert run("credits", "1") == (0, "remaining 1  consumed 0  total 1\n", "")
    assert [create(url).status_code for _ in range(2)] == [201, 402]
    assert run("credits")[1] == "remaining 0  consumed 1  total 1\n"
    assert json.loads(run("credits", "2.5", "--json")[1])["remaining"] == 2.5
    assert run("credits", "1e15")[1].startswith("remaining 1000000000000000 ")


@pytest.mark.parametrize("amount", ["nan", "inf", "1e16", "many"])
def test_credits_that_are_no_number(run, url, amount):
    code, _, err = run("credits", amount)
    assert code == 2 and f"{amount!r} is not a number of credits" in err


def test_reset_forgets_what_happened(run, url):
    create(url)
    assert run("reset") == (0, "default: reset\n", "")
    assert json.loads(run("journal", "--json")[1])["total"] == 0
    assert json.loads(run("credits", "--json")[1])["consumed"] == 0


def test_sandboxes_are_made_listed_used_and_deleted(run, url):
    code, out, err = run("sandboxes", "create", "ci-1", "--credits", "7")
    assert code == 0, err
    assert "/~ci-1" in out
    made = json.loads(run("sandboxes", "create", "--json")[1])
    assert made["name"] != "ci-1" and made["api_key"]
    names = [line.split()[0] for line in run("sandboxes")[1].splitlines()[1:]]
    assert names == ["default", *sorted(["ci-1", made["name"]])]
    assert "remaining 7 " in run("credits", "--sandbox", "ci-1")[1]
    run("clock", "advance", "1m", "--sandbox", "ci-1")
    assert run("clock", "show")[1].startswith("2026-01-01T00:00:00")
    assert run("sandboxes", "delete", "ci-1") == (0, "ci-1: deleted\n", "")
    assert run("clock", "show", "--sandbox", "ci-1")[0] == 2
    assert len(json.loads(run("sandboxes", "--json")[1])) == 2


def test_the_base_url_of_a_sandbox_leads_to_it(run, url):
    made = json.loads(run("sandboxes", "create", "ci-2", "--json")[1])
    body = {"agent_id": "a", "memory": "m", "user_prompt": "", "context": ""}
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert httpx.post(f"{made['base_urls']['datagrid']}/user-memories", json=body, headers=headers).status_code == 201
    assert json.loads(run("journal", "--json", "--sandbox", "ci-2")[1])["total"] == 1
    assert json.loads(run("journal", "--json")[1])["total"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "default"), "default"),
        (("create", "Not A Name"), "name"),
        (("create", "x", "--scenario", "out-of-credit"), "'out-of-credits'"),
        (("delete",), "the name is missing"),
        (("delete", "default"), "default"),
        (("delete", "defalt"), "did you mean 'default'?"),
        (("--credits", "3"), "belong to `sandboxes create`"),
        (("rename", "x"), "rename"),
    ],
)
def test_what_cannot_be_done_to_a_sandbox(run, url, arguments, says):
    code, out, err = run("sandboxes", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_an_unknown_sandbox_is_named_with_the_nearest(run, url):
    for command in (("clock", "show"), ("journal",), ("reset",), ("credits",), ("expect",), ("verify", CREATE)):
        code, _, err = run(*command, "--sandbox", "defaul")
        assert code == 2
        assert "'defaul'" in err and "'default'" in err


def test_state_is_saved_and_put_back(run, url, tmp_path):
    create(url, agent="kept")
    file = tmp_path / "state.json"
    assert run("state", "save", str(file)) == (0, f"default: saved to {file}\n", "")
    run("reset")
    assert run("state", "load", str(file)) == (0, f"default: loaded from {file}\n", "")
    assert run("state", "save", "-")[1] == file.read_text()
    rows = httpx.get(f"{url}/v1/user-memories", headers={"Authorization": "Bearer key"}).json()["data"]
    assert [row["agent_id"] for row in rows] == ["kept"]


def test_a_state_that_is_wrong_changes_nothing(run, url, tmp_path):
    create(url)
    before = run("state", "save", "-")[1]
    file = tmp_path / "state.json"
    for text in ("{", "[]", before.replace("likes tea", "x").replace('"user_memories"', '"no_such_table"')):
        file.write_text(text)
        code, out, err = run("state", "load", str(file))
        assert (code, out) == (2, "")
        assert str(file) in err
    assert run("state", "save", "-")[1] == before


def test_no_state_that_is_loaded_can_break_the_contract(run, url, tmp_path):
    create(url)
    state = json.loads(run("state", "save", "-")[1])
    file = tmp_path / "state.json"
    (row,) = state["tables"]["user_memories"][""]
    credits = state["credits"]
    for change in (
        {"tables": {"user_memories": {"": [{"id": "x"}]}}},
        {"tables": {"user_memories": {"": [{**row, "memory": "no list"}]}}},
        {"tables": {"user_memories": {"": [row, row]}}},
        {"credits": {**credits, "total": 1, "consumed": 5}},
        {"counters": {name: float(count) for name, count in state["counters"].items()}},
    ):
        file.write_text(json.dumps({**state, **change}))
        run("state", "load", str(file))
        reply = httpx.get(f"{url}/v1/user-memories", headers={"Authorization": "Bearer key"})
        assert reply.status_code == 200, change
        assert create(url).status_code in (201, 402), change
        assert json.loads(run("credits", "--json")[1])["remaining"] >= 0, change
        run("reset")


def test_a_snapshot_that_cannot_be_written(run, url, tmp_path):
    code, _, err = run("state", "save", str(tmp_path))
    assert code == 2 and "cannot be written" in err


# every command


def commands(group, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif name not in ("conform", "fuzz", "mcp") and any(option.name == "url" for option in command.params):
            yield (*path, name)


REMOTE = sorted(commands(cli.cli))
ARGUMENTS = {
    ("record",): ["recorded"],
    ("scenario", "set"): ["out-of-credits"],
    ("clock", "advance"): ["1s"],
    ("clock", "set"): ["2030-01-01"],
    ("verify",): [CREATE],
    ("webhook", "send"): ["paid"],
    ("state", "save"): ["-"],
    ("state", "load"): ["-"],
}


def test_there_are_commands():
    assert len(REMOTE) >= 15


@pytest.mark.parametrize("command", REMOTE, ids=" ".join)
def test_every_command_says_that_nothing_answers(run, command):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        code, out, err = run(*command, *ARGUMENTS.get(command, []), "--url", url, stdin="{}")
    assert (code, out) == (2, "")
    assert err == f"mockserver: nothing answers at {url}; is `mockserver serve` running?\n"


def groups_and_commands(group, path=()):
    yield path, group
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from groups_and_commands(command, (*path, name))


ALL = dict(groups_and_commands(cli.cli))


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_the_help_of_every_command_fits_80_columns_and_says_what_it_does(command):
    context = click.Context(ALL[command], info_name="mockserver " + " ".join(command), terminal_width=80)
    text = ALL[command].get_help(context)
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "..." not in text.partition("Commands:")[2], "a summary that does not fit its line"
    assert not re.search(r"\b(repl(y|ies)|judge|mend|told|refuse)", text), "see docs/style.md"
    about = ALL[command].get_short_help_str(200)
    assert about.split()[0] not in ("Who", "What", "One", "It", "The")
    for option in ALL[command].params:
        if isinstance(option, click.Option):
            assert option.help and option.help[0].isupper(), option.name


@pytest.mark.parametrize(
    ("older", "newer"),
    [(("check",), ("check",)), (("scenarios",), ("list",)), (("schema", "scenario"), ("schema",))],
    ids=" ".join,
)
def test_the_older_names_of_the_scenario_commands_work(run, older, newer):
    files = ["scenarios/last-credit.yaml"] if older == ("check",) else []
    assert run(*older, *files) == run("scenario", *newer, *files)
    assert run(*older, *files)[0] == 0
    assert older[0] in ("check", "schema") or older[0] not in run("--help")[1].split("Commands:")[1].split()


@pytest.mark.parametrize("command", REMOTE, ids=" ".join)
def test_every_command_has_help_on_its_options(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "MOCKSERVER_URL" in out and "MOCKSERVER_ADMIN_TOKEN" in out


# the client of the admin API


@pytest.fixture
def answering():
    """Starts a socket server that sends fixed bytes to whoever connects."""
    listeners = []

    def start(reply):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def loop():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        threading.Thread(target=loop, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def http_reply(status, body, kind="application/json"):
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (http_reply(200, "<html>"), "is not a mockserver's address"),
        (http_reply(200, "[]"), "is not a mockserver's address"),
        (http_reply(404, '{"detail": "Not Found"}'), "is not a mockserver's address: it answered with status 404"),
        (http_reply(302, "{}"), "is not a mockserver's address: it answered with status 302"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "is not a mockserver's address"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "is not a mockserver's address"),
        (b"", "is not a mockserver's address"),
    ],
)
def test_another_server_is_recognised(answering, reply, says):
    with pytest.raises(UserError) as caught:
        AdminClient(HTTPTransport(answering(reply))).clock()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:4010", "ftp://localhost", "http://", "http://host:port", "http://a b", "http://ho\nst"]
)
def test_an_address_that_is_none(url):
    with pytest.raises(UserError, match="is not the address of a server"):
        AdminClient(HTTPTransport(url))


def test_a_token_that_no_header_carries():
    for token in ("a\nb", "schlüssel"):
        with pytest.raises(UserError, match="no HTTP header can carry"):
            AdminClient(HTTPTransport("http://localhost", token))


def test_an_empty_sandbox_name(run):
    assert "name of the sandbox is empty" in run("reset", "--sandbox", "")[2]


def test_a_sandbox_name_stays_one_segment(run, url):
    code, _, err = run("clock", "show", "--sandbox", "a/../default")
    assert code == 2 and "a/../default" in err


def test_a_refusal_for_want_of_a_token_names_the_option(answering):
    body = '{"type": "urn:mockserver:forbidden", "title": "t", "status": 403, "detail": "The admin token is wrong."}'
    url = answering(http_reply(403, body, "application/problem+json"))
    with pytest.raises(UserError) as caught:
        AdminClient(HTTPTransport(url)).reset()
    assert str(caught.value) == "The admin token is wrong; give it with --admin-token"
    with pytest.raises(UserError) as caught:
        AdminClient(HTTPTransport(url, "token")).reset()
    assert str(caught.value) == "The admin token is wrong."


def test_a_defect_of_the_server_is_called_one(answering):
    body = '{"type": "urn:mockserver:defect", "title": "The mock server has a defect", "status": 500, "detail": "d"}'
    with pytest.raises(UserError) as caught:
        AdminClient(HTTPTransport(answering(http_reply(500, body, "application/problem+json")))).clock()
    assert str(caught.value) == "The mock server has a defect: d"


def test_a_proxy_from_the_environment_is_passed_by(url, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert AdminClient(HTTPTransport(url)).clock()["mode"] == "frozen"
