"""`mockserver conform --allow-writes`: rows of our own are made, and none is left, whatever happens."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from conform_server import serving

from mockserver.cli.conform import conform

NOTE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "text"],
    "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
}
SENT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "example": "first"}}}
PATCHED = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "example": "second"}}}


def answers(schema: dict[str, Any] | None, *statuses: str) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}} if schema else {}
    return {status: {"description": "x", **(content if status < "300" else {})} for status in statuses}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


ID = {"name": "note_id", "in": "path", "required": True, "schema": {"type": "string"}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Notes", "version": "1"},
    "paths": {
        "/notes": {
            "get": {"responses": answers({"type": "array", "items": NOTE}, "200")},
            "post": {"requestBody": body(SENT), "responses": answers(NOTE, "201")},
        },
        "/notes/{note_id}": {
            "parameters": [ID],
            "get": {"responses": answers(NOTE, "200", "404")},
            "patch": {"requestBody": body(PATCHED), "responses": answers(NOTE, "200", "404")},
            "delete": {"responses": answers(None, "204", "404")},
        },
    },
}


class Notes:
    """A server of notes, as an ASGI app, that can be wrong in a named way."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong
        self.rows: dict[str, dict[str, str]] = {}
        self.deletions: list[str] = []
        self.was_read = threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        sent, more = b"", True
        while more:
            message = await receive()
            sent, more = sent + message.get("body", b""), message.get("more_body", False)
        if self.wrong == "silent" and scope["method"] == "GET" and self.rows:
            self.was_read.set()
            await receive()  # says nothing until the client goes away
            return
        status, value = self.answer(scope["method"], scope["path"].removeprefix("/v1"), sent)
        content = b"" if value is None else orjson.dumps(value)
        headers = [(b"content-length", str(len(content)).encode())]
        headers += [(b"content-type", b"application/json")] if content else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def answer(self, method: str, path: str, sent: bytes) -> tuple[int, Any]:
        id = path.removeprefix("/notes").lstrip("/")
        if not id:
            if method == "GET":
                return 200, list(self.rows.values())
            text = orjson.loads(sent)["text"]
            row = {"id": f"n{len(self.rows) + 1}", "text": text.upper() if self.wrong == "echo" else text}
            self.rows[row["id"]] = row
            return 201, row
        if id not in self.rows or (self.wrong == "unreadable" and method == "GET"):
            return 404, None
        if method == "PATCH" and self.wrong != "update":
            self.rows[id]["text"] = orjson.loads(sent)["text"]
        if method == "DELETE":
            self.deletions.append(id)
            if self.wrong == "stuck":
                return 500, None
            if self.wrong != "delete":
                del self.rows[id]
            return 204, None
        return 200, self.rows[id]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")

    def run(app, *arguments):
        with serving(app) as url:
            return CliRunner().invoke(conform, ["notes.json", "--url", url, *arguments], catch_exceptions=False)

    return run


def test_without_leave_nothing_is_written(run):
    app = Notes()
    done = run(app)
    assert app.rows == {} and app.deletions == []
    assert "note: 3 operations write and were not sent; --allow-writes tries them" in done.output


def test_a_right_server_is_written_to_and_left_as_it_was(run):
    app = Notes()
    done = run(app, "--allow-writes")
    assert done.exit_code == 0, done.output
    assert app.rows == {} and app.deletions == ["n1"]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ("echo", "echo-differs"),
        ("update", "update-lost"),
        ("delete", "deleted-still-there"),
        ("unreadable", "created-not-found"),
    ],
)
def test_what_writes_do_not_do_is_found(run, wrong, rule):
    done = run(Notes(wrong), "--allow-writes", "--format", "json")
    assert {one["rule"] for one in json.loads(done.output)["findings"]} == {rule}, done.output
    assert done.exit_code == 1


def test_what_cannot_be_removed_is_told_and_exits_with_3(run):
    app = Notes("stuck")
    done = run(app, "--allow-writes")
    assert done.exit_code == 3
    assert "note 'n1' is still there: its deletion is answered 500; remove it by hand" in done.output
    assert app.deletions == ["n1", "n1"]


def test_operations_can_be_left_alone(run):
    app = Notes("stuck")
    done = run(app, "--allow-writes", "--skip", "POST *", "--skip", "PATCH /notes/{note_id}", "--skip", "DELETE *")
    assert app.rows == {} and "note: 3 operations were skipped" in done.output


def test_after_a_failure_nothing_is_left(run, monkeypatch):
    from mockserver.conform import check

    async def fail(*arguments):
        raise RuntimeError("a defect")

    monkeypatch.setattr(check, "_compare", fail)
    app = Notes()
    app.answer, right = (lambda method, path, sent: (500, None) if method == "DELETE" and not app.deletions and
                         app.deletions.append("x") is None else right(method, path, sent)), app.answer  # fmt: skip
    with pytest.raises(RuntimeError):
        run(app, "--allow-writes")
    assert app.rows == {}


@pytest.mark.slow
def test_after_ctrl_c_nothing_is_left(tmp_path):
    file = tmp_path / "notes.json"
    file.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    app = Notes("silent")
    with serving(app) as url:
        command = [sys.executable, "-m", "mockserver", "conform", str(file), "--url", url, "--allow-writes"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert app.was_read.wait(60)
        assert app.rows
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert app.rows == {} and app.deletions == ["n1"]
    assert process.returncode == 130 and "Traceback" not in told
