"""What is wrong with a document is left out, the smallest thing that can be, and named; the rest is served."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from contracts import send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.contract import load_contract, repair
from mockserver.contract.schemas import Schemas
from mockserver.errors import ContractError, Problem, UserError
from mockserver.messages import Request

VERSIONS = ["3.0.3", "3.1.1", "3.2.0"]
OK = {"200": {"description": "x"}}


def served(tmp_path, paths, version="3.0.3", strict=False, **more):
    document = {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **more}
    (tmp_path / "api.json").write_text(json.dumps(document, indent=1))
    return load_contract(tmp_path / "api.json", strict=strict)


def found(made):
    return {(fault.rule_id, fault.pointer, fault.consequence) for fault in made.faults}


def refused(tmp_path, *args, **kwargs):
    with pytest.raises(ContractError) as caught:
        served(tmp_path, *args, strict=True, **kwargs)
    return str(caught.value)


def posting(schema, **more):
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"/x": {"post": {"operationId": "x", "requestBody": body, "responses": OK, **more}}}


def wrong(made, value):
    return [violation.pointer for violation in send(made.operations["x"], value).violations]


SCHEMA = "/paths/~1x/post/requestBody/content/application~1json/schema"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_keyword_of_a_schema_that_is_wrong_is_left_out_and_the_others_count(tmp_path, version):
    schema = {"properties": {"a": {"type": "strng", "minLength": "2", "maxLength": 3}, "b": {"type": "integer"}}}
    made = served(tmp_path, posting(schema), version)
    assert found(made) == {
        ("meta-schema", f"{SCHEMA}/properties/a/type", "it is left out"),
        ("meta-schema", f"{SCHEMA}/properties/a/minLength", "it is read as 2"),
    }
    assert wrong(made, {"a": "abcd", "b": 1}) == ["/a"] == wrong(made, {"a": "b"}) and wrong(made, {"b": ""}) == ["/b"]
    assert all(fault.line > 1 and fault.file.endswith("api.json") for fault in made.faults)
    assert "/properties/a/type: must be one of" in refused(tmp_path, posting(schema), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reference_that_leads_nowhere_takes_its_object_along_and_nothing_else(tmp_path, version):
    paths = posting(
        {"properties": {"a": {"$ref": "#/no"}, "b": {"type": "integer"}}},
        parameters=[
            {"$ref": "#/components/parameters/no"},
            {"name": "q", "in": "query", "schema": {"type": "integer"}},
        ],
    )
    paths["/x"]["post"]["responses"] = {"200": {"description": "x"}, "400": {"$ref": "#/components/responses/no"}}
    made = served(tmp_path, paths, version)
    assert found(made) == {
        ("reference-not-found", f"{SCHEMA}/properties/a/$ref", "any value is taken there"),
        ("reference-not-found", "/paths/~1x/post/parameters/0/$ref", "it is left out"),
        ("reference-not-found", "/paths/~1x/post/responses/400/$ref", "it is left out"),
    }
    operation = made.operations["x"]
    assert [p.name for p in operation.parameters] == ["q"] and operation.declared == ["200"]
    assert wrong(made, {"a": 1, "b": ""}) == ["/b"]


def test_what_refers_to_a_thing_that_was_left_out_goes_too(tmp_path):
    components = {"responses": {"A": {"$ref": "#/components/responses/B"}, "B": {"$ref": "#/no"}}}
    paths = posting({})
    paths["/x"]["post"]["responses"] = {**OK, "400": {"$ref": "#/components/responses/A"}}
    made = served(tmp_path, paths, components=components)
    assert {fault.rule_id for fault in made.faults} == {"reference-not-found"}
    assert made.operations["x"].declared == ["200"]


@pytest.mark.parametrize("version", VERSIONS)
def test_references_in_circles_without_end_are_told(tmp_path, version):
    schemas = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}
    made = served(tmp_path, posting({"$ref": "#/components/schemas/A"}), version, components={"schemas": schemas})
    assert {fault.rule_id for fault in made.faults} == {"reference-not-found"} and wrong(made, 1) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_words_that_are_missing_count_as_empty_and_unknown_members_are_ignored(tmp_path, version):
    paths = {
        "/a": {"get": {"responses": {"200": {}}, "colour": "red"}},
        "/b": {"get": {}},
        "c": {"get": {"responses": OK}},
    }
    document = {"openapi": version, "info": {"title": 5}, "paths": paths}
    (tmp_path / "api.json").write_text(json.dumps(document))
    made = load_contract(tmp_path / "api.json", strict=False)
    pointers = {fault.pointer for fault in made.faults}
    # In 3.1 an operation may have no responses.
    assert pointers - {"/paths/~1b/get/responses"} == {
        "/info/title",
        "/info/version",
        *(() if version == "3.2.0" else ("/paths/~1a/get/responses/200/description",)),  # where it is required
        "/paths/~1a/get/colour",
        "/paths/c",
    }
    assert list(made.operations) == ["GET /a", "GET /b"]


@pytest.mark.parametrize("broken", [5, [], None, "x", {"get": []}, {"get": {"parameters": {}}}, {"parameters": [5]}])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_path_that_is_none_does_not_hide_the_others(tmp_path, version, broken):
    made = served(tmp_path, {**posting({}), "/broken": broken}, version)
    assert made.faults and "x" in made.operations
    assert made.operations["x"].check_request(Request("POST", "/x", "", {}, b""), {}).violations


@pytest.mark.parametrize("version", VERSIONS)
def test_a_path_parameter_is_required_whatever_it_says(tmp_path, version):
    parameters = [{"name": "id", "in": "path", "schema": {"type": "integer"}}]
    made = served(tmp_path, {"/a/{id}": {"get": {"parameters": parameters, "responses": OK}}}, version)
    assert [fault.consequence for fault in made.faults] == ["it is required"]
    assert made.operations["GET /a/{id}"].check_request(Request("GET", "/a/x"), {"id": "x"}).violations


def test_a_variable_without_a_parameter_takes_any_text(tmp_path):
    made = served(tmp_path, {"/a/{id}": {"get": {"responses": OK}}})
    assert found(made) == {("path-parameter-missing", "/paths/~1a~1{id}/get", "the variable takes any text")}
    assert made.match("GET", ["a", "x"])[1] == {"id": "x"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_second_operation_of_a_name_goes_by_method_and_path(tmp_path, version):
    paths = {
        "/a": {"get": {"operationId": "one", "responses": OK}},
        "/b": {"get": {"operationId": "one", "responses": OK}},
    }
    made = served(tmp_path, paths, version)
    assert list(made.operations) == ["one", "GET /b"]
    assert found(made) == {("operation-id-twice", "/paths/~1b/get/operationId", "it is called 'GET /b' here")}


def test_an_alias_does_not_rename_the_first_operation(tmp_path):
    text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    get: &op\n      operationId: one\n"
    (tmp_path / "api.yaml").write_text(text + "      responses: {'200': {description: x}}\n    put: *op\n")
    assert list(load_contract(tmp_path / "api.yaml", strict=False).operations) == ["one", "PUT /a"]


def test_of_a_list_that_stands_in_two_places_the_broken_item_goes_once(tmp_path):
    text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    get:\n      parameters: &all\n"
    text += "        - {$ref: '#/no'}\n"
    text += "".join(f"        - {{name: {name}, in: query, schema: {{}}}}\n" for name in "qr")
    text += "      responses: &ok {'200': {description: x}}\n    put: {parameters: *all, responses: *ok}\n"
    (tmp_path / "api.yaml").write_text(text)
    made = load_contract(tmp_path / "api.yaml", strict=False)
    assert [[p.name for p in operation.parameters] for operation in made.operations.values()] == [["q", "r"]] * 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pattern_that_nobody_reads_is_left_out(tmp_path, version):
    made = served(tmp_path, posting({"properties": {"a": {"type": "string", "pattern": "["}}}), version)
    assert found(made) == {("pattern", f"{SCHEMA}/properties/a/pattern", "any text is taken there")}
    assert wrong(made, {"a": 1}) == ["/a"] and wrong(made, {"a": "x"}) == []


def test_paths_that_mean_the_same_and_paths_with_a_query_are_told(tmp_path):
    get = {"get": {"responses": OK}}
    parameters = [{"name": name, "in": "path", "required": True, "schema": {}} for name in "xy"]
    paths = {"/a/{x}": {**get, "parameters": parameters[:1]}, "/a/{y}": {**get, "parameters": parameters[1:]}}
    made = served(tmp_path, {**paths, "/q?a=1": get, "/q?a=2": get})
    assert found(made) == {
        ("path-twice", "/paths/~1a~1{y}/get", "GET /a/{y} is never reached"),
        ("path-not-plain", "/paths/~1q?a=1", "it is served as '/q'"),
        ("path-not-plain", "/paths/~1q?a=2", "GET is never reached, since /q?a=1 means the same requests"),
    }
    assert {fault.severity for fault in made.faults} == {"warning"}
    served(tmp_path, {**paths, "/q?a=1": get}, strict=True)  # warnings refuse nothing


def test_an_unknown_dialect_is_read_as_2020_12_and_told(tmp_path):
    made = served(tmp_path, posting({"type": "integer"}), "3.1.0", jsonSchemaDialect="https://x.test/dialect")
    assert found(made) == {("unknown-dialect", "/jsonSchemaDialect", "it is read as 2020-12")}
    assert wrong(made, "a") == [""]


def test_a_security_scheme_that_nobody_declared_is_told(tmp_path):
    made = served(tmp_path, {"/a": {"get": {"security": [{"key": []}], "responses": OK}}})
    assert found(made) == {("security-scheme", "/paths/~1a/get/security/0/key", "it demands nothing")}


names = st.sampled_from(["$ref", "type", "in", "name", "schema", "properties", "200", "get"])
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "#/no", "object", "path", "["]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    tuple(place.split())
    for place in (
        *(
            "paths",
            "paths /a",
            "paths /a parameters",
            "paths /a get",
            "paths /a get parameters",
            "paths /a get responses",
        ),
        *("paths /a get responses 200", "paths /a get responses 200 content", "paths /a get responses 200 headers"),
        *("paths /a get requestBody", "paths /a get operationId", "paths /a get security", "paths /a get servers"),
        *("paths /a get callbacks", "components", "components schemas", "components schemas S", "servers", "info"),
        *("components schemas S properties", "components schemas S discriminator", "components securitySchemes"),
        *("security", "tags", "webhooks", "components parameters"),
    )
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["3.0.3", "3.1.0", "3.2.0"]),
    st.lists(st.tuples(st.sampled_from(PLACES), odd), min_size=1, max_size=3),
)
def test_whatever_stands_anywhere_the_document_is_served_or_refused_with_a_message(tmp_path, version, changes):
    schema = {"$ref": "#/components/schemas/S"}
    content = {"content": {"application/json": {"schema": schema}}}
    document = {
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "paths": {
            "/a": {"get": {"requestBody": content, "responses": {"200": {"description": "", **content}}}},
            "/fine": {"get": {"operationId": "fine", "responses": {"200": {"description": ""}}}},
        },
        "components": {"schemas": {"S": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    }
    for path, value in changes:
        node = document
        for part in path[:-1]:
            node = node.setdefault(part, {}) if isinstance(node, dict) else {}
        if isinstance(node, dict):
            node[path[-1]] = value
    (tmp_path / "odd.json").write_text(json.dumps(document))
    try:
        made = load_contract(tmp_path / "odd.json", strict=False)
    except UserError:
        return
    assert all(str(fault) for fault in made.faults)
    for operation in made.operations.values():
        request = Request(operation.method, operation.path, "a=1", {"content-type": "application/json"}, b"{}")
        with suppress(Problem):
            operation.check_request(request, dict.fromkeys(("id", "x"), "1"))
        for status in (200, 404):
            operation.response(status)
        made.security(operation)


DEEP = "openapi: '3.1.0'\na: " + "[" * 5000


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", "{", "a: [", "openapi: 4.0.0", "swagger: 2.1", '{"openapi": 3}', "\0", DEEP]
)
def test_what_is_no_document_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "api.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        load_contract(tmp_path / "api.yaml", strict=False)
    assert str(caught.value).startswith(str(tmp_path / "api.yaml")) and "\n" not in str(caught.value)


def test_a_document_of_more_than_64_mib_is_not_read(tmp_path):
    with (tmp_path / "api.yaml").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(UserError, match="is larger than 67,108,864 bytes"):
        load_contract(tmp_path / "api.yaml", strict=False)


def test_a_bomb_of_aliases_is_refused(tmp_path):
    lines = ["openapi: 3.0.3", "x-0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (tmp_path / "api.yaml").write_text("\n".join(lines))
    with pytest.raises(UserError, match="its aliases make it hold more than"):
        load_contract(tmp_path / "api.yaml", strict=False)


def test_more_faults_than_can_be_left_out_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(repair, "MAX_MENDED", 20)
    with pytest.raises(ContractError, match=r"api\.json:\d+: /paths/~1p0/get/colour: .*; there are more faults than"):
        served(tmp_path, {f"/p{i}": {"get": {"responses": OK, "colour": 1}} for i in range(30)})


def test_of_a_large_path_that_is_wrong_not_every_error_is_looked_for(tmp_path, monkeypatch):
    # Each error takes kilobytes while it is looked at.
    monkeypatch.setattr(repair, "MAX_VALUES", 100)
    many = {"get": {"parameters": [{"name": "a"}] * 100, "responses": OK}}
    made = served(tmp_path, {"/many": many, "/fine": {"get": {"responses": OK}}}, tags=[{"nme": "a"}] * 200)
    assert list(made.operations) == ["GET /fine"]
    assert {fault.pointer for fault in made.faults} == {"/paths/~1many", "/tags"}


def test_schemas_that_refer_to_one_another_many_times_take_no_time(tmp_path):
    names = [f"S{i}" for i in range(60)]
    everything = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    union = {"anyOf": everything, "discriminator": {"propertyName": "t"}}
    schemas = {name: {"properties": {"a": {"allOf": everything}}, "required": ["a"]} for name in names}
    schemas |= {f"U{i}": {"oneOf": [{"$ref": f"#/components/schemas/U{j}"} for j in range(60)]} for i in range(60)}
    schemas["U7"] |= union
    schemas["Plain"] = {"allOf": everything, "properties": {"a": {"readOnly": True}, "u": union}, "required": ["a"]}
    made = served(tmp_path, posting({"$ref": "#/components/schemas/Plain"}), components={"schemas": schemas})
    checks = Schemas(made.document)
    validator = checks.validator(checks.reference("/components/schemas/Plain", "request"))
    assert validator.is_valid({}) and not validator.is_valid({"a": 1})
