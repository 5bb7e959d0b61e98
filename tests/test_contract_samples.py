"""Samples: what is made from a schema passes that schema, or it is said that nothing does."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from random import Random

import pytest
from contracts import BUNDLED, body_contract, bundled, contract, published
from sample_kinds import COMPONENTS, EARLIER, LATER, ref

from mockserver.contract import Contract, Unsatisfiable, load_contract
from mockserver.contract.references import Refs
from mockserver.contract.sample_errors import UnusableExample
from mockserver.contract.samples import Sampler

ONLY_LATER = ("Must", "Tree", "Strict", "Gen", "Inst")
"""Components that are no 3.0 schemas."""


def made_of(schema, version="3.1.0"):
    """A contract whose one operation answers with this schema, and the operation."""
    schemas = deepcopy(COMPONENTS)
    if version < "3.1":
        schemas = {name: schema for name, schema in schemas.items() if name not in ONLY_LATER}
    made = body_contract(schema, version=version, components={"schemas": schemas})
    return made, next(iter(made.operations.values()))


def sample(schema, version="3.1.0", **options):
    """The sample of a schema, which is valid."""
    made, operation = made_of(schema, version)
    response = made.sample(operation, 200, **options)
    assert operation.check_response(response) == []
    return response.data


@pytest.mark.parametrize(
    ("version", "schema"),
    [*(("3.1.0", schema) for schema in LATER), *(("3.0.3", schema) for schema in EARLIER)],
    ids=str,
)
def test_a_sample_passes_its_schema_and_is_the_same_for_the_same_seed(version, schema):
    made, operation = made_of(schema, version)
    for seed in (None, *range(4)):
        first, second = (made.sample(operation, 200, rng=None if seed is None else Random(seed)).data for _ in range(2))
        assert first == second
        response = made.sample(operation, 200, rng=None if seed is None else Random(seed))
        assert operation.check_response(response) == [], response.data


def test_a_sample_is_the_same_in_every_process_and_in_any_order():
    program = (
        "import sys; sys.path.insert(0, 'tests'); from sample_kinds import *; from contracts import body_contract\n"
        "for schema in (LATER, LATER[::-1])[int(sys.argv[1])]:\n"
        "    made = body_contract(schema, version='3.1.0', components={'schemas': COMPONENTS})\n"
        "    operation = next(iter(made.operations.values()))\n"
        "    print(repr(schema), repr(made.sample(operation, 200).data))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, order],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout.splitlines()
        for order, seed in (("0", "1"), ("1", "2"))
    ]
    assert len(runs[0]) == len(LATER)
    assert sorted(runs[0]) == sorted(runs[1])


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"not": {}},
        {"type": "string", "minLength": 5, "maxLength": 2},
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "string", "pattern": "^a$", "minLength": 2},
        {"type": "string", "pattern": "/^[0-9]{5}$/i"},
        {"allOf": [{"const": 1}, {"const": 2}]},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "boolean"}},
        {"oneOf": [{"type": "integer"}, {"type": "integer"}]},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/Endless"}}},
        {"type": "string", "minLength": 10_000_000},
    ],
    ids=str,
)
def test_a_schema_that_nothing_satisfies_is_reported_with_its_place(schema):
    endless = {"type": "object", "required": ["l", "r"], "properties": {k: ref("Endless") for k in "lr"}}
    made = body_contract(schema, version="3.1.0", components={"schemas": {"Endless": endless}})
    operation = next(iter(made.operations.values()))
    with pytest.raises(Unsatisfiable) as caught:
        made.sample(operation, 200)
    place = "/paths/~1x/post/responses/200/content/application~1json/schema"
    assert caught.value.pointer == place
    assert caught.value.status == 501 and f"#{place} (POST /x 200)" in caught.value.message
    (fault,) = made.unsatisfiable()
    assert (fault.operation, fault.status, fault.pointer) == ("POST /x", "200", place)
    assert "no value was found" in str(fault)


def test_every_operation_of_a_contract_that_can_be_sampled_is_left_out_of_the_report():
    assert list(bundled("datagrid").unsatisfiable()) == []
    assert list(bundled("datagrid").broken_examples()) == []


def test_recursion_ends_but_goes_a_few_levels_deep():
    value = Sampler(Refs({"components": {"schemas": COMPONENTS}, "openapi": "3.1.0"})).value(ref("Node"))
    assert value["next"]["kids"][0]["v"] == 1
    assert len(repr(value)) < 20_000


def test_a_wide_schema_has_a_sample_of_bounded_size():
    wide = {"type": "object", "properties": {f"p{n}": ref("Wide") for n in range(60)}}
    wide["properties"]["name"] = {"type": "string"}
    refs = Refs({"components": {"schemas": {"Wide": wide}}, "openapi": "3.1.0"})
    value = Sampler(refs).value(ref("Wide"))
    assert value["name"] == "name" and len(repr(value)) < 100_000


def test_members_for_the_other_direction_are_left_out_of_a_sample_unless_3_1_demands_them():
    members = {"id": {"type": "integer", "readOnly": True}, "secret": {"type": "string", "writeOnly": True}}
    schema = {"type": "object", "properties": members}
    assert sample(schema, "3.0.3") == {"id": 1}
    assert sample(schema) == {"id": 1}
    assert set(sample({**schema, "required": ["secret"]})) == {"id", "secret"}
    assert sample({**schema, "required": ["secret"]}, "3.0.3") == {"id": 1}
    refs = Refs({"openapi": "3.0.3"})
    assert set(Sampler(refs, direction="request").value(schema)) == {"secret"}


def test_a_parent_with_a_discriminator_is_sampled_as_one_of_its_children():
    assert sample(ref("Pet")) == {"petType": "kitty", "claws": 1}
    assert sample(ref("Dog"))["petType"] == "Dog"
    assert sample(ref("Any"))["petType"] == "Dog"


DEFAULTS = {
    "Cat": {"type": "object", "required": ["kind", "meow"], "properties": {"kind": {"const": "cat"}, "meow": {}}},
    "Plain": {"type": "object", "required": ["id"], "properties": {"id": {"const": 1}}, "additionalProperties": False},
    "Other": {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["cat", "newt"]}}},
}


@pytest.mark.parametrize("default", ["Plain", "#/components/schemas/Plain"])
def test_the_default_of_a_discriminator_needs_no_tag(default):
    discriminator = {"propertyName": "kind", "mapping": {"cat": "Cat"}, "defaultMapping": default}
    refs = Refs({"openapi": "3.2.0", "components": {"schemas": DEFAULTS}})
    schema = {"oneOf": [ref("Plain"), ref("Cat")], "discriminator": discriminator}
    assert Sampler(refs).value(schema) == {"id": 1}
    made = [Sampler(refs, Random(seed)).value(schema) for seed in range(20)]
    assert {value.get("kind") for value in made} == {None, "cat"}


def test_the_tag_of_a_discriminator_s_default_means_no_other_schema():
    discriminator = {"propertyName": "kind", "mapping": {"cat": "Cat"}, "defaultMapping": "Other"}
    refs = Refs({"openapi": "3.2.0", "components": {"schemas": DEFAULTS}})
    assert Sampler(refs).value({"anyOf": [ref("Other"), ref("Cat")], "discriminator": discriminator}) == {
        "kind": "newt"
    }


def test_names_and_formats_make_values_plausible():
    texts = ["email", "firstName", "billing_city", "countryCode", "currency", "website", "description", "phoneNumber"]
    members = {name: {"type": "string"} for name in texts}
    members |= {"price": {"type": "number"}, "created_at": {"type": "string"}, "total": {"type": "integer"}}
    value = sample({"type": "object", "properties": members})
    assert value == {
        "email": "ada@example.com",
        "firstName": "Ada",
        "billing_city": "Berlin",
        "countryCode": "DE",
        "currency": "EUR",
        "website": "https://example.com/",
        "description": "A short description.",
        "phoneNumber": "+491555010123",
        "price": 19.99,
        "created_at": "2026-01-01T00:00:00Z",
        "total": 1,
    }


def test_dates_follow_the_clock_that_is_given():
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": "date-time"}}, "required": ["a"]}
    assert sample(schema)["a"] == "2026-01-01T00:00:00Z"
    assert sample(schema, now=datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))["a"] == "2031-05-06T07:08:09Z"


def by_path(path, schema):
    content = {"application/json": {"schema": schema}}
    made = contract({path: {"get": {"responses": {"200": {"description": "x", "content": content}}}}})
    return made, next(iter(made.operations.values()))


def test_ids_agree_with_the_path_where_the_schema_lets_them():
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "owner_id": {"type": "string"}, "n": {}}}
    made, operation = by_path("/owners/{ownerId}/orders/{orderId}", schema)
    values = {"ownerId": "ada", "orderId": "17"}
    assert made.sample(operation, 200, values=values).data == {"id": 17, "owner_id": "ada", "n": "n"}
    assert made.sample(operation, 200, values={"ownerId": "x", "orderId": "y"}).data["id"] == 1
    assert made.sample(operation, 200).data["owner_id"] == "owner_id"
    made, operation = by_path("/orders/{id}", {"type": "object", "properties": {"id": {"enum": ["a", "b"]}}})
    assert made.sample(operation, 200, values={"id": "b"}).data == {"id": "b"}
    assert made.sample(operation, 200, values={"id": "c"}).data == {"id": "a"}
    row = {"type": "object", "properties": {"orderId": {"type": "string"}}}
    made, operation = by_path("/orders/{id}", {"type": "object", "properties": {"data": row}})
    assert made.sample(operation, 200, values={"id": "o-9"}).data == {"data": {"orderId": "o-9"}}


def operation(media, status="200", **response):
    node = {"responses": {status: {"description": "x", "content": {"application/json": media}, **response}}}
    made = contract({"/x": {"get": node}}, components={"examples": {"E": {"value": {"from": "reference"}}}})
    return made, made.operations["GET /x"]


def test_the_documents_own_examples_come_first():
    examples = {"one": {"value": {"from": "one"}}, "two": {"$ref": "#/components/examples/E"}}
    made, op = operation({"schema": {"type": "object"}, "examples": examples})
    assert made.sample(op, 200).data == {"from": "one"}
    assert made.sample(op, 200, "two").data == {"from": "reference"}
    with pytest.raises(KeyError):
        made.sample(op, 200, "three")
    made, op = operation({"schema": {"type": "object"}, "example": {"from": "media"}})
    assert made.sample(op, 200).data == {"from": "media"}
    made, op = operation({"schema": {"type": "object", "properties": {"a": {"type": "string", "example": "given"}}}})
    assert made.sample(op, 200).data == {"a": "given"}
    assert made.sample(op, 200, rng=Random(1)).data != {"a": "given"}
    assert sample({"type": "string", "examples": ["first", "second"]}) == "first"
    assert sample({"type": "integer", "default": 7}) == 7


def test_a_sample_is_the_callers_own():
    made, op = operation({"schema": {"type": "object"}, "example": {"list": [1]}})
    made.sample(op, 200).data["list"].append(2)
    assert made.sample(op, 200).data == {"list": [1]}
    made, op = operation({"schema": {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}})
    made.sample(op, 200).data["a"]["b"] = 1
    assert made.sample(op, 200).data == {"a": {}}


def test_an_example_that_breaks_its_schema_is_not_used_and_is_reported():
    schema = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid", "example": "no-uuid"}}}
    made, op = operation({"schema": schema, "examples": {"bad": {"value": {"id": "worse"}}, "ok": {"value": {}}}})
    assert made.sample(op, 200).data == {}
    with pytest.raises(UnusableExample) as caught:
        made.sample(op, 200, "bad")
    assert caught.value.status == 400 and "'bad' of GET /x 200 breaks its own schema" in caught.value.message
    (fault,) = made.broken_examples()
    assert fault.pointer == "/paths/~1x/get/responses/200/content/application~1json/examples/bad/value"
    assert "must be a uuid" in fault.reason
    made, op = operation({"schema": schema, "example": {"id": "worse"}})
    assert op.check_response(made.sample(op, 200)) == []
    assert [fault.pointer.rpartition("/")[2] for fault in made.broken_examples()] == ["example"]


def test_an_example_without_a_value_cannot_be_asked_for():
    examples = {"far": {"externalValue": "https://example.com/x.json"}, "none": {"summary": "nothing"}}
    made, op = operation({"schema": {"type": "object"}, "examples": examples})
    assert made.sample(op, 200).data == {}
    with pytest.raises(UnusableExample, match=r"stands elsewhere, at 'https://example.com/x.json'"):
        made.sample(op, 200, "far")
    with pytest.raises(UnusableExample, match="has no value"):
        made.sample(op, 200, "none")
    assert len(list(made.broken_examples())) == 2


def test_examples_of_3_2_give_their_value_as_data_or_as_text():
    examples = {"data": {"dataValue": {"a": 1}}, "text": {"serializedValue": '{"a": 2}'}}
    made, op = operation({"schema": {"type": "object"}, "examples": examples})
    assert made.sample(op, 200).data == {"a": 1}
    assert made.sample(op, 200, "text").data == {"a": 2}


@pytest.mark.parametrize(
    ("declared", "status"),
    [
        ("default 204 202", 202),
        ("404 2XX 302", 200),
        ("404 302 301", 301),
        ("404 3XX", 300),
        ("404 default", 200),
        ("410 404", 410),
        ("4XX", 400),
        ("", 200),
    ],
)
def test_the_answer_that_nobody_asked_to_be_another(declared, status):
    responses = {key: {"description": "x"} for key in declared.split()}
    made = contract({"/x": {"get": {"responses": responses}}}, version="3.1.0")
    op = made.operations["GET /x"]
    assert op.success == status
    response = made.sample(op, op.success)
    assert (response.status, response.media_type) == (status, None)
    assert op.check_response(response) == []


def test_statuses_without_a_body_and_undeclared_ones():
    made, op = operation({"schema": {"type": "object"}}, "204")
    assert made.sample(op, 204).media_type is None
    with pytest.raises(KeyError):
        made.sample(op, 200)


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("image/*", "image/png"),
        ("*/*", "application/json"),
        ("text/*", "text/plain"),
        ("application/*", "application/json"),
    ],
)
def test_a_range_of_media_types_is_answered_by_one_of_them(declared, sent):
    content = {declared: {"schema": {"type": "string"}}}
    made = contract({"/x": {"get": {"responses": {"200": {"description": "x", "content": content}}}}})
    op = made.operations["GET /x"]
    response = made.sample(op, 200)
    assert response.media_type == sent and op.check_response(response) == []


def test_headers_that_are_required_or_have_an_example_are_part_of_a_sample():
    headers = {
        "X-List": {"required": True, "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 2}},
        "X-Flag": {"required": True, "schema": {"type": "boolean"}},
        "X-Not": {"schema": {"type": "integer"}},
        "X-Example": {"example": "a", "schema": {"type": "string"}},
        "X-Default": {"schema": {"type": "integer", "default": 3}},
        "X-Json": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "Content-Length": {"required": True, "schema": {"type": "integer"}},
    }
    made, op = operation({"schema": {"type": "object"}}, headers=headers)
    response = made.sample(op, 200)
    expected = {"x-list": "1,1", "x-flag": "true", "x-example": "a", "x-default": "3", "x-json": "{}"}
    assert response.headers == expected
    assert op.check_response(response) == []


def failures(made: Contract, dynamic: bool, statuses: str = "2") -> tuple[int, list[str]]:
    """How many samples were made, and which of them break the contract."""
    count, bad = 0, []
    for op in made.operations.values():
        for key in op.declared:
            if key.startswith(tuple(statuses)) or (key == "default" and "d" in statuses):
                status = 418 if key == "default" else int(key.upper().replace("X", "0"))
                count += 1
                found = op.check_response(made.sample(op, status, rng=Random(op.id) if dynamic else None))
                if found:
                    bad.append(f"{op.id} {key}: {found[0]}")
    return count, bad


@pytest.mark.parametrize("dynamic", [False, True], ids=["plain", "dynamic"])
@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_sample_of_every_status_keeps_the_contract(name, dynamic):
    count, bad = failures(bundled(name), dynamic, "2345d")
    assert count >= 20 and bad == []


@pytest.mark.slow
@pytest.mark.parametrize("dynamic", [False, True], ids=["plain", "dynamic"])
@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("plaid-3.0.yml", 330),
        ("discord-3.1.json", 254),
        ("mem0-platform-3.0.json", 55),
        ("petstore-3.0.yaml", 19),
        ("oai-3.1-tictactoe.yaml", 4),
        ("oai-3.0-uspto.yaml", 3),
        ("oai-3.0-link-example.yaml", 6),
    ],
)
def test_samples_of_published_documents_keep_the_contract(name, samples, dynamic):
    count, bad = failures(load_contract(published(name), strict=False), dynamic)
    assert (count, bad) == (samples, [])


HIDDEN = {"properties": {"key": {"type": "string", "writeOnly": True}, "name": {"type": "string"}}}
DEMANDED = {
    "by another branch": {"allOf": [HIDDEN, {"type": "object", "required": ["key", "name"]}]},
    "around the branch": {"type": "object", "required": ["key", "name"], "allOf": [HIDDEN]},
    "in a nested branch": {"allOf": [{"allOf": [HIDDEN]}, {"allOf": [{"required": ["key", "name"]}]}]},
    "in each choice": {"allOf": [HIDDEN], "oneOf": [{"required": ["key", "name"]}]},
}


@pytest.mark.parametrize("schema", DEMANDED.values(), ids=DEMANDED)
def test_a_member_that_one_branch_hides_and_another_demands_is_left_out_of_a_sample(schema):
    assert sample(schema, "3.0.3") == {"name": "name"}


def test_a_member_that_one_branch_hides_from_requests_and_another_demands_is_left_out_of_theirs():
    base = {"properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}}}
    schema = {"allOf": [base, {"type": "object", "required": ["id", "name"]}]}
    assert Sampler(Refs({"openapi": "3.0.3"}), direction="request").value(schema) == {"name": "name"}


@pytest.mark.parametrize("media_type", ["*", "*/*", "application/*"])
def test_a_file_of_any_media_type_has_a_sample(media_type):
    made = body_contract({"type": "string", "format": "binary"}, media_type, "3.0.3")
    operation = next(iter(made.operations.values()))
    assert operation.check_response(made.sample(operation, 200)) == []


@pytest.mark.parametrize("kind", [{}, {"type": "object"}], ids=["any", "object"])
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_alternatives_that_differ_in_optional_members_alone_have_a_sample(kind, version):
    ways = [{**kind, "properties": {name: {"type": "integer"}}} for name in ("month", "week")]
    assert sample({"oneOf": ways}, version)


def test_an_optional_member_that_nothing_fits_is_left_out():
    inner = {
        "type": "object",
        "required": ["rules"],
        "properties": {"rules": {"type": "array", "items": {"type": "string"}, "enum": ["alpha", "numeric"]}},
    }
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "policies": {"type": "object", "properties": {"passwords": inner}}},
    }
    paths = {
        "/a": {"get": {"responses": {"200": {"description": "x", "content": {"application/json": {"schema": schema}}}}}}
    }
    made = contract(paths)
    operation = made.operations["GET /a"]
    assert "passwords" not in made.sample(operation, 200).data.get("policies", {})
    schema["required"] = ["policies"]
    schema["properties"]["policies"]["required"] = ["passwords"]
    with pytest.raises(Unsatisfiable, match="rules"):
        contract(paths).sample(contract(paths).operations["GET /a"], 200)


@pytest.mark.parametrize("schema", [{"type": "object", "properties": {"a": {"type": "string"}}}, ref("Tree"), False])
def test_a_contract_goes_away_with_its_last_user_without_the_garbage_collector(schema):
    made, operation = made_of(schema)
    with suppress(Unsatisfiable):
        operation.check_response(made.sample(operation, 200))
    gone = weakref.ref(made)
    gc.disable()
    try:
        del made, operation
        assert gone() is None
    finally:
        gc.enable()
