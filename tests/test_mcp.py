"""`mockserver mcp`, driven by the SDK's own client: over stdio and over streamable HTTP, against real servers."""

from __future__ import annotations

import inspect
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import get_args

import httpx
import httpx2
import orjson
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from mockserver.admin.client import AdminClient, HTTPTransport
from mockserver.admin.tools.excerpts import (
    MAX_ITEMS,
    ROOM,
    fitting,
    operation_excerpt,
    part_excerpt,
    size,
    whole_or_cut,
)
from mockserver.admin.tools.journal import MAX_EXCHANGE
from mockserver.admin.tools.table import EFFECTS, AllTools, tools
from mockserver.cli import main as cli
from mockserver.contract import load_contract
from mockserver.data import bundled_file
from mockserver.errors import UserError
from mockserver.messages import Decider, Side
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.state.ratelimit import parse_limit

CREATE = "Memory.createUserMemory"
KEY = "sk-a-key-of-a-client"
MEMORY = {"agent_id": "a", "memory": "m"}
THIRD_CREATE_FAILS = """\
version: 1
name: third-create-fails
api: datagrid
rules:
  - id: third-create
    op: Memory.createUserMemory
    when: {call: 3}
    reply: {rate_limited: {retry_after: 2s}}
"""


def command(url: str, *options: str) -> list[str]:
    return ["-m", "mockserver", "mcp", "--url", url, *options]


def over_stdio(url: str, *options: str) -> Client:
    return Client(stdio_client(StdioServerParameters(command=sys.executable, args=command(url, *options))))


@contextmanager
def http_endpoint(url: str, *options: str):
    """The URL of a process that serves over HTTP."""
    arguments = [sys.executable, *command(url, "--http", "0", *options)]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert line.startswith("mockserver mcp: http://127.0.0.1:"), line + process.stderr.read()
        yield line.split()[-1]
        process.terminate()
        assert process.wait(30) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@asynccontextmanager
async def over_http(url: str, *options: str):
    with http_endpoint(url, *options) as endpoint:
        async with Client(endpoint) as client:
            yield client


CONNECTIONS = pytest.mark.parametrize("connect", [over_stdio, over_http], ids=["stdio", "http"])


async def call(client: Client, tool: str, **arguments):
    """The result of a tool that has no error to tell."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def refused(client: Client, tool: str, **arguments) -> str:
    """The error that a tool tells."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.content
    return result.content[0].text


def create(base_url: str, key: str = KEY) -> httpx.Response:
    return httpx.post(f"{base_url}/user-memories", json=MEMORY, headers={"Authorization": f"Bearer {key}"})


@CONNECTIONS
async def test_my_client_got_a_429_why_and_make_the_third_create_fail(connect, make_server):
    server = make_server(limit=parse_limit("2/60s"))
    assert [create(f"{server.url}/v1").status_code for _ in range(3)] == [201, 201, 429]
    async with connect(server.url) as agent:
        # My client got a 429. Why?
        found = await call(agent, "list_exchanges", status=429)
        assert found["total"] == 1
        exchange = found["exchanges"][0]
        assert (exchange["operation"], exchange["stage"], exchange["rule"]) == (CREATE, "limit", "")
        why = (
            r"429, because this teamspace made 2 requests to POST /user-memories since .*; the next is admitted at .*\."
        )
        assert re.fullmatch(why, exchange["why"][0])
        assert exchange["reason"] == "The limit of 2 requests in 60 seconds is reached; retry after 60 s."
        limits = await call(agent, "list_limits", operation=CREATE)
        assert [(row["max"], row["window"], row["remaining"]) for row in limits["limits"]] == [(2, 60, 0)]
        await call(agent, "advance_clock", by="61s")
        assert create(f"{server.url}/v1").status_code == 201

        # Make the third create fail, where it disturbs nobody.
        sandbox = await call(agent, "create_sandbox", name="third", rate_limit="off")
        verdict = await call(agent, "check_scenario", yaml=THIRD_CREATE_FAILS)
        assert verdict == {"ok": True, "problems": []}
        await call(agent, "set_scenario", yaml=THIRD_CREATE_FAILS, sandbox="third")
        url, key = sandbox["base_urls"]["datagrid"], sandbox["api_key"]
        assert [create(url, key).status_code for _ in range(4)] == [201, 201, 429, 201]
        found = await call(agent, "list_exchanges", status=429, sandbox="third")
        exchange = found["exchanges"][0]
        assert (exchange["number"], exchange["stage"], exchange["rule"]) == (3, "rule", "third-create")
        assert exchange["why"] == ["429, because rule 'third-create' (scenario.yaml:5) at call 3 gives this response."]
        assert [rule["fired"] for rule in (await call(agent, "get_scenario", sandbox="third"))["rules"]] == [1]
        whole = await call(agent, "get_exchange", number=3, sandbox="third")
        assert [stage["stage"] for stage in whole["stages"] if stage["outcome"] == "decided"] == ["rule"]
        assert whole["response"]["headers"]["retry-after"] == "2" and whole["request"]["body"] == MEMORY

        # Did the client do what it should?
        assert (await call(agent, "verify", operation=CREATE, times="4", sandbox="third"))["ok"] is True
        wanted = {"operation": CREATE, "body": {"agent_id": "b"}, "sandbox": "third"}
        verdict = await call(agent, "verify", **wanted)
        assert verdict["ok"] is False and verdict["found"] == 0
        assert verdict["near_misses"][0]["differences"][0] == {
            "where": "body.agent_id",
            "expected": '"b"',
            "found": '"a"',
        }
        retries = await call(agent, "check_retries", sandbox="third")
        assert retries["verdicts"][0]["attempts"] == [3, 4] and retries["verdicts"][0]["honoured_retry_after"] is False
        await call(agent, "delete_sandbox", sandbox="third")
        assert [row["name"] for row in (await call(agent, "list_sandboxes"))["sandboxes"]] == ["default"]


@CONNECTIONS
async def test_contracts_and_schemas_are_resources(connect, server):
    async with connect(server.url) as agent:
        listed = {str(resource.uri) for resource in (await agent.list_resources()).resources}
        assert listed == {
            *("mockserver://schemas/scenario", "mockserver://schemas/profile"),
            *("mockserver://contracts/datagrid", "mockserver://contracts/mem0"),
        }
        for uri in listed:
            text = (await agent.read_resource(uri)).contents[0].text
            document = json.loads(text)
            assert document.get("openapi") or document["$schema"]
        with pytest.raises(MCPError, match="There is no API 'datgrid'; did you mean 'datagrid'") as error:
            await agent.read_resource("mockserver://contracts/datgrid")
        assert "Traceback" not in str(error.value)


async def test_operations_are_described_with_their_schemas(server):
    async with over_stdio(server.url) as agent:
        apis = (await call(agent, "list_apis"))["apis"]
        assert [(api["name"], api["operations"] > 3) for api in apis] == [("datagrid", True), ("mem0", True)]
        found = await call(agent, "list_operations", search="createuser")
        assert [row["id"] for row in found["operations"]] == [CREATE] and found["total"] == 1
        described = await call(agent, "describe_operation", operation=CREATE)
        assert described["api"] == "datagrid" and described["operation"]["method"] == "POST"
        text = json.dumps(described["operation"]) + json.dumps(described["referenced"])
        assert set(re.findall(r'"\$ref": "([^"]+)"', text)) == set(described["referenced"]), "each reference is told"
        message = await refused(agent, "describe_operation", operation="Memory.createUserMemry")
        assert f"did you mean '{CREATE}'?" in message
        ref = next(iter(described["referenced"]))
        part = await call(agent, "read_contract", api="datagrid", pointer=ref)
        assert part == {"ref": ref, "value": described["referenced"][ref]}
        message = await refused(agent, "read_contract", api="datagrid", pointer="/components/schema")
        assert "there is nothing at '/components/schema'; /components has" in message and "schemas" in message


async def test_the_world_of_a_sandbox_is_steered_and_read(server):
    async with over_stdio(server.url, "--sandbox", "mine") as agent:
        assert "there is no sandbox 'mine'" in await refused(agent, "show_sandbox")
        made = await call(agent, "create_sandbox", name="mine", scenario="third-call-throttled", credits=2)
        assert made["scenario"] == "third-call-throttled" and made["credits"]["remaining"] == 2
        assert (await call(agent, "show_sandbox"))["name"] == "mine"
        assert (await call(agent, "show_sandbox", sandbox="default"))["name"] == "default"
        await call(agent, "remove_scenario")
        assert (await call(agent, "get_scenario"))["name"] is None
        assert (await call(agent, "set_clock", mode="frozen", now="2030-01-01T00:00:00Z"))["iso"][:4] == "2030"
        assert (await call(agent, "advance_clock", by="1h"))["iso"] == "2030-01-01T01:00:00.000Z"
        assert "give `mode`, `now` or `rate`" in await refused(agent, "set_clock")
        assert create(made["base_urls"]["datagrid"], made["api_key"]).status_code == 201
        state = await call(agent, "read_state")
        assert {"table": "user_memories", "partition": "", "rows": 1} in state["tables"]
        rows = await call(agent, "read_state", table="user_memories")
        assert rows["total"] == 1 and rows["rows"][0]["row"]["memory"] == ["m"]
        assert "did you mean 'user_memories'?" in await refused(agent, "read_state", table="user_memory")
        assert (await call(agent, "set_credits", remaining=0))["remaining"] == 0
        assert create(made["base_urls"]["datagrid"], made["api_key"]).status_code == 402
        assert (await call(agent, "list_exchanges", stage="credits"))["total"] == 1
        assert (await call(agent, "list_exchanges", text="no such text"))["total"] == 0
        assert (await call(agent, "list_exchanges", text="AGENT_ID"))["total"] == 2
        assert (await call(agent, "check_expectations"))["ok"] is True
        await call(agent, "reset_sandbox")
        assert (await call(agent, "list_exchanges"))["total"] == 0
        assert "the name of the sandbox is empty" in await refused(agent, "delete_sandbox", sandbox="")


@CONNECTIONS
async def test_a_mistake_of_the_agent_is_told_so_that_it_can_be_mended(connect, server):
    broken = THIRD_CREATE_FAILS.replace("createUserMemory", "createUserMemry")
    async with connect(server.url) as agent:
        message = await refused(agent, "set_scenario", yaml=broken)
        assert re.search(rf"scenario\.yaml:6:\d+: rule 'third-create': .*did you mean '{CREATE}'", message)
        assert (await call(agent, "get_scenario"))["name"] is None, "a broken one changes nothing"
        problems = (await call(agent, "check_scenario", yaml=broken))["problems"]
        assert [(problem["line"], problem["rule"]) for problem in problems] == [(6, "third-create")]
        assert problems[0]["column"] > 0
        assert "give either `yaml`" in await refused(agent, "set_scenario")
        assert "there is no bundled scenario 'out-of-credit'; did" in await refused(
            agent, "set_scenario", name="out-of-credit"
        )
        assert "there is no sandbox 'ci-1'" in await refused(agent, "list_exchanges", sandbox="ci-1")
        assert "The journal has no exchange #7; it is empty" in await refused(agent, "get_exchange", number=7)
        assert "did you mean 'operation'" in await refused(agent, "verify", operatoin=CREATE)
        assert "there is no operation" in await refused(agent, "verify", operation="createUserMemory")
        assert "limit" in await refused(agent, "list_exchanges", limit=5000)
        assert "by" in await refused(agent, "advance_clock", by="soon")


async def test_a_server_that_does_not_run_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with over_stdio(f"http://127.0.0.1:{port}") as agent:
        message = await refused(agent, "list_apis")
        assert message.endswith(f"nothing answers at http://127.0.0.1:{port}; is `mockserver serve` running?")
        listed = [str(resource.uri) for resource in (await agent.list_resources()).resources]
        assert listed == ["mockserver://schemas/scenario", "mockserver://schemas/profile"]


@pytest.fixture
def guarded():
    """A server with an admin token."""
    with serve_in_thread(create_app(Settings(admin_token="right-token"))) as server:
        yield server


async def test_without_the_right_token_no_tool_does_anything(guarded):
    async with over_stdio(guarded.url) as agent:
        assert "give it with --admin-token" in await refused(agent, "list_apis")
    async with over_stdio(guarded.url, "--admin-token", "wrong-token") as agent:
        message = await refused(agent, "create_sandbox")
        assert "The admin token in X-Mockserver-Admin is not the right one." in message and "wrong-token" not in message
    async with over_stdio(guarded.url, "--admin-token", "right-token") as agent:
        assert (await call(agent, "show_sandbox"))["name"] == "default"


async def test_over_http_the_token_is_asked_of_the_agent_too(guarded):
    with http_endpoint(guarded.url, "--admin-token", "right-token") as endpoint:
        for headers in ({}, {"Authorization": "Bearer wrong-token"}, {"X-Mockserver-Admin": "right-token"}):
            response = httpx.post(endpoint, json={}, headers=headers)
            assert response.status_code == 401 and response.headers["www-authenticate"] == "Bearer"
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer right-token"}) as http,
            Client(streamable_http_client(endpoint, http_client=http)) as agent,
        ):
            assert (await call(agent, "show_sandbox"))["name"] == "default"


def test_a_web_page_can_do_nothing_over_http(server):
    call_tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "reset_sandbox"}}
    accepts = {"Accept": "application/json, text/event-stream"}
    with http_endpoint(server.url) as endpoint:
        for headers, status in (
            ({"Origin": "https://evil.example"}, 403),
            ({"Host": "evil.example:80"}, 421),
            ({"Content-Type": "text/plain"}, 400),
        ):
            response = httpx.post(endpoint, json=call_tool, headers=accepts | headers)
            assert response.status_code == status


def test_other_machines_are_not_let_in_without_a_token(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["mcp", "--http", "0.0.0.0:0"])
    told = capsys.readouterr().err
    assert stopped.value.code == 2 and "other machines can reach 0.0.0.0" in told and "--admin-token" in told


@pytest.mark.parametrize("address", ["", "here", "localhost:", "127.0.0.1:70000", "-1"])
def test_an_address_that_is_none_is_named(address, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["mcp", "--http", address])
    assert stopped.value.code == 2 and "write a port, or a host and a port" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(server, capsys):
    with pytest.raises(SystemExit):
        cli.main(["mcp", "--url", server.url, "--http", str(server.port)])
    assert f"cannot listen on 127.0.0.1:{server.port}" in capsys.readouterr().err


def test_without_the_package_the_extra_is_named(tmp_path):
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError('no mcp', name='mcp')\n")
    arguments = [sys.executable, "-m", "mockserver", "mcp"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("mockserver: `mockserver mcp` needs version 2 of the package mcp")
    assert "pip install 'mockserver[mcp]'" in done.stderr


def test_it_ends_with_its_input_and_says_nothing_of_its_own():
    arguments = [sys.executable, *command("http://127.0.0.1:9")]
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_filters_offer_what_the_admin_api_takes():
    schemas = load_contract(bundled_file("spec", "admin.yaml"), name="admin").document["components"]["schemas"]
    assert set(get_args(Decider)) == set(schemas["Stage"]["enum"]) - {""}
    assert set(get_args(Side)) == set(schemas["Side"]["enum"])


def test_no_other_command_imports_the_package():
    code = (
        "import sys; from mockserver.cli import main\n"
        "try: main.main(['--help'])\n"
        "except SystemExit: pass\n"
        "import mockserver.server.app, mockserver.testing.mock\n"
        "print({'mcp', 'mcp_types'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("set()\n"), done.stdout + done.stderr


def test_secrets_are_masked_as_in_the_admin_api(server):
    secret = "sk-very-secret-key"
    create(f"{server.url}/v1", secret)
    world = AllTools(AdminClient(HTTPTransport(server.url)))
    shown = orjson.dumps([world.list_exchanges(), world.get_exchange(1), world.read_state("user_memories")]).decode()
    assert secret not in shown and '"authorization":"Bearer ***"' in shown


def test_every_result_is_bounded_and_says_what_it_left_out(server):
    long, wide = "x" * 60_000, [f"text {number}" for number in range(5_000)]
    headers = {"Authorization": f"Bearer {KEY}"}
    for memory in [long] * 4 + [wide] * 4 + ["short"] * 72:
        body = {"agent_id": "a", "memory": memory if isinstance(memory, str) else "m", "extra": memory}
        httpx.post(f"{server.url}/v1/user-memories", json=body, headers=headers)
    world = AllTools(AdminClient(HTTPTransport(server.url)))
    listed = world.list_exchanges(limit=100)
    assert size(listed) < ROOM * 1.1 and listed["total"] == 80 > len(listed["exchanges"]) > 10
    assert listed["exchanges"][-1]["number"] == 80, "the newest are kept"
    assert world.list_exchanges(limit=100, after=0)["exchanges"][0]["number"] == 1, "the next ones are kept"
    whole = world.get_exchange(1)
    assert size(whole) < 2 * (MAX_EXCHANGE + ROOM)
    assert re.search(r"x… \[cut: 65,536 characters in all\]$", whole["request"]["body"]), "as much as fits"
    assert len(whole["request"]["body"]) > MAX_EXCHANGE * 0.7
    assert size(world.get_exchange(5)) < 2 * (MAX_EXCHANGE + ROOM)
    rows = world.read_state("user_memories", limit=100)
    assert size(rows) < ROOM * 1.1 and rows["total"] == 80
    assert "characters in all]" in rows["rows"][-1]["row"]["memory"][0]
    second = world.read_state("user_memories", offset=1, limit=1)["rows"]
    assert second == world.read_state("user_memories", limit=2)["rows"][1:]


def test_schemas_for_which_there_is_no_room_are_named():
    responses = {"200": {"description": "d", "content": {"application/json": {"schema": ref("Large")}}}}
    responses["404"] = {"description": "d", "content": {"application/json": {"schema": ref("Small")}}}
    document = {
        "paths": {
            "/x": {"parameters": [{"name": "a"}], "get": {"parameters": [{"name": "b"}], "responses": responses}}
        },
        "components": {"schemas": {"Large": {"description": "x" * ROOM}, "Small": {"items": ref("Small")}}},
    }
    excerpt = operation_excerpt(document, "GET /x")
    assert excerpt["left_off"] == ["#/components/schemas/Large"]
    assert list(excerpt["referenced"]) == ["#/components/schemas/Small"], "what comes after it has room"
    assert [parameter["name"] for parameter in excerpt["operation"]["parameters"]] == ["a", "b"]
    assert size(part_excerpt(document, "#/components/schemas/Large")) < ROOM * 1.1
    with pytest.raises(UserError, match="there is nothing at '/paths/~1y'; /paths has /x"):
        part_excerpt(document, "/paths/~1y")


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000,
        list(range(10_000)),
        {f"member {number}": number for number in range(10_000)},
        [["deep"] * 60] * 60,
        '\x00"é' * 10_000,
        {"x" * 10_000: {"y": ["z" * 10_000]}},
    ],
)
def test_a_value_that_does_not_fit_is_cut_and_says_so(value):
    cut = whole_or_cut(value, 5_000)
    assert size(cut) <= 5_200 and "[cut: " in orjson.dumps(cut).decode()
    assert whole_or_cut(value, 10_000_000) is value


def test_a_list_is_cut_at_a_row_and_never_to_nothing():
    assert fitting(["a" * 100] * 10, 350) == ["a" * 100] * 3
    assert fitting(["a" * 100], 10) == ["a" * 100]
    assert fitting([]) == [] and MAX_ITEMS > 1


def test_every_tool_and_every_argument_is_described():
    for tool in tools(AdminClient(HTTPTransport())):
        text = inspect.getdoc(tool.function)
        assert text and text[0].isupper() and text.partition("\n")[0].endswith("."), tool.name
        for name, parameter in inspect.signature(tool.function, eval_str=True).parameters.items():
            assert parameter.annotation.__metadata__[-1].description.endswith("."), f"{tool.name}: {name}"
    methods = {name for name, _ in inspect.getmembers(AllTools, inspect.isfunction) if name[0] != "_"}
    assert methods == set(EFFECTS), "each has an effect"


def test_the_example_in_the_description_is_a_scenario_that_does_what_it_says(server):
    text = inspect.getdoc(AllTools.set_scenario)
    example = inspect.cleandoc(re.search(r"\n\n((?:    .*\n)+)", text)[1])
    assert example.strip() == THIRD_CREATE_FAILS.strip()


def test_a_tool_that_reads_changes_nothing(server):
    create(f"{server.url}/v1")
    client = AdminClient(HTTPTransport(server.url))
    arguments = {
        "describe_operation": {"operation": CREATE},
        "read_contract": {"api": "datagrid", "pointer": "/paths"},
        "check_scenario": {"yaml": THIRD_CREATE_FAILS},
        "get_exchange": {"number": 1},
    }

    def world():
        return client.show(), client.state(), client.scenario(), client.sandboxes(), client.journal()

    before = world()
    for tool in tools(client):
        if tool.effect == "reads":
            tool.function(**arguments.get(tool.name, {}))
    assert world() == before


PAGE = (Path(__file__).parent.parent / "docs" / "agents.md").read_text(encoding="utf-8")


def tool_table() -> str:
    """The table of the tools, as it stands in the page."""
    rows = []
    for tool in tools(AdminClient(HTTPTransport())):
        first = inspect.getdoc(tool.function).split("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{tool.name}` | {tool.effect} | {first.replace('|', chr(92) + '|')} |\n")
    return "| tool | effect | what it does |\n|---|---|---|\n" + "".join(rows)


def test_the_page_lists_the_tools_as_they_describe_themselves():
    table = tool_table()
    stands = re.search("<!-- tools -->\n(.*)<!-- /tools -->", PAGE, re.DOTALL)[1]
    assert stands == table, f"the table in docs/agents.md must be\n{table}"


async def test_the_configuration_of_the_page_starts_the_tools(server):
    servers = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])["mcpServers"]
    started = servers["mockserver"]
    assert started["command"] == "mockserver" and "http://127.0.0.1:4010" in started["args"]
    arguments = [server.url if "://" in argument else argument for argument in started["args"]]
    program = str(Path(sys.executable).parent / started["command"])
    async with Client(stdio_client(StdioServerParameters(command=program, args=arguments))) as agent:
        assert (await call(agent, "show_sandbox"))["name"] == "default"
