"""The benchmark of public documents: what it says of a small folder of them."""

from __future__ import annotations

import orjson
import pytest

from benchmarks import corpus

IMPOSSIBLE = {"type": "array", "enum": ["a"]}
"""What nothing satisfies."""


def get(schema, name):
    content = {"application/json": {"schema": schema}}
    return {"get": {"operationId": name, "responses": {"200": {"description": "", "content": content}}}}


@pytest.fixture
def folder(tmp_path):
    good = {
        "openapi": "3.0.3",
        "info": {"title": "", "version": "1"},
        "paths": {"/a": get({"type": "integer"}, "a"), "/b": get(IMPOSSIBLE, "b"), "x-note": {"get": {"security": 1}}},
        "components": {"schemas": {"Broken": {"type": "integer", "minimum": "many"}}},
    }
    (tmp_path / "good.json").write_bytes(orjson.dumps(good))
    (tmp_path / "broken.yaml").write_text("openapi: 3.0.3\npaths: [\n")
    (tmp_path / "notes.txt").write_text("no document")
    return tmp_path


def outcomes(folder):
    return {path.name: corpus.validate(path, path.name) for path in corpus.documents(folder)}


def test_each_document_is_loaded_or_its_fault_is_named(folder):
    found = outcomes(folder)
    assert set(found) == {"good.json", "broken.yaml"}
    assert found["broken.yaml"].failure and not found["broken.yaml"].crash
    good = found["good.json"]
    assert (good.failure, good.crash, good.valid, good.faults) == ("", "", 1, 1)


def test_what_nothing_satisfies_counts_apart_from_what_was_not_found(folder):
    good = outcomes(folder)["good.json"]
    assert [name for name, _ in good.unsatisfiable] == ["b"] and good.missing == good.invalid == []
    text = corpus.report([good], 1.0)
    assert "operations  2: 1 valid (100.000 % of those that can be answered, 50.000 % of all)" in text
    good.missing, good.unsatisfiable = good.unsatisfiable, []
    assert "1 valid (50.000 % of those that can be answered, 50.000 % of all)" in corpus.report([good], 1.0)


def test_a_child_that_is_lost_costs_its_document_only(folder, monkeypatch):
    validate = corpus.validate

    def ends(path, name, resources):
        return corpus.os._exit(1) if path.suffix == ".json" else validate(path, name, resources)

    monkeypatch.setattr(corpus, "validate", ends)
    paths = [folder / "good.json", folder / "broken.yaml"]
    first, second = corpus.work_through(paths, folder, 60)
    assert first.crash == "ends the process" and second.failure
