"""`serve --watch`: documents and scenarios are reloaded, rows stay, and what is broken changes nothing."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mockserver.errors import UserError
from mockserver.messages import Request
from mockserver.pipeline.build import build
from mockserver.server import watch
from mockserver.server.app import create_app
from mockserver.server.watch import Watcher
from mockserver.settings import Settings

DOCUMENT = """\
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /orders:
    post:
      operationId: createOrder
      requestBody: {content: {application/json: {schema: {$ref: 'order.yaml'}}}}
      responses: {'201': {description: x, content: {application/json: {schema: {$ref: 'order.yaml'}}}}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getOrder
      responses: {'200': {description: x, content: {application/json: {schema: {$ref: 'order.yaml'}}}}}
"""
ORDER = "type: object\nrequired: [id]\nproperties: {id: {type: string}, item: {type: string}}\n"
SCENARIO = """\
version: 1
name: down
api: shop
rules: [{id: down, op: getOrder, reply: {status: 503}}]
"""


class Shop:
    """A served document in a folder, and what watches it."""

    def __init__(self, folder: Path, **settings) -> None:
        self.folder, self.clock = folder, 1_000_000_000
        self.write("shop.yaml", DOCUMENT)
        self.write("order.yaml", ORDER)
        self.write("down.yaml", SCENARIO)
        chosen = Settings(apis=(str(folder / "shop.yaml"),), watch=True, **settings)
        self.pipeline = build(chosen)
        self.watcher = Watcher(chosen, self.pipeline, lambda change: change())

    def write(self, name: str, text: str) -> None:
        """Write a file as of a later second."""
        self.clock += 1
        (self.folder / name).write_text(text, encoding="utf-8")
        os.utime(self.folder / name, (self.clock, self.clock))

    def look(self) -> None:
        """Two looks: what changed, and that it stands still."""
        self.watcher.look()
        self.watcher.look()

    def send(self, method: str, path: str, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        return self.pipeline.exchange(Request(method, path, "", {"content-type": "application/json"}, content))


@pytest.fixture
def shop(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    return Shop(tmp_path)


def test_an_operation_that_is_added_is_served_and_rows_stay(shop, caplog):
    made = shop.send("POST", "/orders", {"id": "a", "item": "tea"})
    assert made.status == 201
    shop.write(
        "shop.yaml", DOCUMENT + "  /health: {get: {operationId: health, responses: {'204': {description: x}}}}\n"
    )
    shop.look()
    assert shop.send("GET", "/health").status == 204
    assert shop.send("GET", "/orders/a").response.data["item"] == "tea"
    assert "shop is reloaded\n  added health" in caplog.messages


def test_a_file_that_the_document_refers_to_is_watched_too(shop, caplog):
    shop.send("POST", "/orders", {"id": "a", "item": "tea"})
    shop.write("order.yaml", ORDER.replace("item: {type: string}", "item: {type: integer}"))
    shop.look()
    assert shop.send("POST", "/orders", {"id": "b", "item": "tea"}).status == 400
    assert shop.send("POST", "/orders", {"id": "b", "item": 7}).status == 201
    report = next(text for text in caplog.messages if text.startswith("shop is reloaded"))
    assert "changed createOrder" in report and "changed getOrder" in report
    assert "    breaking: the request body/item: the type was string and is integer [request-" in report
    assert 'dropped orders a: item: must be an integer, not the string "tea"' in report


def test_a_change_waits_until_the_file_stands_still(shop):
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
    shop.watcher.look()
    assert "getOrder" in shop.pipeline.apis["shop"].contract.operations
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "fetchOrder"))
    shop.watcher.look()
    assert "getOrder" in shop.pipeline.apis["shop"].contract.operations
    shop.watcher.look()
    assert "fetchOrder" in shop.pipeline.apis["shop"].contract.operations


def test_a_broken_document_is_reported_once_and_the_old_one_is_served(shop, caplog):
    shop.write("shop.yaml", "openapi: [3")
    for _ in range(3):
        shop.look()
    errors = [text for text in caplog.messages if "is not reloaded" in text]
    assert len(errors) == 1
    assert "shop.yaml:2:1" in errors[0] and "what was read before is served" in errors[0]
    assert shop.send("GET", "/orders/a").status == 200
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
    shop.look()
    assert shop.send("GET", "/orders/a").operation == "readOrder"


def test_a_file_that_is_gone_for_a_moment_changes_nothing(shop, caplog):
    (shop.folder / "shop.yaml").rename(shop.folder / "shop.yaml~")
    shop.look()
    (shop.folder / "shop.yaml~").rename(shop.folder / "shop.yaml")
    shop.look()
    assert not [text for text in caplog.messages if "reloaded" in text]


def test_a_scenario_is_exchanged_while_rows_and_credits_stay(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    (tmp_path / "down.yaml").write_text(SCENARIO)
    shop = Shop(tmp_path, scenarios=(str(tmp_path / "down.yaml"),))
    shop.send("POST", "/orders", {"id": "a", "item": "tea"})
    assert shop.send("GET", "/orders/a").status == 503
    shop.write("down.yaml", SCENARIO.replace("op: getOrder", "op: createOrder"))
    shop.look()
    assert shop.send("GET", "/orders/a").response.data["item"] == "tea"
    assert shop.send("POST", "/orders", {"id": "b"}).status == 503
    assert f"{tmp_path / 'down.yaml'} is reloaded\n  changed rule down" in caplog.messages


def test_a_scenario_that_the_new_document_breaks_keeps_the_old_document(tmp_path, caplog):
    (tmp_path / "down.yaml").write_text(SCENARIO)
    shop = Shop(tmp_path, scenarios=(str(tmp_path / "down.yaml"),))
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
    shop.look()
    assert "down.yaml:4" in caplog.text and "no operation 'getOrder'" in caplog.text
    assert shop.send("GET", "/orders/a").operation == "getOrder"
    shop.write("down.yaml", SCENARIO.replace("getOrder", "readOrder"))
    shop.look()
    made = shop.send("GET", "/orders/a")
    assert (made.operation, made.status) == ("readOrder", 503)


def test_a_sandbox_keeps_its_clock_its_credits_and_its_journal(shop):
    sandbox = shop.pipeline.sandboxes.create("mine")
    sandbox.store.grant(7)
    was = sandbox.world
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
    shop.look()
    assert shop.pipeline.sandboxes.get("mine").world is was and was.store.balance().total == 7


def test_a_file_that_stays_away_is_told_once(shop, caplog):
    (shop.folder / "order.yaml").unlink()
    for _ in range(20):
        shop.look()
    errors = [text for text in caplog.messages if "is not reloaded" in text]
    assert len(errors) == 1 and "'order.yaml', which does not exist" in errors[0]
    assert shop.send("GET", "/orders/a").response.data["id"] == "a"


def test_a_file_that_is_only_touched_is_not_read_again(shop, caplog):
    shop.write("shop.yaml", DOCUMENT)
    shop.look()
    assert not [text for text in caplog.messages if "reloaded" in text]


def test_a_file_that_is_saved_by_renaming_another_is_taken(shop):
    shop.write("new.tmp", DOCUMENT.replace("getOrder", "readOrder"))
    (shop.folder / "new.tmp").replace(shop.folder / "shop.yaml")
    shop.look()
    assert "readOrder" in shop.pipeline.apis["shop"].contract.operations


def test_a_request_on_its_way_is_answered_by_the_document_before(shop, monkeypatch):
    operation = shop.pipeline.apis["shop"].contract.operations["getOrder"]
    check = type(operation).check_response

    def interrupted(self, *arguments):
        monkeypatch.undo()
        shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
        shop.look()
        return check(self, *arguments)

    monkeypatch.setattr(type(operation), "check_response", interrupted)
    made = shop.send("GET", "/orders/a")
    assert (made.operation, made.status, made.defect) == ("getOrder", 200, "")
    assert shop.send("GET", "/orders/a").operation == "readOrder"


def test_a_change_of_the_scenario_that_is_extended_is_taken(tmp_path):
    (tmp_path / "base.yaml").write_text(SCENARIO.replace("name: down", "name: base"))
    top = "version: 1\nname: top\napi: shop\nextends: base.yaml\nrules: []\n"
    (tmp_path / "top.yaml").write_text(top)
    shop = Shop(tmp_path, scenarios=(str(tmp_path / "top.yaml"),))
    assert shop.send("GET", "/orders/a").status == 503
    shop.write("base.yaml", SCENARIO.replace("name: down", "name: base").replace("503", "502"))
    shop.look()
    assert shop.send("GET", "/orders/a").status == 502


def test_the_published_document_is_the_one_that_is_served(shop):
    client = TestClient(create_app(Settings(), pipeline=shop.pipeline))
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
    shop.look()
    assert "readOrder" in client.get("/shop/openapi.yaml").text


def test_a_key_of_the_new_document_is_masked(shop):
    scheme = (
        "components: {securitySchemes: {k: {type: apiKey, in: header, name: X-Shop-Secret}}}\nsecurity: [{k: []}]\n"
    )
    shop.write("shop.yaml", DOCUMENT + scheme)
    shop.look()
    request = Request("GET", "/orders/a", "", {"x-shop-secret": "correct-horse-battery"}, b"")
    shop.pipeline.exchange(request)
    assert b"correct-horse" not in b"".join(e for _, e in shop.pipeline.sandbox.store.entries())


def test_a_scenario_is_compiled_for_the_new_document(tmp_path):
    (tmp_path / "down.yaml").write_text(SCENARIO.replace("op: getOrder", 'op: "*"'))
    shop = Shop(tmp_path, scenarios=(str(tmp_path / "down.yaml"),))
    shop.write("down.yaml", SCENARIO.replace("op: getOrder", 'op: "*"'))
    shop.look()
    shop.write(
        "shop.yaml",
        DOCUMENT
        + "  /health: {get: {operationId: health, responses: {'204': {description: x}, '503': {description: x}}}}\n",
    )
    shop.look()
    assert shop.send("GET", "/health").status == 503


def test_an_operation_may_be_renamed_in_document_and_scenario_one_after_the_other(tmp_path):
    (tmp_path / "down.yaml").write_text(SCENARIO)
    shop = Shop(tmp_path, scenarios=(str(tmp_path / "down.yaml"),))
    shop.write("down.yaml", SCENARIO.replace("getOrder", "readOrder"))
    shop.look()
    shop.write("shop.yaml", DOCUMENT.replace("getOrder", "readOrder"))
    shop.look()
    assert shop.send("GET", "/orders/a").operation == "readOrder"
    assert shop.send("GET", "/orders/a").status == 503


def test_two_apis_keep_their_rows_apart_after_a_reload(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text(DOCUMENT)
        (tmp_path / name / "order.yaml").write_text(ORDER)
    chosen = Settings(apis=tuple(str(tmp_path / n / f"{n}.yaml") for n in "ab"), watch=True)
    pipeline = build(chosen)
    watcher = Watcher(chosen, pipeline, lambda change: change())

    def send(method, path, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        return pipeline.exchange(Request(method, path, "", {"content-type": "application/json"}, content))

    assert send("POST", "/b/orders", {"id": "x", "item": "of b"}).status == 201
    (tmp_path / "b" / "b.yaml").write_text(
        DOCUMENT + "  /h: {get: {operationId: h, responses: {'204': {description: x}}}}\n"
    )
    watcher.look()
    watcher.look()
    assert send("GET", "/b/h").status == 204
    assert send("GET", "/b/orders/x").response.data.get("item") == "of b"


PROFILE = "version: 1\ncontract: shop.yaml\noverlays: extra.yaml\n"
OVERLAY = """\
overlay: 1.0.0
info: {title: x, version: '1'}
actions: [{target: '$.info', update: {description: one, x-provenance: assumed}}]
"""


def profiled(tmp_path):
    (tmp_path / "shop.yaml").write_text(DOCUMENT)
    (tmp_path / "order.yaml").write_text(ORDER)
    (tmp_path / "extra.yaml").write_text(OVERLAY)
    (tmp_path / "shop.mock.yaml").write_text(PROFILE)
    chosen = Settings(apis=(str(tmp_path / "shop.mock.yaml"),), watch=True)
    pipeline = build(chosen)
    return pipeline, Watcher(chosen, pipeline, lambda change: change())


def test_the_overlay_of_a_profile_is_watched(tmp_path):
    pipeline, watcher = profiled(tmp_path)
    (tmp_path / "extra.yaml").write_text(OVERLAY.replace("one", "another"))
    watcher.look()
    watcher.look()
    assert pipeline.apis["shop"].contract.document["info"]["description"] == "another"


def test_a_profile_is_watched(tmp_path):
    pipeline, watcher = profiled(tmp_path)
    (tmp_path / "shop.mock.yaml").write_text(PROFILE + "credits: {costs: {createOrder: 2}}\n")
    watcher.look()
    watcher.look()
    assert pipeline.apis["shop"].costs


def test_a_referenced_file_that_is_broken_changes_nothing(shop, caplog):
    shop.write("order.yaml", "type: [object")
    shop.look()
    assert shop.send("POST", "/orders", {"item": 7, "id": 3}).status == 400
    assert "order.yaml:2" in caplog.text and "is not reloaded" in caplog.text


def test_a_referenced_file_that_comes_later_is_taken(shop):
    shop.write("shop.yaml", DOCUMENT.replace("order.yaml", "later.yaml"))
    shop.look()
    shop.write("later.yaml", ORDER.replace("item: {type: string}", "item: {type: integer}"))
    shop.look()
    assert shop.send("POST", "/orders", {"id": "b", "item": "tea"}).status == 400


def test_rows_of_a_resource_that_is_gone_are_dropped(shop, caplog):
    shop.send("POST", "/orders", {"id": "a", "item": "tea"})
    shop.write("shop.yaml", DOCUMENT.replace("/orders", "/purchases"))
    shop.look()
    assert "dropped orders a" in caplog.text


def test_a_change_between_reading_and_watching_is_taken(tmp_path):
    (tmp_path / "shop.yaml").write_text(DOCUMENT)
    (tmp_path / "order.yaml").write_text(ORDER)
    chosen = Settings(apis=(str(tmp_path / "shop.yaml"),), watch=True)
    pipeline = build(chosen)
    (tmp_path / "shop.yaml").write_text(DOCUMENT.replace("getOrder", "readOrder"))
    watcher = Watcher(chosen, pipeline, lambda change: change())
    watcher.look()
    watcher.look()
    assert "readOrder" in pipeline.apis["shop"].contract.operations


def test_a_start_reads_a_document_once(tmp_path, monkeypatch):
    (tmp_path / "shop.yaml").write_text(DOCUMENT)
    (tmp_path / "order.yaml").write_text(ORDER)
    chosen = Settings(apis=(str(tmp_path / "shop.yaml"),), watch=True)
    pipeline = build(chosen)
    monkeypatch.setattr(watch, "load", lambda *a: pytest.fail("it is loaded again"))
    Watcher(chosen, pipeline, lambda change: change())


def test_a_changed_limit_of_a_scenario_is_told(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    (tmp_path / "down.yaml").write_text(SCENARIO)
    shop = Shop(tmp_path, scenarios=(str(tmp_path / "down.yaml"),))
    shop.write("down.yaml", SCENARIO + "limits: [{op: '*', max: 5, window: 60s}]\n")
    shop.look()
    assert "nothing that is served has changed" not in caplog.text


def test_a_url_is_fetched_only_when_that_is_allowed():
    done = subprocess.run(
        [sys.executable, "-m", "mockserver", "serve", "store=https://example.invalid/shop.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    message = "mockserver: https://example.invalid/shop.yaml is on another server; allow that with --allow-remote-refs"
    assert (done.returncode, done.stderr.strip()) == (2, message)


def test_several_workers_cannot_be_watched(tmp_path):
    with pytest.raises(UserError, match=r"--watch reloads one process, and --workers is 2"):
        build(Settings(watch=True, workers=2, state="redis://127.0.0.1:1"))


def test_a_running_server_takes_the_change(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(DOCUMENT.replace("'order.yaml'", "'#/components/schemas/O'") + "components: {schemas: {O: {}}}\n")
    command = [sys.executable, "-m", "mockserver", "serve", str(file), "--port", "0", "--watch"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "admin on" in line)
            url = re.search(r"http://[\d.]+:\d+", line)
            assert url is not None
            threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the server
            file.write_text(file.read_text().replace("/orders/{id}:", "/purchases/{id}:"))
            deadline, status = time.monotonic() + 30, 0
            while status != 200 and time.monotonic() < deadline:
                try:
                    with urllib.request.urlopen(f"{url[0]}/purchases/1", timeout=5) as response:
                        status = response.status
                except urllib.error.HTTPError as error:
                    status = error.code
            assert status == 200
        finally:
            process.terminate()


CODE = """\
from mockserver import Behaviours

api = Behaviours()


@api.operation("getOrder")
def get(call):
    return {"id": call.params["id"], "item": "ONE"}
"""


def test_the_code_of_a_profile_is_read_again_when_it_changes(tmp_path, caplog):
    shop = Shop(tmp_path)
    shop.write("shop.mock.yaml", "version: 1\ncontract: shop.yaml\nbehaviours: code:api\n")
    shop.write("code.py", CODE)
    chosen = Settings(apis=(str(tmp_path / "shop.mock.yaml"),), watch=True)
    shop.pipeline = build(chosen)
    shop.watcher = Watcher(chosen, shop.pipeline, lambda change: change())
    assert shop.send("GET", "/orders/a").response.data["item"] == "ONE"
    shop.write("code.py", CODE.replace("ONE", "TWO"))
    shop.look()
    assert shop.send("GET", "/orders/a").response.data["item"] == "TWO"
    shop.write("code.py", CODE.replace("def get", "def def"))
    shop.look()
    assert "code.py:7: SyntaxError" in caplog.text
    assert shop.send("GET", "/orders/a").response.data["item"] == "TWO", "what was read before is served"
    shop.write("code.py", CODE.replace("ONE", "THREE"))
    shop.look()
    assert shop.send("GET", "/orders/a").response.data["item"] == "THREE"
