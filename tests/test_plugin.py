"""The pytest plugin, by running pytest inside pytest."""

from __future__ import annotations

import re
import threading

import pytest

pytest_plugins = ["pytester"]

# Plugins of other packages take longer to import than most of these runs take.
QUICK = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest")

CLIENT = """
import httpx, pytest
MEMORY = {"agent_id": "a", "memory": "m"}
def bad(mock, method="POST", query="", body=None):
    url = mock.base_url("datagrid") + "/user-memories" + query
    return httpx.request(method, url, json=body, headers={"Authorization": f"Bearer {mock.api_key}"})
def create(mock, **headers):
    headers = {"Authorization": f"Bearer {mock.api_key}", **headers}
    return httpx.post(mock.base_url("datagrid") + "/user-memories", json=MEMORY, headers=headers)
"""


@pytest.fixture
def run(pytester):
    """Runs a test module in a process of its own; gives pytest's result."""

    def run(source, *arguments, **files):
        pytester.makepyfile(test_it=CLIENT + source)
        for name, text in files.items():
            pytester.makefile(".yaml", **{name: text})
        return pytester.runpytest_subprocess(*QUICK, *arguments)

    return run


def test_every_test_has_a_fresh_sandbox(run):
    result = run(
        """
@pytest.mark.parametrize("n", range(5))
def test_one(mockserver, n):
    assert create(mockserver).status_code == 201
    assert len(mockserver.state.rows("user_memories")) == 1
    assert [entry.status for entry in mockserver.requests] == [201]
    assert mockserver.credits.consumed == 1
"""
    )
    result.assert_outcomes(passed=5)


def test_pytest_does_not_read_our_modules_for_assertions_but_those_of_the_suite(run):
    result = run(
        """
import sys

def test_loaders(mockserver):
    loaders = {name: type(getattr(module, '__loader__', None)).__module__ for name, module in list(sys.modules.items())}
    before = {"mockserver.version", "mockserver.testing", "mockserver.testing.pytest_plugin"}
    ours = {name for name in loaders if name.startswith("mockserver.")} - before
    assert len(ours) > 50
    assert not [name for name in ours if loaders[name].startswith("_pytest.")]
    assert loaders[__name__].startswith("_pytest.")
"""
    )
    result.assert_outcomes(passed=1)


def test_markers_of_module_class_and_test_compose(run):
    result = run(
        """
pytestmark = pytest.mark.mockserver(credits=5, clock="2026-01-01T00:00:00Z")

@pytest.mark.mockserver(credits=2, rate_limit="1/10s")
class TestClass:
    @pytest.mark.mockserver(credits=0)
    def test_nearest(self, mockserver):
        assert mockserver.credits.remaining == 0
        assert mockserver.clock.now() == 1767225600.0
        assert create(mockserver).status_code == 402
        assert create(mockserver).status_code == 429
        mockserver.clock.advance("10s")
        mockserver.clock.advance(0.5)
        assert create(mockserver).status_code == 402
        assert mockserver.clock.elapsed == 10.5

    def test_class(self, mockserver):
        assert mockserver.credits.remaining == 2

def test_module(mockserver):
    assert mockserver.credits.remaining == 5

@pytest.mark.mockserver(scenario="out-of-credits", credits=3)
def test_terms_come_before_the_scenarios(mockserver):
    assert mockserver.credits.remaining == 3

@pytest.mark.mockserver(seed=5, clock="x1000", api="mem0")
def test_the_rest(mockserver):
    assert mockserver.clock.rate == 1000
    assert mockserver.base_url().endswith("/mem0")
    assert set(mockserver.client_kwargs()) == {"host", "api_key"}
"""
    )
    result.assert_outcomes(passed=5)


MISTAKES = {
    'scenaro="x"': "did you mean 'scenario'?",
    'scenario="out-of-credit"': "did you mean 'out-of-credits'?",
    'scenario={"version": 1}': "'name' is missing",
    "credits=-1": "credits",
    'rate_limit="fast"': "rate_limit",
    'clock="xfast"': "is not a clock",
    '"out-of-credits"': "keyword arguments only",
}


def test_a_mistake_in_a_marker_is_told(run):
    tests = [
        f"@pytest.mark.mockserver({marker})\ndef test_{number}(mockserver): pass\n"
        for number, marker in enumerate(MISTAKES)
    ]
    result = run("\n".join(tests))
    result.assert_outcomes(errors=len(MISTAKES))
    assert "INTERNALERROR" not in result.stdout.str()
    _, *reports = re.split(r"ERROR at setup of test_\d+", result.stdout.str())
    for report, (marker, said) in zip(reports, MISTAKES.items(), strict=True):
        assert said in report, marker


def test_scenario_files_are_found_beside_the_test_and_in_the_folder(run, pytester):
    text = "version: 1\nname: {}\napi: datagrid\ncredits: 0\n"
    (pytester.mkdir("stories") / "far.yaml").write_text(text.format("far"))
    result = run(
        """
@pytest.mark.mockserver(scenario="far")
def test_far(mockserver):
    assert create(mockserver).status_code == 402
@pytest.mark.mockserver(scenario="near.yaml")
def test_near(mockserver):
    assert create(mockserver).status_code == 402
def test_later(mockserver):
    mockserver.scenario({"version": 1, "name": "x", "api": "datagrid", "credits": 0})
    assert create(mockserver).status_code == 402
    mockserver.credits.set(1)
    assert create(mockserver).status_code == 201
    mockserver.reset()
    assert create(mockserver).status_code == 402
""",
        "--mockserver-scenarios=stories",
        near=text.format("near"),
    )
    result.assert_outcomes(passed=3)


def test_more_than_one_sandbox_in_a_test(run):
    result = run(
        """
def test_two(mockserver_factory):
    one, other = mockserver_factory(credits=1), mockserver_factory(credits=0)
    assert create(one).status_code == 201
    assert create(other).status_code == 402
    assert one.name != other.name
"""
    )
    result.assert_outcomes(passed=1)


def test_unittest_classes_asyncio_and_snapshots(run):
    result = run(
        """
import unittest
class TestOld(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _mock(self, mockserver):
        self.mock = mockserver
    def test_it(self):
        self.assertEqual(create(self.mock).status_code, 201)

@pytest.mark.asyncio
async def test_async(mockserver):
    headers = {"Authorization": f"Bearer {mockserver.api_key}"}
    async with httpx.AsyncClient(base_url=mockserver.base_url(), headers=headers) as client:
        assert (await client.post("/user-memories", json=MEMORY)).status_code == 201

@pytest.mark.anyio
async def test_anyio(mockserver):
    headers = {"Authorization": f"Bearer {mockserver.api_key}"}
    async with httpx.AsyncClient(base_url=mockserver.base_url(), headers=headers) as client:
        assert (await client.post("/user-memories", json=MEMORY)).status_code == 201

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_state(mockserver):
    create(mockserver)
    saved = mockserver.state.snapshot()
    create(mockserver)
    mockserver.state.restore(saved)
    assert len(mockserver.state.rows("user_memories")) == 1
"""
    )
    result.assert_outcomes(passed=4)


def test_a_failing_test_explains_itself(run):
    result = run(
        """
@pytest.mark.mockserver(scenario={"version": 1, "name": "s", "api": "datagrid", "rules": [
    {"id": "busy", "op": "Memory.createUserMemory", "sequence": ["ok", {"rate_limited": {"retry_after": "30s"}}]},
    {"id": "late", "op": "Memory.createUserMemory", "when": {"call": 9}, "reply": "out_of_credits"}]})
def test_story(mockserver):
    create(mockserver)
    create(mockserver)
    create(mockserver)
    bad(mockserver, "GET", "?limit=0")
    mockserver.assert_requested("Memory.createUserMemory", json={"memory": "tea"}, times=1)
"""
    )
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "Memory.createUserMemory: found 0 matching requests, expected 1" in text
    assert 'body.memory: "m", expected "tea"' in text
    assert "- mockserver sandbox-1 -" in text
    assert re.search(r"  429, because rule 'busy' \((scenario|upload\.yaml):\d+\) at call 2 gives this response", text)
    assert "attempt 2 after" in text or "attempt" in text
    assert "400, because the request violates the contract: query limit: must be at least 1, not the integer 0." in text
    assert "credits: 2 consumed" in text
    assert re.search(r"#1 .* 201  added user_memories [0-9a-f-]{36}  1 credit\b", text)
    assert 'near miss of Memory.createUserMemory: body.memory: "m", expected "tea"' in text
    assert re.search(r"near miss of rule late \(\S+:\d+\): call: 3, expected 9", text)


def test_a_broken_expectation_fails_a_test_that_passed(run):
    result = run(
        """
SCENARIO = {"version": 1, "name": "s", "api": "datagrid", "expect": [{"op": "Memory.createUserMemory", "calls": 2}]}
@pytest.mark.mockserver(scenario=SCENARIO)
def test_once(mockserver):
    create(mockserver)
@pytest.mark.mockserver(scenario=SCENARIO)
def test_twice(mockserver):
    create(mockserver)
    create(mockserver)
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    assert "mockserver: calls of Memory.createUserMemory: 1, expected 2" in result.stdout.str()


def test_a_mock_that_breaks_the_contract_fails_the_test(run):
    result = run(
        """
SCENARIO = {"version": 1, "name": "s", "api": "datagrid", "rules": [
    {"id": "r", "op": "Memory.listUserMemory", "set": {"/data/0/memory/0": "tea"}}]}
@pytest.mark.mockserver(scenario=SCENARIO)
def test_x(mockserver):
    httpx.get(mockserver.base_url() + "/user-memories", headers={"Authorization": f"Bearer {mockserver.api_key}"})
"""
    )
    result.assert_outcomes(failed=1)
    assert "the mock itself failed" in result.stdout.str()


STRICT = """
def test_invalid(mockserver):
    bad(mockserver, body={})
def test_declared(mockserver):
    mockserver.allow_invalid()
    bad(mockserver, body={})
@pytest.mark.mockserver(scenario="billing-write-lost")
def test_unfired(mockserver):
    mockserver.scenario({"version": 1, "name": "s", "api": "datagrid", "rules": [
        {"id": "never", "op": "getCredits", "reply": "rate_limited"}]})
"""


def test_strict(run, pytester):
    run(STRICT).assert_outcomes(passed=3)
    result = run(STRICT, "--mockserver-strict")
    result.assert_outcomes(passed=1, failed=2)
    assert "`mockserver.allow_invalid()` declares one" in result.stdout.str()
    assert re.search(r"the rule 'never' \(\S+:\d+\) never fired; the API was not called", result.stdout.str())
    pytester.makeini("[pytest]\nmockserver_strict = true\n")
    run(STRICT).assert_outcomes(passed=1, failed=2)


def test_a_document_of_ones_own(run, pytester):
    pytester.makefile(
        ".yaml",
        shop="""
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /things:
    get:
      operationId: listThings
      responses: {'200': {description: ok, content: {application/json: {schema: {type: array, items: {type: string}}}}}}
""",
    )
    source = """
@pytest.mark.mockserver(api="shop")
def test_shop(mockserver):
    assert httpx.get(mockserver.base_url() + "/things").json() == ["sample"]
    mockserver.assert_requested("listThings")
"""
    run(source, "--mockserver-spec=shop=shop.yaml").assert_outcomes(passed=1)
    result = run(source, "--mockserver-spec=nothing.yaml")
    assert "there is no file 'nothing.yaml'" in result.stdout.str() + result.stderr.str()


def test_a_sidecar_instead_of_a_server_of_our_own(run, make_server):
    server = make_server()
    source = """
def test_x(mockserver):
    assert create(mockserver).status_code == 201
    mockserver.assert_requested("Memory.createUserMemory", times=1)
    mockserver.scenario("out-of-credits")
    assert create(mockserver).status_code == 402
"""
    result = run(source, f"--mockserver-url={server.url}")
    result.assert_outcomes(passed=1)
    assert [sandbox.name for sandbox in server.app.state.pipeline.sandboxes.all()] == ["default"], "it was taken away"
    result = run(source, "--mockserver-url=http://127.0.0.1:9")
    assert "nothing answers at http://127.0.0.1:9" in result.stdout.str() + result.stderr.str()


CROWD = """
@pytest.mark.parametrize("n", range(400))
def test_one(mockserver, n):
    assert create(mockserver).json()["credits"] == {"consumed": 1}
    assert [row["agent_id"] for row in mockserver.state.rows("user_memories")] == ["a"]
    assert len(mockserver.requests) == 1
"""


@pytest.mark.long
@pytest.mark.parametrize("where", ["a server per worker", "one sidecar"])
def test_400_tests_in_4_workers(run, make_server, where):
    options = ["-n", "4"]
    if where == "one sidecar":
        options.append(f"--mockserver-url={make_server().url}")
    run(CROWD, *options).assert_outcomes(passed=400)


def test_nothing_is_left_behind():
    from mockserver import Session

    before = threading.active_count()
    session = Session()
    session.end(session.sandbox())
    session.close()
    assert threading.active_count() == before


def test_nothing_heavy_is_imported_until_it_is_asked_for(run):
    result = run(
        """
import sys
def test_x():
    assert "starlette" not in sys.modules and "mockserver.pipeline.pipeline" not in sys.modules
"""
    )
    result.assert_outcomes(passed=1)


def test_every_option_has_an_ini_key(run, pytester, make_server):
    """Each is given in the ini file alone, and must do what the option does."""
    stories = pytester.mkdir("stories")
    (stories / "poor.yaml").write_text("version: 1\nname: poor\napi: datagrid\ncredits: 0\n")
    (pytester.path / "shop.yaml").write_text(
        "openapi: 3.0.3\ninfo: {title: Shop, version: '1'}\npaths:\n  /things:\n    get:\n"
        "      responses: {'204': {description: none}}\n"
    )
    pytester.makeini(
        "[pytest]\nmockserver_spec = shop=shop.yaml\nmockserver_scenarios = stories\n"
        "mockserver_coverage = json\nmockserver_fail_under = 99\n"
    )
    source = """
@pytest.mark.mockserver(scenario="poor")
def test_it(mockserver):
    assert create(mockserver).status_code == 402
    assert httpx.get(mockserver.base_url("shop") + "/things").status_code == 204
"""
    result = run(source)
    result.assert_outcomes(passed=1)
    assert result.ret == 1 and "--mockserver-fail-under=99" in result.stdout.str()
    assert (pytester.path / "mockserver-coverage.json").is_file()

    server = make_server()
    pytester.makeini(f"[pytest]\nmockserver_url = {server.url}\n")
    run(f"def test_it(mockserver):\n    assert mockserver.base_url().startswith('{server.url}')").assert_outcomes(
        passed=1
    )
    result = run("def test_it(mockserver): pass", "--mockserver-url=http://127.0.0.1:9")
    assert "nothing answers at http://127.0.0.1:9" in result.stdout.str() + result.stderr.str(), "the option wins"


COVERED = """
def test_created(mockserver):
    create(mockserver)
@pytest.mark.mockserver(credits=0)
def test_refused(mockserver):
    create(mockserver)
"""


@pytest.mark.long
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_coverage(run, pytester, workers):
    result = run(COVERED, "--mockserver-coverage=term,html,json", *workers)
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    assert "mockserver coverage" in text
    assert "Memory.createUserMemory" in text
    page = (pytester.path / "mockserver-coverage.html").read_text()
    assert "Memory.createUserMemory" in page and "http://" not in page.replace("http://www.w3.org", "")
    counts = (pytester.path / "mockserver-coverage.json").read_text()
    assert "Memory.createUserMemory" in counts


@pytest.mark.parametrize(("under", "code"), [("1", 0), ("99", 1)])
def test_fail_under(run, under, code):
    result = run(COVERED, f"--mockserver-fail-under={under}")
    assert result.ret == code
    assert ("FAIL:" in result.stdout.str()) is bool(code)


def test_a_wrong_kind_of_report_is_told(run):
    result = run(COVERED, "--mockserver-coverage=htm")
    assert "did you mean 'html'?" in result.stdout.str() + result.stderr.str()


ORDERS = """
version: 1
contract: openapi.yaml
name: orders
scenarios: cases
resources: {orders: {unknown: '404'}}
credits: {start: 3, costs: {createOrder: 2}}
"""
ORDERS_DOCUMENT = """
openapi: 3.0.3
info: {title: Orders, version: '1'}
paths:
  /orders:
    post:
      operationId: createOrder
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
      responses:
        '201': {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getOrder
      responses:
        '200': {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
        '404': {description: x}
components:
  schemas:
    Order:
      type: object
      required: [id]
      properties: {id: {type: string, readOnly: true}, item: {type: string}}
"""


@pytest.fixture
def profile(pytester):
    """A profile of orders in the folder of the tests, with a scenario of its own."""
    (pytester.path / "openapi.yaml").write_text(ORDERS_DOCUMENT)
    (pytester.path / "orders.mock.yaml").write_text(ORDERS)
    (pytester.path / "cases").mkdir()
    rule = "{id: gone, op: getOrder, reply: not_found, then: {flag: asked}}"
    (pytester.path / "cases" / "gone.yaml").write_text(f"version: 1\nname: gone\napi: orders\nrules: [{rule}]\n")


def test_a_profile_of_the_ini_file_is_what_a_test_means(run, profile, pytester):
    pytester.makeini("[pytest]\nmockserver_profile = orders.mock.yaml\n")
    result = run(
        """
def test_it(mockserver):
    made = httpx.post(mockserver.base_url() + "/orders", json={"item": "tea"})
    assert made.status_code == 201 and mockserver.credits.remaining == 1
    assert httpx.get(mockserver.base_url() + f"/orders/{made.json()['id']}").json()["item"] == "tea"
    assert httpx.post(mockserver.base_url() + "/orders", json={"item": "tea"}).status_code == 402
    assert mockserver.base_url("datagrid") != mockserver.base_url()

@pytest.mark.mockserver(scenario="gone")
def test_a_scenario_of_the_profile(mockserver):
    assert httpx.get(mockserver.base_url() + "/orders/1").status_code == 404
"""
    )
    result.assert_outcomes(passed=2)


def test_the_marker_names_an_api_or_a_profile(run, profile):
    result = run(
        """
@pytest.mark.mockserver(api="shop.mock.yaml")
def test_a_profile_that_is_not_there(mockserver):
    pass

@pytest.mark.mockserver(api="orders.mock.yaml")
def test_a_profile(mockserver):
    assert httpx.get(mockserver.base_url() + "/orders/1").status_code == 404
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*there is no file 'shop.mock.yaml'*did you mean*"])


def test_the_factory_serves_an_api_that_a_test_has_made(run, profile):
    result = run(
        """
from mockserver import Api, Behaviours, UserError

def test_it(mockserver_factory):
    code = Behaviours()
    @code.operation("getOrder")
    def get(call):
        return {"id": call.params["id"], "item": "by code"}
    api = code.over(Api.from_openapi("openapi.yaml", name="mine"))
    mock = mockserver_factory(api=api)
    assert httpx.get(mock.base_url() + "/orders/7").json() == {"id": "7", "item": "by code"}
    assert mockserver_factory(api=api).base_url().endswith("/mine")
    with pytest.raises(pytest.fail.Exception, match="another API is called 'mine'"):
        mockserver_factory(api=Api.from_openapi("openapi.yaml", name="mine"))
"""
    )
    result.assert_outcomes(passed=1)
