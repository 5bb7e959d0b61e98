"""From files to a contract: what loads, what is refused and where, and what overlays do."""

from __future__ import annotations

import copy
import json

import pytest
from contracts import ROOT, published

from mockserver.contract import load_contract
from mockserver.contract.overlay import PROVENANCES, apply
from mockserver.errors import UserError
from mockserver.messages import Request
from mockserver.text.documents import MAX_NESTING

HEAD = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
"""


def refusal(tmp_path, text, overlay=None, *, strict=True) -> str:
    """The message that a document is refused with, without the folder."""
    (tmp_path / "api.yaml").write_text(text, encoding="utf-8")
    over = None
    if overlay is not None:
        over = tmp_path / "over.yaml"
        over.write_text(overlay, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_contract(tmp_path / "api.yaml", over, strict=strict)
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "api.yaml:1: is not an OpenAPI document: it holds no object"),
        ("", "api.yaml:1: is not an OpenAPI document: it holds no object"),
        ("hello\n", "api.yaml:1: is not an OpenAPI document: it holds no object"),
        ("swagger: '1.2'\n", "api.yaml:1: `swagger` is '1.2'; of Swagger this server reads 2.0"),
        ("info: {}\n", "api.yaml:1: `openapi` is None; this server reads OpenAPI 3.0, 3.1 and 3.2"),
        ("openapi: 3.3.0\n", "api.yaml:1: `openapi` is '3.3.0'; this server reads OpenAPI 3.0, 3.1 and 3.2"),
        ("openapi: 3.1\n", "api.yaml:1: `openapi` is 3.1; this server reads OpenAPI 3.0, 3.1 and 3.2"),
        (
            "openapi: 3.0.3\ninfo: {title: 5, version: '1'}\npaths: {}\n",
            "api.yaml:2: /info/title: must be a string, not the integer 5",
        ),
        ("openapi: 3.0.3\npaths: {}\n", "api.yaml:1: /info: is required and missing"),
        (HEAD + "  /a:\n    get:\n      summary: x\n", "api.yaml:5: /paths/~1a/get/responses: is required and missing"),
        (
            HEAD + "  /a:\n    get:\n      responses:\n        '200': {}\n",
            "api.yaml:7: /paths/~1a/get/responses/200/description: is required and missing",
        ),
        (
            HEAD + "  /a:\n    get:\n      responses:\n        '200': {$ref: '#/components/responses/No'}\n",
            "api.yaml:7: /paths/~1a/get/responses/200/$ref: refers to '#/components/responses/No', which is not in the",
        ),
        (
            HEAD + "  /a:\n    get:\n      responses:\n        default: {$ref: '#/components/responses/No'}\n",
            "/default/$ref: refers to '#/components/responses/No', which is not in the document",
        ),
        (
            HEAD + "  /a:\n    get:\n      responses:\n        '200': {$ref: 'other.yaml#/x'}\n",
            "refers to the file 'other.yaml', which does not exist",
        ),
        (
            HEAD + "  /a:\n    get:\n      responses:\n        '200': {$ref: '#/paths/~1a/get/responses/200'}\n",
            "/200/$ref: refers to '#/paths/~1a/get/responses/200', which is not in the document",
        ),
        (
            HEAD
            + "  /a:\n    get: &op\n      operationId: one\n      responses: {'200': {description: x}}\n    put: *op\n",
            "api.yaml:6: /paths/~1a/put/operationId: 'one' is the operationId of GET /a too",
        ),
        (HEAD + "  /a: {}\n  /a: {}\n", "api.yaml:5:3: '/a' stands here twice"),
        (HEAD + "  /a: [1\n", "api.yaml:5:1: "),
    ],
)
def test_a_broken_document_is_refused_with_its_place(tmp_path, text, message):
    assert message in refusal(tmp_path, text)


def test_a_dangling_example_is_refused_but_data_is_not_followed(tmp_path):
    body = "  /a:\n    get:\n      responses:\n        '200':\n          description: x\n          content:\n"
    media = "            application/json:\n              {}\n"
    dangling = media.format("examples: {one: {$ref: '#/components/examples/No'}}")
    assert "refers to '#/components/examples/No'" in refusal(tmp_path, HEAD + body + dangling)
    (tmp_path / "api.yaml").write_text(HEAD + body + media.format("example: {$ref: 'data'}"))
    load_contract(tmp_path / "api.yaml")


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_pattern_that_nobody_can_read_is_refused_with_its_place(tmp_path, version):
    text = (
        HEAD.replace("3.0.3", version)
        + "  /a: {get: {responses: {'200': {description: x}}}}\ncomponents:\n  schemas:\n"
    )
    fine = "    Fine: {pattern: '(?i)a', example: {pattern: '['}}\n    Wrong:\n      items: {pattern: '['}\n"
    assert refusal(tmp_path, text + fine) == (
        "api.yaml:9: /components/schemas/Wrong/items/pattern: the pattern '[' is no regular expression:"
        " unterminated character set at position 0"
    )


def test_faults_are_told_in_the_order_of_the_document(tmp_path):
    places = ["schemas/A/items", "schemas/A/properties/b", "schemas/B", "parameters/0/schema", "parameters/1/schema"]
    text = """\
components:
  schemas:
    A:
      items: {$ref: '#/no/1'}
      properties:
        b: {$ref: '#/no/2'}
    B: {$ref: '#/no/1'}
paths:
  /a:
    get:
      parameters:
        - {name: a, in: query, schema: {$ref: '#/no/3'}}
        - {name: b, in: query, schema: {$ref: '#/no/1'}}
      responses: {'200': {description: x}}
"""
    found = refusal(tmp_path, "openapi: 3.0.3\ninfo: {title: T, version: '1'}\n" + text).splitlines()
    assert [line.partition("/$ref")[0].partition(": /")[2].split("/", 1)[1] for line in found[:3]] == places[:3]
    assert [line.split(": ")[0] for line in found] == [f"api.yaml:{n}" for n in (6, 8, 9, 14, 15)]


def test_a_fault_far_down_a_long_list_has_its_place(tmp_path):
    items = "".join(
        f"    S{i}: {{allOf: [{{type: string}}, {{$ref: '#/components/schemas/S{i + 1}'}}]}}\n" for i in range(50)
    )
    text = HEAD + "  {}\ncomponents:\n  schemas:\n" + items
    assert refusal(tmp_path, text) == (
        "api.yaml:56: /components/schemas/S49/allOf/1/$ref: refers to '#/components/schemas/S50',"
        " which is not in the document"
    )


def test_every_fault_is_told_but_not_more_than_ten(tmp_path):
    text = HEAD + "".join(f"  /a{i}: {{get: {{}}}}\n" for i in range(30))
    assert len(refusal(tmp_path, text).splitlines()) == 10


def test_strict_finds_what_the_meta_schema_does_not(tmp_path):
    text = HEAD + "  /a/{id}:\n    get:\n      responses: {'200': {description: x}}\n"
    message = refusal(tmp_path, text, strict=True)
    assert message.startswith("api.yaml:5: ") and "'id'" in message
    load_contract(tmp_path / "api.yaml", strict=False)


def test_deep_nesting_is_refused_in_yaml_and_json(tmp_path):
    for text in ("a: " + "[" * 900 + "]" * 900, '{"a":' * (MAX_NESTING + 1) + "1" + "}" * (MAX_NESTING + 1)):
        assert "api.yaml: is nested too deeply" in refusal(tmp_path, text)


def test_the_fault_of_an_overlay_is_told_where_the_document_can_take_it(tmp_path):
    overlay = "overlay: 1.0.0\nactions:\n  - {target: $.info, update: {title: 5}}\n"
    text = HEAD + "  /a: {get: {responses: {'200': {description: x}}}}\n"
    assert "/info/title: must be a string" in refusal(tmp_path, text, overlay)


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("overlay: 1.0.0\nactions:\n  - {target: $.nothing, update: {}}\n", "action 1: '$.nothing' matches nothing"),
        ("overlay: 1.0.0\nactions:\n  - {target: '$[', update: {}}\n", "action 1: '$[' is not a JSONPath: "),
        ("overlay: 1.0.0\nactions:\n  - {target: 5, update: {}}\n", "action 1: has no `target`"),
        ("overlay: 1.0.0\nactions:\n  - {update: {}}\n", "action 1: has no `target`"),
        ("overlay: 1.0.0\nactions:\n  - nonsense\n", "action 1: has no `target`"),
        ("overlay: 1.0.0\nactions:\n  - {target: $.info}\n", "action 1: has neither `update` nor `remove: true`"),
        ("overlay: 1.0.0\nactions:\n  - {target: $.info.title, update: {a: 1}}\n", "'/info/title' cannot be merged"),
        ("overlay: 1.0.0\nactions:\n  - {target: $.info, update: [1]}\n", "'/info' cannot be merged with a list"),
        ("overlay: 1.0.0\nactions:\n  - {target: $, remove: true}\n", "action 1: cannot remove the whole document"),
        ("overlay: 1.0.0\nactions: 5\n", "is not an overlay; it needs `overlay: 1.0.0`"),
        ("overlay: 1.0.0\nactions: []\n", "is not an overlay; it needs `overlay: 1.0.0`"),
        ("overlay: 1.0.0\n", "is not an overlay; it needs `overlay: 1.0.0`"),
        ("openapi: 3.0.3\nactions: [{target: $, update: {}}]\n", "is not an overlay"),
        ("overlay: 2.0.0\nactions: [{target: $, update: {}}]\n", "is not an overlay"),
        ("[1]", "is not an overlay"),
        ("overlay: 1.0.0\noverlay: 1.0.0\n", "over.yaml:2:1: 'overlay' stands here twice"),
    ],
)
def test_a_broken_overlay_is_refused(tmp_path, overlay, message):
    found = refusal(tmp_path, HEAD + "  {}\n", overlay)
    assert found.startswith("over.yaml") and message in found


DOCUMENT = {
    "info": {"title": "T", "contact": {"name": "N", "url": "U"}},
    "tags": ["a", "b", "c", "d"],
    "paths": {"/a": {"get": {"tags": ["x"]}}, "/b": {"get": {"tags": ["x"]}}},
}


def applied(*actions):
    document = copy.deepcopy(DOCUMENT)
    return document, apply(document, {"overlay": "1.0.0", "actions": list(actions)}, "over.yaml")


def test_objects_are_merged_arrays_appended_and_the_rest_replaced():
    document, _ = applied(
        {
            "target": "$",
            "update": {"info": {"title": "New", "contact": {"url": "V"}, "x": {"y": 1}}, "tags": ["e"], "paths": 5},
        }
    )
    assert document["info"] == {"title": "New", "contact": {"name": "N", "url": "V"}, "x": {"y": 1}}
    assert document["tags"] == ["a", "b", "c", "d", "e"]
    assert document["paths"] == 5


def test_an_array_target_takes_one_entry_or_several():
    assert applied({"target": "$.tags", "update": "e"})[0]["tags"] == ["a", "b", "c", "d", "e"]
    assert applied({"target": "$.tags", "update": ["e", "f"]})[0]["tags"][4:] == ["e", "f"]


@pytest.mark.parametrize(
    ("target", "tags"),
    [
        ("$.tags[*]", []),
        ("$.tags[0, 2]", ["b", "d"]),
        ("$.tags[2, 0]", ["b", "d"]),
        ("$.tags[1, 1]", ["a", "c", "d"]),
        ("$.tags[-1]", ["a", "b", "c"]),
        ("$.tags[?@ == 'b']", ["a", "c", "d"]),
    ],
)
def test_remove_takes_exactly_what_the_target_names(target, tags):
    assert applied({"target": target, "remove": True})[0]["tags"] == tags


def test_remove_of_a_thing_and_of_what_is_in_it():
    document, _ = applied(
        {"target": "$..*[?@.tags || @.get]", "remove": True}, {"target": "$.info", "update": {"a": 1}}
    )
    assert document["paths"] == {}


def test_remove_goes_before_update_and_actions_go_in_order():
    document, _ = applied(
        {"target": "$.info.title", "remove": True, "update": {"a": 1}},
        {"target": "$.info", "update": {"title": {}}},
        {"target": "$.info.title", "update": {"b": 2}},
    )
    assert document["info"]["title"] == {"b": 2}


def test_a_wildcard_reaches_every_match_and_ties_none_together():
    document, additions = applied({"target": "$.paths[*].get", "update": {"extra": {"list": [1]}}})
    first, second = (document["paths"][path]["get"]["extra"] for path in ("/a", "/b"))
    assert first == second == {"list": [1]}
    first["list"].append(2)
    assert second == {"list": [1]}
    assert [addition.pointer for addition in additions] == ["/paths/~1a/get/extra/list", "/paths/~1b/get/extra/list"]


def test_later_actions_do_not_change_what_an_earlier_one_copied():
    shared = {"list": [1]}
    document, _ = applied(
        {"target": "$.info", "update": {"one": shared, "two": shared}},
        {"target": "$.info.one.list", "update": 2},
    )
    assert document["info"]["one"] == {"list": [1, 2]} and document["info"]["two"] == {"list": [1]} == shared


def test_additions_know_where_they_come_from():
    _, additions = applied(
        {
            "target": "$.info",
            "x-provenance": "assumed",
            "update": {
                "one": {"description": "First.", "inner": {"deep": {"x-provenance": "sdk", "summary": "Second."}}},
                "two": {"x-provenance": "documented", "description": "Third\n  one."},
                "three": 3,
            },
        }
    )
    assert [(a.pointer, a.provenance, a.note) for a in additions] == [
        ("/info/one", "assumed", "First."),
        ("/info/one/inner/deep", "sdk", "Second."),
        ("/info/two", "documented", "Third one."),
        ("/info/three", "assumed", ""),
    ]


@pytest.mark.parametrize("name", ["datagrid", "mem0"])
class TestBundled:
    def load(self, name, *, strict):
        return load_contract(ROOT / "spec" / f"{name}.yaml", ROOT / "spec" / f"{name}.overlay.yaml", strict=strict)

    def test_it_is_valid_by_the_reference_with_and_without_overlay(self, name):
        assert self.load(name, strict=True).name == name
        assert load_contract(ROOT / "spec" / f"{name}.yaml", strict=True).additions == []

    def test_every_addition_has_a_provenance(self, name):
        additions = self.load(name, strict=False).additions
        assert additions
        assert [a.pointer for a in additions if a.provenance not in PROVENANCES] == []

    def test_it_loads_the_same_from_json(self, name, tmp_path):
        contract = self.load(name, strict=False)
        (tmp_path / "api.json").write_text(json.dumps(contract.document))
        assert load_contract(tmp_path / "api.json", strict=False).document == contract.document


def test_an_operation_behind_a_path_item_reference_is_checked(tmp_path):
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/a/{id}": {"$ref": "#/components/pathItems/A"}},
        "components": {
            "pathItems": {
                "A": {
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                    "get": {"responses": {"200": {"description": "x"}}},
                }
            }
        },
    }
    (tmp_path / "api.json").write_text(json.dumps(document))
    contract = load_contract(tmp_path / "api.json", strict=False)
    operation, values, _ = contract.match("GET", ["a", "x"])
    checked = operation.check_request(Request("GET", "/a/x"), values)
    assert [str(violation) for violation in checked.violations] == [
        'path id: must be an integer, not the string "x"',
    ]


OPERATIONS = {
    "plaid-3.0.yml": 329,
    "discord-3.1.json": 242,
    "mem0-platform-3.0.json": 55,
    "petstore-3.0.yaml": 19,
    "oai-3.1-tictactoe.yaml": 3,
    "oai-3.1-webhook-example.yaml": 0,
    "oai-3.1-non-oauth-scopes.yaml": 1,
    "oai-3.0-uspto.yaml": 3,
    "oai-3.0-link-example.yaml": 6,
}
SLOW = {"plaid-3.0.yml", "discord-3.1.json"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_published_documents_load(name):
    assert len(load_contract(published(name), strict=False).operations) == OPERATIONS[name]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in OPERATIONS]
)
def test_published_documents_load_strictly(name):
    assert len(load_contract(published(name), strict=True).operations) == OPERATIONS[name]


def test_a_published_swagger_document_is_served():
    made = load_contract(published("oai-2.0-uber.yaml"))
    assert len(made.operations) == 5 and made.base_path == "/v1"
