"""Checking a document: everything that loading notes, and what would take too long at every start."""

from __future__ import annotations

import pytest
from contracts import ROOT

from mockserver.contract.check import check_document

TEXT = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    get:
      parameters:
        - {name: size, in: query, schema: {type: integer, default: many}, example: 5}
      responses:
        '200':
          description: x
          headers:
            X-Size: {schema: {type: string, example: größe}}
            X-Name: {schema: {type: string}, example: "a\\nb"}
          content:
            application/json:
              schema: {$ref: '#/components/schemas/S'}
              examples:
                good: {value: {id: 1}}
                bad: {value: {id: one}}
                shared: {$ref: '#/components/examples/Bad'}
                empty: {summary: nothing}
                elsewhere: {externalValue: 'https://x.test/a'}
components:
  examples:
    Bad: {value: {id: []}}
  schemas:
    S:
      type: object
      properties:
        id: {type: integer, example: x}
        at: {type: string, format: date-tme}
        secret: {type: string, writeOnly: true}
      example: {id: 1, secret: s}
"""


@pytest.fixture
def check(tmp_path):
    def checked(text, **options):
        (tmp_path / "api.yaml").write_text(text, encoding="utf-8")
        return check_document(tmp_path / "api.yaml", **options)

    return checked


def brief(faults):
    return [(fault.severity, fault.rule_id, fault.line) for fault in faults]


def test_a_sound_document_has_no_faults(check):
    for name in ("datagrid", "mem0"):
        found = check_document(ROOT / "spec" / f"{name}.yaml", ROOT / "spec" / f"{name}.overlay.yaml")
        assert [fault for fault in found if fault.severity != "note"] == []


def test_examples_defaults_headers_and_formats_are_looked_at(check):
    assert brief(check(TEXT, strict=False)) == [
        ("warning", "default-breaks-schema", 7),
        ("warning", "header-example", 12),
        ("warning", "header-example", 13),
        ("warning", "example-breaks-schema", 19),
        ("warning", "example-breaks-schema", 20),
        ("warning", "example-without-value", 21),
        ("warning", "example-breaks-schema", 30),
        ("note", "unknown-format", 31),
    ]


def test_what_is_valid_in_one_direction_is_a_fine_example(check):
    found = check(TEXT, strict=False)
    assert not any(fault.line == 33 for fault in found)  # the example holds what is write-only


def test_the_strict_validator_is_asked_too(check):
    found = check(TEXT)
    assert ("error", "strict", 7) in brief(found)
    assert "'many' is not of type 'integer'" in [fault.message for fault in found]


def test_a_fault_says_where_it_is_what_it_is_and_what_comes_of_it(check):
    fault = next(fault for fault in check(TEXT, strict=False) if fault.line == 19)
    assert fault.pointer == "/paths/~1a/get/responses/200/content/application~1json/examples/bad/value"
    assert fault.message == 'breaks its schema: /id: must be an integer, not the string "one"'
    assert str(fault).startswith(fault.file + ":19: /paths/") and str(fault).endswith("; a value is made up instead")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [1\n", 2, "did not find expected"),
        ("- a\n", 1, "is not an OpenAPI document"),
        ("openapi: 9.9.9\n", 1, "`openapi` is '9.9.9'"),
        ("a: \0", 0, "unacceptable character"),
    ],
)
def test_a_document_that_is_none_has_one_fault(check, text, line, message):
    found = check(text)
    assert brief(found) == [("error", "unusable", line)]
    assert found[0].message.startswith(message) and found[0].file.endswith("api.yaml")


def test_a_file_that_is_not_there_has_one_fault(tmp_path):
    assert brief(check_document(tmp_path / "no.yaml")) == [("error", "unusable", 0)]


def test_faults_of_other_files_come_after_those_of_the_document(check, tmp_path):
    (tmp_path / "s.yaml").write_text("type: object\nproperties:\n  a: {type: integer, default: x}\n")
    found = check(TEXT.replace("{$ref: '#/components/schemas/S'}", "{$ref: s.yaml}"), strict=False)
    assert (found[-1].file, found[-1].line, found[-1].rule_id) == ("s.yaml", 3, "default-breaks-schema")
