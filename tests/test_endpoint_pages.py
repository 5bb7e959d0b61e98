"""Endpoint pages: the whole layout, requests that were executed, texts that stay texts, and `docs --check`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from mockserver.apis import Api, load_api
from mockserver.cli.main import cli
from mockserver.console.endpoint_pages.markdown import render
from mockserver.console.endpoint_pages.site import EndpointPages
from mockserver.console.endpoint_pages.written import FORMATS, files
from mockserver.errors import UserError

ROOT = Path(__file__).parent.parent
SPECS = Path(os.environ.get("MOCKSERVER_SPECS", ROOT.parent / "shared" / "specs"))
LAYOUT = [
    r"\A---\ntitle: .+\ndescription: .+\nicon: .+\nmethod: .+\npath: .+\n---\n",
    r"^# (GET|POST|PUT|PATCH|DELETE) /",
    r"^\| Method \| Path \| Auth \| Rate limit \|$",
    r"^<Info>\nUse this endpoint .+ Prefer \[.+\]\(\./[\w-]+\) .+\n</Info>$",
    r"^## Request$",
    r"^\| Name \| Required \| Description \|$",
    r"^<CodeGroup>$",
    r"^```bash Shell\ncurl ",
    r"^```python Python$",
    r"^```ts TypeScript$",
    r"^</CodeGroup>$",
    r"^<Tip>$",
    r"^## Response$",
    r"^\| Status \| Meaning \| Fix \|$",
    r"^<Note>$",
    r"^## Related endpoints$",
    r"^## Sample workflow$",
    r"^<CardGroup cols=\{2\}>$",
    r"^</CardGroup>$",
]
"""The parts of the layout that every page has, in order."""


def page_of(api: Api, operation: str, form: str = "mdx") -> str:
    pages = EndpointPages(api)
    [slug] = [slug for known, slug in pages._slugs.items() if known.id == operation]
    return FORMATS[form](pages.page(slug))


def shop(paths: dict, **more: object) -> Api:
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **more}
    return Api.from_openapi(document, name="t")


def ok(**schema: object) -> dict:
    return {"200": {"description": "OK.", "content": {"application/json": {"schema": schema or {"type": "object"}}}}}


@pytest.mark.parametrize("name", ["datagrid", "mem0", "shop", "tickets"])
def test_every_page_has_every_part_of_the_layout_in_order(name):
    for page in [page for page in EndpointPages(load_api(name)) if page.method]:
        text, at = render(page, "mdx"), 0
        for part in LAYOUT:
            found = re.compile(part, re.MULTILINE).search(text, at)
            assert found, (page.slug, part, text)
            at = found.start()


@pytest.mark.parametrize("name", ["datagrid", "mem0", "shop", "tickets"])
def test_every_request_of_the_bundled_apis_succeeds(name):
    pages = EndpointPages(load_api(name))
    assert list(pages.failed()) == []
    for operation in pages.api.contract.operations.values():
        run = pages.runner.run(operation)
        assert [step.response.status for step in run.steps if not step.is_success] == []
        assert not [v for step in run.steps for v in step.operation.check_response(step.response)]


def test_ids_come_from_the_requests_before():
    pages = EndpointPages(load_api("tickets"))
    run = pages.runner.run(pages.api.contract.operations["getComment"])
    assert [step.operation.id for step in run.steps] == ["openTicket", "addComment", "getComment"]
    made = [step.response.data for step in run.steps]
    assert run.last.variables["number"] == str(made[0]["number"])
    assert run.last.variables["comment_id"] == made[1]["id"] == made[2]["id"]


@pytest.mark.parametrize("form", ["mdx", "md", "html"])
def test_pages_are_the_same_each_time(form):
    first, second = (files(EndpointPages(load_api("mem0")), form) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["datagrid", "mem0", "admin"])
def test_the_committed_pages_are_those_of_the_contract(name):
    folder = ROOT / "docs" / "api"
    what = str(folder / "admin.mock.yaml") if name == "admin" else name
    done = CliRunner().invoke(cli, ["docs", what, "--out", str(folder / name), "--format", "md", "--check"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", ["datagrid", "mem0", "shop", "tickets"])
@pytest.mark.parametrize("form", ["mdx", "md", "html"])
def test_links_lead_to_pages_that_exist(name, form):
    made = files(EndpointPages(load_api(name)), form)
    ending = "" if form == "mdx" else f".{form}"
    known = {name.removesuffix(f".{form}") + ending for name in made}
    links = [link for text in made.values() for link in re.findall(r'(?:\]\(|href=")\./([^)"#]+)', text)]
    assert len(links) > 20
    assert set(links) <= known


class TestCheck:
    def test_a_change_of_one_schema_makes_pages_stale_until_they_are_written_again(self, tmp_path):
        file, out = tmp_path / "shop.json", tmp_path / "pages"
        schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "Shop", "version": "1"},
            "paths": {
                "/orders": {"post": {"operationId": "createOrder", "responses": ok(**schema)}},
                "/orders/{id}": {
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "get": {"operationId": "getOrder", "responses": ok(**schema)},
                },
            },
        }
        file.write_bytes(orjson.dumps(document))

        def run(*options: str):
            return CliRunner().invoke(cli, ["docs", str(file), "--out", str(out), *options])

        assert run("--check").exit_code == 1
        assert run().exit_code == 0
        assert run("--check").exit_code == 0
        schema["properties"]["total"] = {"type": "integer", "example": 17}
        schema["required"].append("total")
        file.write_bytes(orjson.dumps(document))
        stale = run("--check")
        assert stale.exit_code == 1
        assert '+  "total": 17' in stale.output
        assert "create-order.mdx" in stale.output
        assert "index.mdx" not in stale.output
        assert run().exit_code == 0
        assert run("--check").exit_code == 0

    def test_the_page_of_an_operation_that_is_gone_is_stale_and_other_files_stay(self, tmp_path):
        arguments = ["docs", "datagrid", "--out", str(tmp_path), "--format", "md"]
        assert CliRunner().invoke(cli, arguments).exit_code == 0
        old = tmp_path / "get-nothing.md"
        old.write_text((tmp_path / "get-credits.md").read_text())
        own = tmp_path / "notes.md"
        own.write_text("My own notes.\n")
        done = CliRunner().invoke(cli, [*arguments, "--check"])
        assert done.exit_code == 1
        assert "get-nothing.md" in done.output
        assert "notes.md" not in done.output
        assert CliRunner().invoke(cli, arguments).exit_code == 0
        assert own.exists()
        assert not old.exists()


class TestWarnings:
    def test_there_is_none_when_there_is_nothing_to_beware_of(self):
        assert "<Warning>" not in page_of(load_api("mem0"), "createMemory")

    def test_deprecation_scopes_and_beta_headers_are_told(self):
        beta = {"name": "shop-beta", "in": "header", "required": True, "schema": {"type": "string"}}
        node = {
            "operationId": "getThing",
            "deprecated": True,
            "security": [{"login": ["things:read", "things:list"]}],
            "parameters": [beta],
            "responses": ok(),
        }
        flow = {"tokenUrl": "https://t.example/token", "scopes": {"things:read": "", "things:list": ""}}
        schemes = {"login": {"type": "oauth2", "flows": {"clientCredentials": flow}}}
        text = page_of(shop({"/thing": {"get": node}}, components={"securitySchemes": schemes}), "getThing")
        [warning] = re.findall(r"<Warning>\n(.*)\n</Warning>", text)
        assert "deprecated" in warning
        assert "`things:read` and `things:list`" in warning
        assert "`shop-beta`" in warning


class TestTextsOfADocument:
    HOSTILE = "<img src=x onerror=alert(1)> {process.exit()} | a [link](javascript:alert(1)) <!-- --> </script>"

    def pages(self, form: str) -> str:
        """The page and the list, without what stands between code marks."""
        schema = {"type": "object", "properties": {"it": {"type": "string", "enum": [self.HOSTILE]}}}
        node = {
            "operationId": "getIt",
            "tags": [self.HOSTILE],
            "requestBody": {"content": {}},
            "responses": ok(**schema),
        }
        node["requestBody"]["content"] = ok(**schema)["200"]["content"]
        node |= {"summary": self.HOSTILE, "description": self.HOSTILE}
        api = shop({"/it/<img src=x>/{x}": {"post": node}}, info={"title": self.HOSTILE, "version": "1"})
        text = "".join(FORMATS[form](page) for page in EndpointPages(api))
        if form == "html":
            return text
        text = re.sub(r'^    (?:title|description)=".*"$', "", text, flags=re.MULTILINE)  # texts, whatever they hold
        text = re.sub(r"^---\n.*?\n---\n|^(`{3,})\w.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
        return re.sub(r"(`+)[^`].*?\1", "", text)

    @pytest.mark.parametrize("form", ["md", "mdx", "html"])
    def test_are_no_markup_and_no_expressions(self, form):
        text = self.pages(form)
        assert not re.search(r"(?<!\\)<(?:img|/script|!-- -->)", text)
        link = 'href="javascript' if form == "html" else r"(?<!\\)\]\(javascript"
        assert not re.search(link, text)
        if form == "mdx":
            assert not re.search(r"(?<!\\)\{process", text)

    def test_wrong_words_are_told_with_their_place(self):
        node = {"operationId": "getIt", "x-docs": {"prefered": {}}, "responses": ok()}
        with pytest.raises(UserError, match=r"x-docs of getIt has no 'prefered'.*did you mean 'prefer'"):
            EndpointPages(shop({"/it": {"get": node}}))


class TestAdvice:
    def callout(self, text: str, kind: str) -> str:
        [found] = re.findall(rf"<{kind}>\n(.*)\n</{kind}>", text)
        return found

    def test_a_list_tells_how_to_get_the_next_page(self):
        assert "the token in `next_page_token` as `page_token`" in page_of(load_api("mem0"), "listMemories")
        assert "the number of rows that you have as `offset`" in page_of(load_api("datagrid"), "Memory.listUserMemory")
        paths = {"/find": {"post": {"operationId": "find", "responses": ok()}}}
        body = {"content": {"application/json": {"schema": {"properties": {"cursor": {"type": "string"}}}}}}
        paths["/find"]["post"]["requestBody"] = body
        assert self.callout(page_of(shop(paths), "find"), "Note") == "Another page is asked for with `cursor`."

    def test_the_form_for_several_and_the_idempotency_key_are_told(self):
        tip = self.callout(page_of(load_api("mem0"), "createMemory"), "Tip")
        assert tip.startswith("Several at once? Use [POST /v1/memories/batch](./create-memory-batch).")
        assert "`Idempotency-Key`" in self.callout(page_of(load_api("shop"), "createOrder"), "Tip")
        assert "Idempotency" not in self.callout(page_of(load_api("shop"), "cancelOrder"), "Tip")

    def test_the_fix_of_a_status_names_what_this_request_needs(self):
        text = page_of(load_api("mem0"), "createMemory")
        assert re.search(r"^\| `400` \| .+ \| Provide `user_id` and `memory`\. \|$", text, re.MULTILINE)
        assert "Send a valid key as `Authorization: Bearer KEY`." in text
        read = page_of(load_api("mem0"), "getMemory")
        assert "such as one that [POST /v1/memories](./create-memory) answered." in read

    def test_a_field_that_only_one_of_several_forms_needs_is_not_called_required(self):
        text = page_of(load_api("mem0"), "addMemories")
        assert re.search(r"^\| `user_id` \| string \| Depends \|", text, re.MULTILINE)
        assert re.search(r"^\| `messages` \| [^|]+ \| Yes \|", text, re.MULTILINE)

    def test_the_words_of_the_contract_go_before(self):
        words = {"use": "when it rains", "prefer": {"operation": "other", "for": "sunshine"}, "title": "Rain"}
        words |= {"warning": "It is wet.", "tip": "Take a coat.", "note": "No pages.", "fix": {"200": "Dry up."}}
        node = {"operationId": "rain", "x-docs": words, "responses": ok()}
        text = page_of(
            shop({"/rain": {"get": node}, "/sun": {"get": {"operationId": "other", "responses": ok()}}}), "rain"
        )
        assert text.startswith('---\ntitle: "Rain"')
        assert self.callout(text, "Info") == "Use this endpoint when it rains. Prefer [GET /sun](./other) for sunshine."
        assert self.callout(text, "Warning") == "It is wet."
        assert self.callout(text, "Tip").startswith("Take a coat. ")
        assert self.callout(text, "Note") == "No pages."
        assert "| `200` | OK. | Dry up. |" in text


class TestExamples:
    def test_no_text_is_just_the_name_of_its_field(self):
        schema = {"type": "object", "required": ["agent_id", "memory", "tags"]}
        schema["properties"] = {"agent_id": {"type": "string"}, "memory": {"type": "string"}}
        schema["properties"]["tags"] = {"type": "array", "minItems": 1, "items": {"type": "string"}}
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        node = {"operationId": "store", "requestBody": body, "responses": ok()}
        pages = EndpointPages(shop({"/memories": {"post": node}}))
        [operation] = pages.api.contract.operations.values()
        assert pages.runner.run(operation).last.body == {"agent_id": "agent-1", "memory": "a memory", "tags": ["a tag"]}

    def test_a_text_that_its_schema_does_not_take_stays_the_sample(self):
        schema = {"type": "object", "required": ["code"], "properties": {"code": {"const": "code"}}}
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        node = {"operationId": "store", "requestBody": body, "responses": ok()}
        pages = EndpointPages(shop({"/codes": {"post": node}}))
        [operation] = pages.api.contract.operations.values()
        assert pages.runner.run(operation).last.body == {"code": "code"}

    def test_the_example_of_the_document_is_sent(self):
        pages = EndpointPages(load_api("mem0"))
        run = pages.runner.run(pages.api.contract.operations["createMemory"])
        assert run.last.body == {"user_id": "alex", "memory": "Prefers email follow-ups."}


def test_an_operation_without_a_success_is_told_and_its_page_shows_what_is_answered(tmp_path):
    schema = {"type": "integer", "minimum": 2, "maximum": 1}
    file = tmp_path / "odd.json"
    paths = {"/odd": {"get": {"operationId": "getOdd", "responses": ok(**schema)}}}
    file.write_bytes(orjson.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths}))
    done = CliRunner().invoke(cli, ["docs", str(file), "--out", str(tmp_path / "pages")])
    assert done.exit_code == 0
    assert "getOdd: no request was found that succeeds: it is answered 501" in done.output
    assert "It answers `501 Not Implemented`:" in (tmp_path / "pages" / "get-odd.mdx").read_text()


def test_a_document_with_mistakes_everywhere_has_pages():
    responses = {"x-mine": 1, "2XX": {"description": 5}, "abc": {}, "4xx": {"description": "Wrong."}}
    node = {"operationId": "get", "tags": "t", "summary": 5, "description": [], "deprecated": "yes"}
    node |= {"security": [{"x": "no"}, {"y": ["s"]}, {}], "responses": {**responses, "default": {"$ref": "#/nowhere"}}}
    node["parameters"] = [
        {"name": "id", "in": "path", "required": True},
        {"name": "q", "in": "query", "examples": 5, "schema": {"enum": "x", "minimum": "1", "type": "integer"}},
    ]
    recursive = {"type": "object", "required": ["r"], "properties": {"r": {"$ref": "#/components/schemas/R"}}}
    body = {"schema": {"properties": {"a": True, "r": {"$ref": "#/components/schemas/R"}}, "required": [1, "r"]}}
    content = {"application/json": {**body, "examples": {"a": 5, "b": {"value": 1}, "c": {"$ref": "#/nope"}}}}
    links = {"l": {"operationId": "get", "parameters": [1]}, "m": 5, "n": {"$ref": "#/no"}}
    make = {"operationId": "make", "requestBody": {"content": content}, "responses": {}}
    put = {
        "operationId": "put",
        "x-docs": {"after": ["make"]},
        "responses": {"200": {"description": "", "links": links}},
    }
    schemes = {"x": {"type": "apiKey", "in": "header", "name": "X-Y"}, "y": {"type": "oauth2"}}
    api = shop(
        {"/a/{id}": {"get": node, "post": make, "put": put}},
        info={"title": 7, "version": "1", "description": ["x"]},
        servers=[{"url": "https://{h}.example/{v}/", "variables": {"h": 7}}],
        components={"schemas": {"R": recursive}, "securitySchemes": schemes},
    )
    pages = EndpointPages(api)
    for form in FORMATS:
        assert len(files(pages, form)) >= 4
    assert [operation for operation, _ in pages.failed()] == ["make"]  # nothing satisfies its body


def test_a_document_without_operations_is_told(tmp_path):
    file = tmp_path / "empty.json"
    file.write_bytes(orjson.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}))
    done = CliRunner().invoke(cli, ["docs", str(file), "--out", str(tmp_path / "pages")])
    assert isinstance(done.exception, UserError)
    assert "no operation" in str(done.exception)


@pytest.mark.long
@pytest.mark.parametrize("name", ["petstore-3.0.yaml", "mem0-platform-3.0.json", "discord-3.1.json", "plaid-3.0.yml"])
def test_pages_of_other_documents(name):
    """Read where they are; nothing of them is kept here."""
    if not (SPECS / name).is_file():
        pytest.skip(f"there is no {SPECS / name}; set MOCKSERVER_SPECS to the folder of published documents")
    pages = EndpointPages(load_api(str(SPECS / name)))
    made = files(pages, "mdx")
    assert len(made) == len(pages.api.contract.operations) + 1
    assert list(pages.failed()) == []
    assert made == files(EndpointPages(load_api(str(SPECS / name))), "mdx")
    links = {link for text in made.values() for link in re.findall(r'(?:\]\(|href=")\./([^)"#]+)', text)}
    assert links <= {file.removesuffix(".mdx") for file in made}
