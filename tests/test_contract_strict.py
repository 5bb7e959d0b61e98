"""Strict validation: the package's own findings, found with less work, and remembered when there are none."""

from __future__ import annotations

import copy
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from contracts import ROOT, published
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.validation.keywords import OpenAPIV30SchemaValidator, OpenAPIV31SchemaValidator

from mockserver.apis import load_api
from mockserver.contract import load_contract, strict, strict_cache
from mockserver.errors import ContractError
from mockserver.pipeline.build import build
from mockserver.settings import Settings
from mockserver.text.documents import parse

OK = {"responses": {"200": {"description": "x"}}}


def stock_faults(document: dict[str, Any]) -> list[str]:
    """What the package finds, untouched, beside breaches of the meta-schema."""
    kind = OpenAPIV30SpecValidator if document["openapi"].startswith("3.0.") else OpenAPIV31SpecValidator
    validator = kind(document)
    found = []
    try:
        for error in validator.root_validator(validator.schema_path):
            found.append(error.message)
    except RecursionError:
        found.append("is nested too deeply")
    except Exception as error:
        found.append(f"cannot be checked; the validator fails with {type(error).__name__}")
    return found


def our_faults(document: dict[str, Any]) -> list[str]:
    """What we find, without the words of a crash."""
    found = []
    for path, reason in strict.strict_faults(document):
        found.append(reason.partition(":")[0] if reason.startswith("cannot be checked") else reason)
        assert path or reason.startswith(
            ("cannot be checked", "is nested too deeply", "Operation ID", "Duplicate parameter")
        )
    return found


def document(version: str, schemas: dict[str, Any], paths: dict[str, Any] | None = None) -> dict[str, Any]:
    head = {"openapi": version, "info": {"title": "T", "version": "1"}}
    return {**head, "paths": paths or {}, "components": {"schemas": schemas}}


texts = st.sampled_from(["a", "[", "(?i)a", "(?P<", "string", "integer", "strng", "", "https://[", "#/a"])
odd = st.sampled_from([None, True, False, 0, 1, -1, 1.0, 0.5, 10**20, float("inf"), [], {}]) | texts
names = st.sampled_from(["a", "b", "c"])
refs = {name: st.just({"$ref": f"#/components/schemas/{name}"}) for name in "AB"}
kinds = st.sampled_from(["string", "integer", "object", "array", "strng", ["string", "null"], ["string", "string"], 5])


def members(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas made of others. Only below members and items do they lead back, or they had no end."""
    below = inner | refs["A"] | refs["B"]
    return st.fixed_dictionaries(
        {},
        optional={
            "type": kinds,
            "default": odd,
            "nullable": st.booleans(),
            "enum": st.lists(odd, max_size=3),
            "minLength": odd,
            "minimum": odd,
            "exclusiveMinimum": odd,
            "multipleOf": odd,
            "pattern": texts,
            "format": texts,
            "required": st.lists(names, max_size=3) | odd,
            "properties": st.dictionaries(names, below, max_size=3),
            "items": below | odd,
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "additionalProperties": inner | odd,
            "$id": texts,
            "$schema": st.sampled_from(["http://json-schema.org/draft-07/schema#", "https://example.com/none", 5]),
            "$anchor": texts,
            "const": odd,
            "discriminator": odd,
        },
    )


plain = kinds.map(lambda kind: {"type": kind})
schemas = st.recursive(plain, members, max_leaves=5)
schemas_to_b = st.recursive(plain | refs["B"], members, max_leaves=5)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["3.0.3", "3.1.0"]), schemas_to_b, schemas)
def test_the_findings_are_those_of_the_package(version, one, other):
    body = {"content": {"application/json": {"schema": copy.deepcopy(one)}}}
    made = document(version, {"A": one, "B": other}, {"/x/{id}": {"post": {"requestBody": body, **OK}}})
    # Patterns are read by an engine of our own, which takes more of them; test_contract_ecma.py is about that.
    ours = [fault for fault in our_faults(made) if not str(fault).endswith("is not a 'regex'")]
    # The package remembers the addresses of schemas that may be gone, and then passes over one that took their place.
    for _ in range(5):
        theirs = [fault for fault in stock_faults(made) if not str(fault).endswith("is not a 'regex'")]
        if ours == theirs:
            break
    assert ours == theirs


def broken(version: str) -> dict[str, Any]:
    """A document with a fault of every kind that the package tells."""
    parameter = {"name": "p", "in": "query", "schema": {"type": "integer", "default": "x"}}
    return document(
        version,
        {
            "Extra": {"allOf": [{"properties": {"a": {}}}], "required": ["a", "b"]},
            "Default": {"type": "string", "default": 5},
            "Kind": {"items": {"enum": []}} if version < "3.1" else {"items": {"type": "strng"}},
            "Pattern": {"properties": {"x": {"pattern": "["}}},
        },
        {
            "/a/{id}": {"get": {"operationId": "one", "parameters": [parameter, parameter], **OK}},
            "/b": {"get": {"operationId": "one", **OK}},
        },
    )


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_every_kind_of_fault_is_found(version):
    made = broken(version)
    found = our_faults(made)
    assert found == stock_faults(made) and len(found) == 8
    assert (["paths", "/a/{id}", "get"], "Path parameter 'id' for 'get' operation in '/a/{id}' was not resolved") in [
        *strict.strict_faults(made)
    ]


def test_schemas_without_end_are_too_deep():
    made = document("3.0.3", {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}})
    assert our_faults(made) == ["is nested too deeply"] == stock_faults(made)


BIG = [pytest.param(name, marks=pytest.mark.long) for name in ("plaid-3.0.yml", "discord-3.1.json")]


@pytest.mark.parametrize("name", ["mem0-platform-3.0.json", "petstore-3.0.yaml", "oai-3.1-tictactoe.yaml", *BIG])
def test_published_documents_are_validated_as_the_package_validates_them(name):
    made = parse(published(name).read_text(encoding="utf-8"), name)
    assert our_faults(made) == stock_faults(made)
    # And with something wrong in every tenth schema.
    for schema in list(made["components"]["schemas"].values())[::10]:
        schema["default"] = {"no": "such"}
        schema["required"] = ["nobody", "nobody"]
    found = our_faults(made)
    assert found == stock_faults(made) and found


@pytest.mark.parametrize("kind", [OpenAPIV30SchemaValidator, OpenAPIV31SchemaValidator])
def test_the_savings_still_fit_the_package(kind):
    # When this fails strict validation is right but slow: see what became of these names.
    stock = kind({})
    assert stock.visited_schema_ids == [] and stock.meta_checked_schema_ids == []
    frugal = (strict._V30Schemas if kind is OpenAPIV30SchemaValidator else strict._V31Schemas)({})
    assert isinstance(frugal.visited_schema_ids, strict.Ids) and isinstance(frugal.meta_checked_schema_ids, strict.Ids)
    owner = (
        stock.schema_validator_cls
        if kind is OpenAPIV30SchemaValidator
        else stock._get_validator_class_for_dialect(kind.default_jsonschema_dialect_id)
    )
    assert strict.quick_check(owner) is not None


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("gone", ["meta-schemas", "ids", "checker"])
def test_without_the_savings_the_findings_are_the_same(version, gone, monkeypatch):
    if gone == "meta-schemas":
        strict.quick_check.cache_clear()
        monkeypatch.setitem(sys.modules, "openapi_schema_validator._specifications", None)
        assert strict.quick_check(object) is None
    elif gone == "ids":
        monkeypatch.setattr(strict, "Ids", list)
    else:
        monkeypatch.delattr(strict._Frugal, "_get_schema_checker")
    made = broken(version)
    assert our_faults(made) == stock_faults(made)
    strict.quick_check.cache_clear()


@given(st.lists(st.tuples(st.sampled_from(["append", "append", "append", "pop", "insert"]), st.integers(0, 5))))
def test_ids_are_a_list(steps):
    ours, plain = strict.Ids(), list[int]()
    for step, id in steps:
        for one in (ours, plain):
            if step == "append":
                one.append(id)
            elif step == "insert":
                one.insert(0, id)
            elif one:
                one.pop()
        if {step for step, _ in steps} == {"append", "insert"} and "pop" not in dict(steps):
            assert [id in ours for id in range(6)] == [id in plain for id in range(6)]
    assert ours == plain


SHOP = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: x}}
"""
OVERLAY = "overlay: 1.0.0\nactions:\n  - {target: $.info, update: {title: U}}\n"


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Loads a text strictly, with a cache; tells whether the package was asked."""
    monkeypatch.setenv("MOCKSERVER_CACHE_DIR", str(tmp_path / "cache"))
    asked = []
    real = strict.strict_faults
    monkeypatch.setattr(strict, "strict_faults", lambda made: asked.append(made) or real(made))

    def load(text: str = SHOP, overlay: str | None = None, **options: Any) -> bool:
        asked.clear()
        (tmp_path / "api.yaml").write_text(text)
        if overlay is not None:
            (tmp_path / "over.yaml").write_text(overlay)
        load_contract(
            tmp_path / "api.yaml", None if overlay is None else tmp_path / "over.yaml", **{"strict": True, **options}
        )
        return bool(asked)

    return load


def test_a_document_that_passed_is_not_validated_again(judged, tmp_path):
    assert judged() and not judged()
    assert judged(SHOP + "# changed\n")
    assert judged(overlay=OVERLAY) and not judged(overlay=OVERLAY)
    assert judged(overlay=OVERLAY + "# changed\n")
    assert not judged() and not judged(SHOP + "# changed\n")
    assert (tmp_path / "cache" / "passed").read_text().count("\n") == 4
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["passed"]


def test_not_strict_and_trusted_neither_ask_nor_note(judged, tmp_path):
    assert not judged(strict=False) and not judged(trusted=True)
    assert not (tmp_path / "cache" / "passed").exists()
    assert judged()


def test_what_did_not_pass_is_validated_each_time(judged, tmp_path):
    bad = SHOP.replace("name: id", "name: no")
    for _ in range(2):
        with pytest.raises(ContractError, match=r"for which GET /a/\{id\} has no parameter"):
            judged(bad)
    assert not (tmp_path / "cache").exists()


def test_other_rules_judge_anew(judged, monkeypatch):
    assert judged() and not judged()
    monkeypatch.setattr(strict_cache, "RULES", strict_cache.RULES + 1)
    assert judged() and not judged()
    monkeypatch.setattr(strict_cache, "version", lambda name: "0.0.1")
    assert judged()


def test_a_text_is_told_from_its_parts():
    texts = (["ab", ""], ["a", "b"], ["", "ab"], ["ab"], ["a", "b", ""])
    assert len({strict_cache.digest_of(sources) for sources in texts}) == 5


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\x00" * 100, b"a" * 63, b"0" * 64 + b"\n", b"\n" * 100_000, b"passed\n", b"*\n"]
)
def test_a_damaged_file_means_nothing_and_is_replaced(judged, tmp_path, damage):
    judged()
    file = tmp_path / "cache" / "passed"
    file.write_bytes(damage)
    assert judged()
    assert not judged()


def test_half_a_digest_is_none(judged, tmp_path):
    judged()
    file = tmp_path / "cache" / "passed"
    file.write_text(file.read_text()[:-2])
    assert judged()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_no_error(judged, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert judged() and judged()


def test_a_cache_that_is_no_folder_is_no_error(judged, tmp_path):
    (tmp_path / "cache").write_text("x")
    assert judged() and judged()


def test_a_file_that_is_a_folder_is_no_error(judged, tmp_path):
    (tmp_path / "cache" / "passed").mkdir(parents=True)
    assert judged() and judged()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["passed"], "nothing is left lying about"


def test_the_file_does_not_grow_without_end(judged, tmp_path, monkeypatch):
    monkeypatch.setattr(strict_cache, "MOST", 3)
    for n in range(5):
        assert judged(SHOP + f"# {n}\n")
    assert (tmp_path / "cache" / "passed").read_text().count("\n") == 3
    assert [judged(SHOP + f"# {n}\n") for n in (4, 3, 2)] == [False, False, False]
    assert judged(SHOP + "# 0\n")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MOCKSERVER_CACHE_DIR": "/c"}, "/c/passed"),
        ({"MOCKSERVER_CACHE_DIR": "/c", "XDG_CACHE_HOME": "/x"}, "/c/passed"),
        ({"MOCKSERVER_CACHE_DIR": ""}, None),
        ({"MOCKSERVER_CACHE_DIR": "off", "XDG_CACHE_HOME": "/x"}, None),
        ({"XDG_CACHE_HOME": "/x"}, "/x/mockserver/passed"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/mockserver/passed"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/mockserver/passed"),
        ({"HOME": "/h"}, "/h/.cache/mockserver/passed"),
    ],
)
def test_where_the_file_is(variables, expected, monkeypatch):
    for name in ("MOCKSERVER_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert strict_cache.cache_file() == (None if expected is None else Path(expected))


def test_without_a_home_there_is_no_file(monkeypatch):
    def nobody() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("MOCKSERVER_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    assert strict_cache.cache_file() is None
    assert not strict_cache.StrictCache(["x"])
    strict_cache.StrictCache(["x"]).remember()


def test_an_api_is_loaded_strictly_when_that_is_asked_for(tmp_path):
    (tmp_path / "api.yaml").write_text(SHOP.replace("name: id", "name: no"))
    with pytest.raises(ContractError, match=r"for which GET /a/\{id\} has no parameter"):
        load_api(str(tmp_path / "api.yaml"), strict=True)
    assert load_api(f"shop={tmp_path / 'api.yaml'}").name == "shop"
    settings = Settings(apis=(str(tmp_path / "api.yaml"),), strict=True)
    with pytest.raises(ContractError, match=r"for which GET /a/\{id\} has no parameter"):
        build(settings)
    assert list(build(replace(settings, strict=False)).apis) == ["api"]


def test_bundled_documents_pass_by_the_package():
    for name in ("datagrid", "mem0", "admin"):
        assert stock_faults(parse((ROOT / "spec" / f"{name}.yaml").read_text(encoding="utf-8"), name)) == []


def test_what_is_remembered_is_small(judged, tmp_path):
    judged()
    assert orjson.dumps((tmp_path / "cache" / "passed").read_text().split())  # digests and nothing else
    assert strict_cache.MOST * 65 < strict_cache._MOST_BYTES
