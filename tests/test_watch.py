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

from mockserver.errors import UserError
from mockserver.messages import Request
from mockserver.pipeline.build import build
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
