"""Every sample of the endpoint pages runs as it stands there, against a real server, and gets what the page shows.

Python runs here, cURL in a shell, TypeScript in Node; the long tests check its types with tsc, compile every MDX page,
and do all of it for documents of other people, which are read from where they are.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mockserver.apis import load_api
from mockserver.console.endpoint_pages.blocks import CodeGroup, Page
from mockserver.console.endpoint_pages.running import TERMS
from mockserver.console.endpoint_pages.sent import variables
from mockserver.console.endpoint_pages.site import EndpointPages
from mockserver.console.endpoint_pages.written import files
from mockserver.contract import Operation
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread

ROOT = Path(__file__).parent.parent
SPECS = Path(os.environ.get("MOCKSERVER_SPECS", ROOT.parent / "shared" / "specs"))
DOCUMENTS = ("petstore-3.0.yaml", "mem0-platform-3.0.json", "oai-3.1-tictactoe.yaml", "oai-3.0-uspto.yaml")
BUNDLED = ("datagrid", "mem0", "shop", "tickets")
RUNNER = """
import { createInterface } from "node:readline";
const write = (value) => process.stdout.write(`${JSON.stringify(value)}\\n`);
let output;
console.log = (value) => { output = value; };
for await (const line of createInterface({ input: process.stdin })) {
  const { file, env } = JSON.parse(line);
  Object.assign(process.env, env);
  try { await import(file); write({ output }); } catch (error) { write({ error: String(error) }); }
}
"""
"""Runs one sample after another in one process."""
OPEN = {"NO_PROXY": "*", "no_proxy": "*"}

TEXT = 'it\'s "quoted" `back` ${HOME} $HOME \\ !bang\nsecond line\ttab é 🎉 {brace} <tag> & | %20'
"""What quotes, shells, templates and URLs each take for something else."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Site:
    """The pages of an API, and a server on which their samples can run."""

    pages: EndpointPages
    pipeline: Pipeline
    url: str
    ran: dict[str, int] = field(default_factory=dict)

    def samples(self) -> Iterator[tuple[Operation, Page, dict[str, str]]]:
        """The samples of each page by language, sent to the server; the state is as it was on the page before each."""
        for page in self.pages:
            operation = self.pages.operation(page.slug)
            if operation is None:
                continue
            for block in page.blocks:
                if isinstance(block, CodeGroup):
                    here = f"{self.url}/{self.pages.api.name}"
                    yield operation, page, {b.language: b.text.replace(self.pages.origin, here) for b in block.blocks}

    def prepare(self, operation: Operation) -> dict[str, str]:
        """Do again what went before a request, and the environment for its sample."""
        runner = self.pages.runner
        self.pipeline.sandbox.reset()
        key = runner.key(operation)
        for step in runner.run(operation).steps[:-1]:
            assert self.pipeline.handle(runner.keyed(step)).status == step.response.status
        return dict.fromkeys(variables(self.pages.api.contract, operation).values(), key)

    def check(self, operation: Operation, output: str, read: Any) -> None:
        """See that a sample got what the page shows."""
        step = self.pages.runner.run(operation).last
        response = step.response
        received = [one for one in self.pipeline.sandbox.exchanges() if one.stage != "webhook"]  # those go out later
        exchange = received[-1]
        assert (exchange.operation, exchange.status) == (operation.id, response.status)
        asked, meant = (operation.check_request(r, step.variables) for r in (exchange.request, step.request))
        assert (asked.body, asked.params) == (meant.body, meant.params)
        shown = (response.content or b"").decode("utf-8", "replace")
        host = self.pages.origin.partition("://")[2]
        if step.request.method == "HEAD":
            return
        if response.data is not None and response.media_type and "json" in response.media_type and host not in shown:
            expected = json.loads(shown)
            is_bare = isinstance(expected, str) and read is ast.literal_eval  # `print` writes a text without quotes
            assert (output.removesuffix("\n") if is_bare else read(output)) == expected, operation.id


@contextlib.contextmanager
def site(api: str) -> Iterator[Site]:
    loaded = load_api(api)
    pipeline = Pipeline([loaded], terms=TERMS, checks=Checks(verify_wire=True))
    with serve_in_thread(create_app(pipeline=pipeline)) as server:
        yield Site(EndpointPages(loaded), pipeline, server.url)


def run_python(here: Site) -> int:
    count = 0
    for operation, page, samples in here.samples():
        environ = here.prepare(operation)
        out = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
            for name, value in {**OPEN, **environ}.items():
                patch.setenv(name, value)
            exec(compile(samples["python"], f"{page.slug}.py", "exec"), {})
        here.check(operation, out.getvalue(), ast.literal_eval)
        count += 1
    return count


def run_curl(here: Site) -> int:
    count = 0
    for operation, page, samples in here.samples():
        environ = here.prepare(operation)
        command = samples["bash"].replace("curl ", "curl -sS --fail ", 1)
        done = subprocess.run(
            ["bash", "-c", command], env={**os.environ, **OPEN, **environ}, capture_output=True, timeout=30
        )
        assert done.returncode == 0, (page.slug, command, done.stderr.decode(), done.stdout[:500])
        here.check(operation, done.stdout.decode("utf-8", "replace"), json.loads)
        count += 1
    return count


def run_typescript(here: Site, folder: Path) -> int:
    count = 0
    (folder / "runner.mjs").write_text(RUNNER)
    with subprocess.Popen(["node", "runner.mjs"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
        assert node.stdin is not None and node.stdout is not None
        for operation, page, samples in here.samples():
            if "ts" not in samples:
                continue
            environ = here.prepare(operation)
            file = folder / f"{page.slug}.mjs"
            file.write_text(samples["ts"])  # it has no types of its own, so it is JavaScript as well
            node.stdin.write(json.dumps({"file": file.as_uri(), "env": environ}).encode() + b"\n")
            node.stdin.flush()
            said = json.loads(node.stdout.readline())
            assert "error" not in said, (page.slug, samples["ts"], said)
            here.check(operation, said["output"], lambda output: output)
            count += 1
        node.stdin.close()
    return count


def odd_document() -> dict:
    """Operations whose requests are hard to write down."""
    reply = {"200": {"description": "OK.", "content": {"application/json": {"schema": {"type": "object"}}}}}

    def operation(id: str, media_type: str = "", example: Any = None, schema: Any = None, **more: Any) -> dict:
        node: dict[str, Any] = {"operationId": id, "responses": reply, **more}
        if media_type:
            media = {"schema": schema or {}, **({"example": example} if example is not None else {})}
            node["requestBody"] = {"required": True, "content": {media_type: media}}
        return node

    def parameter(name: str, place: str, example: Any, **schema: Any) -> dict:
        schema = {"type": "string", "example": example, **schema}
        return {"name": name, "in": place, "required": True, "schema": schema}

    every: dict[str, Any] = {
        "text": TEXT,
        "__proto__": 1,
        "a-b": None,
        "big": 2**60,
        "float": 1.5,
        "yes": True,
        "deep": [{"x": [TEXT]}],
    }
    parts = {"plain": TEXT.replace("\n", " "), "data": {"a": 'b";c'}, "semi": "a;b=c,@d", "@file": "<x"}
    names = {"type": "array", "items": {"type": "string"}}
    xml = {"type": "object", "xml": {"name": "x"}}
    moved = {"303": {"description": "There.", "headers": {"Location": {"schema": {"type": "string"}}}}}
    paths = {
        "/json": {"post": operation("postJson", "application/json", every, {"type": "object"})},
        "/vendor": {"post": operation("postVendor", "application/vnd.odd+json", every, {"type": "object"})},
        "/form": {"post": operation("postForm", "application/x-www-form-urlencoded", {"a b": "c&d=é", "t": TEXT})},
        "/parts": {"post": operation("postParts", "multipart/form-data", parts, {"type": "object"})},
        "/text": {"post": operation("postText", "text/plain", TEXT, {"type": "string"})},
        "/xml": {"post": operation("postXml", "application/xml", {"a": "b<c"}, xml)},
        "/bytes": {
            "put": operation("putBytes", "application/octet-stream", None, {"type": "string", "format": "binary"})
        },
        "/search": {
            "get": operation(
                "search",
                parameters=[
                    parameter("q", "query", TEXT),
                    parameter("names", "query", ["a b", "c&d", "é"], **names),
                    parameter("filter[x]", "query", "[1]"),
                    parameter("x-odd", "header", 'it\'s $HOME "x"'),
                ],
            )
        },
        "/things/{id}": {"get": operation("getThing", parameters=[parameter("id", "path", "a b/ü?#'\"$")])},
        "/query-key": {"get": operation("queryKey", security=[{"query": []}])},
        "/cookie-key": {"get": operation("cookieKey", security=[{"cookie": []}])},
        "/basic": {"get": operation("basicKey", security=[{"basic": []}])},
        "/both": {"get": operation("bothKeys", security=[{"query": [], "header": []}])},
        "/read": {"query": operation("queryIt", "application/json", {"a": 1}, {"type": "object"})},
        "/moved": {"get": operation("getMoved") | {"responses": moved}},
        "/delete": {"delete": operation("deleteIt", "application/json", {"a": 1}, {"type": "object"})},
        "/headed": {"head": operation("headIt")},
        "/nothing": {"post": operation("postNothing") | {"responses": {"204": {"description": "Done."}}}},
    }
    schemes = {
        "query": {"type": "apiKey", "in": "query", "name": "api key"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
        "header": {"type": "apiKey", "in": "header", "name": "X-Odd-Secret"},
        "basic": {"type": "http", "scheme": "basic"},
    }
    markup = "</Info> import x from 'y' {1 + } <a b='}'> **x _y `z"
    paths["/json"]["post"] |= {"summary": TEXT, "description": markup}
    paths["/xml"]["post"] |= {"summary": markup, "description": TEXT}
    info = {"title": TEXT, "version": "1", "description": "export const x = {} " + markup}
    return {"openapi": "3.2.0", "info": info, "paths": paths, "components": {"securitySchemes": schemes}}


def test_samples_of_requests_that_are_hard_to_write_run(tmp_path):
    needs("node")
    needs("curl")
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(odd_document()))
    with site(f"odd={file}") as here:
        assert list(here.pages.failed()) == []
        count = len(here.pages.api.contract.operations)
        sent = [here.pages.runner.run(one).last.request for one in here.pages.api.contract.operations.values()]
        for run in (run_python, run_curl, lambda site: run_typescript(site, tmp_path)):
            here.pipeline.sandbox.reset()
            run(here)
        assert len(sent) == count


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")


def spec(name: str) -> str:
    if not (SPECS / name).is_file():
        pytest.skip(f"there is no {SPECS / name}")
    return f"{name.partition('.')[0].partition('-')[0]}={SPECS / name}"


@pytest.mark.parametrize("name", BUNDLED)
def test_python_samples_run(name):
    with site(name) as here:
        assert run_python(here) == len(here.pages.api.contract.operations)


@pytest.mark.parametrize("name", BUNDLED)
def test_curl_samples_run(name):
    needs("curl")
    with site(name) as here:
        assert run_curl(here) == len(here.pages.api.contract.operations)


@pytest.mark.parametrize("name", BUNDLED)
def test_typescript_samples_run(name, tmp_path):
    needs("node")
    with site(name) as here:
        assert run_typescript(here, tmp_path) == len(here.pages.api.contract.operations)


@pytest.mark.long
@pytest.mark.parametrize("name", DOCUMENTS)
def test_samples_of_other_documents_run(name, tmp_path):
    needs("node")
    needs("curl")
    with site(spec(name)) as here:
        assert list(here.pages.failed()) == []
        count = len(here.pages.api.contract.operations)
        assert run_python(here) == run_curl(here) == count
        assert run_typescript(here, tmp_path) <= count


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory) -> Path:
    """A folder with the compilers of TypeScript and MDX."""
    needs("npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    packages = ["typescript@^7", "@types/node@^20", "@mdx-js/mdx@^3"]
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", *packages],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
    )
    if done.returncode:
        pytest.skip(f"npm could not install: {done.stderr[-200:]}")
    return folder


@pytest.mark.long
@pytest.mark.parametrize("name", [*BUNDLED, *DOCUMENTS])
def test_typescript_samples_have_no_type_errors(name, node_modules):
    with site(name if name in BUNDLED else spec(name)) as here:
        folder = node_modules / f"samples-{name}"
        folder.mkdir()
        for _, page, samples in here.samples():
            if "ts" in samples:
                (folder / f"{page.slug}.mts").write_text(samples["ts"] + "\nexport {};\n")
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node"]
    files_of = [str(path) for path in folder.iterdir()]
    command = [str(node_modules / "node_modules" / ".bin" / "tsc"), *options, *files_of]
    done = subprocess.run(command, cwd=node_modules, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout


COMPILE = """
import { compile } from "@mdx-js/mdx";
import { readFileSync, readdirSync } from "node:fs";
for (const name of readdirSync(process.argv[2])) {
  const text = readFileSync(`${process.argv[2]}/${name}`, "utf8").replace(/^---\\n[^]*?\\n---\\n/, "");
  try { await compile(text); } catch (error) { console.error(`${name}: ${error}`); process.exitCode = 1; }
}
"""


@pytest.mark.long
@pytest.mark.parametrize("name", ["odd", *BUNDLED, *DOCUMENTS, "discord-3.1.json", "plaid-3.0.yml"])
def test_every_mdx_page_compiles(name, node_modules):
    if name == "odd":
        file = node_modules / "odd.json"
        file.write_text(json.dumps(odd_document()))
        pages = EndpointPages(load_api(str(file)))
    else:
        pages = EndpointPages(load_api(name if name in BUNDLED else spec(name)))
    folder = node_modules / f"pages-{name}"
    folder.mkdir()
    for file, text in files(pages, "mdx").items():
        (folder / file).write_text(text)
    (node_modules / "compile.mjs").write_text(COMPILE)
    command = ["node", "compile.mjs", str(folder)]
    done = subprocess.run(command, cwd=node_modules, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
