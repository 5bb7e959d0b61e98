"""Request bodies: media types, strict parsing, and what is refused outright."""

from __future__ import annotations

import json

import pytest
from contracts import brief, bundled, contract, refusal, send, with_body
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.json_text import MAX_DEPTH
from mockserver.contract.media_types import essence, parameter
from mockserver.errors import Problem

OBJECT = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "integer"}},
        "inner": {"type": "object", "properties": {"n": {"type": "integer"}}},
    },
}


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("application/json", "application/json"),
        ("application/json", "application/json; charset=utf-8"),
        ("application/json", "application/json;charset=UTF-8"),
        ("application/json", 'application/json; charset="utf-8"'),
        ("application/json", "Application/JSON ; q=1"),
        ("application/json", "application/json;"),
        ("application/json", "application/json; charset"),
        ("application/json", "application/json; schema=x"),
        ("Application/JSON", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/vnd.x+json", "application/vnd.x+json"),
        ("application/*", "application/json"),
        ("application/*", "application/vnd.x+json"),
        ("*/*", "application/json"),
    ],
)
def test_json_bodies_are_read_and_checked(declared, sent):
    operation = with_body(OBJECT, declared)
    checked = send(operation, {"name": "x", "age": 3}, content_type=sent)
    assert checked.violations == [] and checked.body == {"name": "x", "age": 3} and checked.has_body
    assert brief(send(operation, {"age": "x"}, content_type=sent).violations) == [
        ("body", "/name", "required"),
        ("body", "/age", "type"),
    ]


@pytest.mark.parametrize("sent", ["text/plain", "application/jsonx", "json", "application/xml", "", None, ";", "a/b/c"])
def test_other_media_types_are_415(sent):
    problem = refusal(with_body(OBJECT), {"name": "x"}, content_type=sent)
    assert problem.status == 415
    assert problem.message.endswith("this operation takes application/json.")
    assert ("there is no Content-Type" in problem.message) is (not sent)


def test_the_most_specific_media_type_decides():
    content = {
        "*/*": {"schema": {"type": "object", "required": ["any"]}},
        "text/*": {"schema": {"type": "string", "maxLength": 1}},
        "application/json": {"schema": {"type": "object", "required": ["exact"]}},
    }
    operation = contract({"/x": {"post": {"requestBody": {"content": content}}}}).operations["POST /x"]
    assert brief(send(operation, {}).violations) == [("body", "/exact", "required")]
    assert brief(send(operation, raw=b"ab", content_type="text/csv").violations) == [("body", "", "maxLength")]
    assert brief(send(operation, {}, content_type="application/x+json").violations) == [("body", "/any", "required")]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "is not valid JSON"),
        (b'{"name": NaN}', "is not valid JSON"),
        (b'{"name": Infinity}', "is not valid JSON"),
        (b'{"name": 1e999}', "is not valid JSON"),
        (b'{"name": "\xff"}', "is not valid JSON"),
        (b'{"name": "\\ud800"}', "is not valid JSON"),
        ('{"name": "x"}'.encode("utf-16"), "is not valid JSON"),
        (b'\xef\xbb\xbf{"name": "x"}', "is not valid JSON"),
        (b"{'name': 'x'}", "is not valid JSON"),
        (b'{"name": "x",}', "is not valid JSON"),
        (b'{"name": "x"} x', "is not valid JSON"),
        (b"\x00", "is not valid JSON"),
        (b" ", "is not valid JSON"),
        (b'{"name": 01}', "is not valid JSON"),
        (b'{"name": "x", "name": "y"}', "has the key 'name' twice in one object"),
        (b'{"name": "x", "n\\u0061me": "y"}', "has the key 'name' twice in one object"),
        (b'{"name": "x", "inner": {"n": 1, "n": 1}}', "has the key 'n' twice in one object"),
        (b'{"name":' + b"1" * 5000 + b"}", "is not valid JSON: number is infinity"),
        (b'{"name":' + b"1" * 300 + b', "a:": 1, "a:": 2}', "has the key 'a:' twice in one object"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "is nested too deeply; at most 200 levels are read"),
        (b"[" * 100_000, "is nested too deeply; at most 200 levels are read"),
        (b'{"a":' * 100_000, "is nested too deeply; at most 200 levels are read"),
    ],
)
def test_what_is_not_strict_json_is_400(raw, message):
    problem = refusal(with_body(OBJECT), raw=raw)
    assert problem.status == 400 and message in problem.message
    assert [(v.side, v.where, v.pointer) for v in problem.violations] == [("client", "body", "")]


def test_a_fault_in_json_has_line_and_column():
    assert (
        "line 2 column 3"
        in refusal(with_body(OBJECT), raw=b'{\n  "name" 1}'.replace(b'  "name"', b'  x"name"')).message
    )


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_an_integer_beyond_64_bits_is_one_and_stays_exact(kind):
    checked = send(with_body({"type": kind}), raw=b"1" * 300)
    assert (checked.violations, checked.body) == ([], int("1" * 300))


def test_nesting_up_to_the_limit_is_read():
    assert send(with_body({}), raw=b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).violations == []


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "iso-8859-1", "utf-7", "nonsense"])
def test_other_charsets_are_415(charset):
    problem = refusal(with_body(OBJECT), {"name": "x"}, content_type=f"application/json; charset={charset}")
    assert problem.status == 415 and charset in problem.message


def test_a_required_body():
    violation = send(with_body(OBJECT)).violations[0]
    assert (violation.side, violation.where, violation.pointer, violation.keyword) == ("client", "body", "", "required")
    assert str(violation) == "body: is required and missing"
    optional = contract({"/x": {"post": {"requestBody": {"content": {"application/json": {"schema": OBJECT}}}}}})
    checked = send(optional.operations["POST /x"])
    assert checked.violations == [] and not checked.has_body and checked.body is None


def test_a_body_that_is_null_is_a_body():
    checked = send(with_body({"type": "string", "nullable": True}), raw=b"null")
    assert checked.violations == [] and checked.has_body and checked.body is None
    assert brief(send(with_body({"type": "string"}), raw=b"null").violations) == [("body", "", "type")]


def test_an_operation_without_a_body_ignores_one():
    operation = contract({"/x": {"get": {}}}).operations["GET /x"]
    checked = send(operation, raw=b"\xff{", content_type="nonsense")
    assert checked.violations == [] and not checked.has_body


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"name=a+b%26&age=5", {"name": "a b&", "age": 5}),
        (b"name=&tags=1&tags=2", {"name": "", "tags": [1, 2]}),
        (b"name=1&other=2", {"name": "1", "other": "2"}),
        (b"name=x&inner=%7B%22n%22%3A1%7D", {"name": "x", "inner": {"n": 1}}),
    ],
)
def test_urlencoded_forms(raw, body):
    checked = send(with_body(OBJECT, FORM), raw=raw, content_type=FORM)
    assert checked.violations == [] and checked.body == body


def test_urlencoded_forms_are_checked():
    operation = with_body(OBJECT, FORM)
    assert brief(send(operation, raw=b"age=+5&inner=%7B", content_type=FORM).violations) == [
        ("body", "/name", "required"),
        ("body", "/age", "type"),
        ("body", "/inner", "type"),
    ]
    assert "has the field 'age' 2 times" in refusal(operation, raw=b"age=1&age=2", content_type=FORM).message
    assert "is not UTF-8" in refusal(operation, raw=b"name=\xff", content_type=FORM).message


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"


MULTIPART = "multipart/form-data; boundary=B"


def test_multipart_forms():
    raw = multipart(
        b'Content-Disposition: form-data; name="name"\r\n\r\nx y',
        b'Content-Disposition: form-data; name="age"\r\n\r\n5',
        b'Content-Disposition: form-data; name="tags"\r\n\r\n1',
        b'Content-Disposition: form-data; name="tags"\r\n\r\n2',
        b'Content-Disposition: form-data; name="inner"\r\nContent-Type: application/json\r\n\r\n{"n": 1}',
        b'Content-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n\x00\xff',
        b"X-None: x\r\n\r\nignored",
    )
    checked = send(with_body(OBJECT, "multipart/form-data"), raw=raw, content_type=MULTIPART)
    assert checked.violations == []
    assert checked.body == {"name": "x y", "age": 5, "tags": [1, 2], "inner": {"n": 1}, "file": "\x00\ufffd"}


def test_multipart_forms_are_checked():
    operation = with_body(OBJECT, "multipart/form-data")
    raw = multipart(b'Content-Disposition: form-data; name="age"\r\n\r\nx')
    assert brief(send(operation, raw=raw, content_type=MULTIPART).violations) == [
        ("body", "/name", "required"),
        ("body", "/age", "type"),
    ]
    for broken in (b"", b"nonsense", multipart()[:-4]):
        if broken:
            refusal(operation, raw=broken, content_type="multipart/form-data")


def test_multipart_that_is_nested_without_end_is_refused():
    level = b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n'
    raw = b"--B\r\n" + b"".join(level % (i, i) for i in range(5_000))
    with pytest.raises(Problem) as caught:
        send(with_body(OBJECT, "multipart/form-data"), raw=raw, content_type=MULTIPART)
    assert caught.value.status == 400


def test_text_and_binary_bodies():
    text = with_body({"type": "string", "maxLength": 3}, "text/plain")
    assert send(text, raw="äöü".encode(), content_type="text/plain; charset=utf-8").body == "äöü"
    assert brief(send(text, raw=b"long", content_type="text/plain").violations) == [("body", "", "maxLength")]
    octets = with_body({"type": "string", "format": "binary"}, "application/octet-stream")
    assert send(octets, raw=b"\xff\x00", content_type="application/octet-stream").violations == []


def test_a_body_behind_a_reference():
    made = contract(
        {"/x": {"post": {"requestBody": {"$ref": "#/components/requestBodies/B"}}}},
        components={
            "requestBodies": {"B": {"required": True, "content": {"application/json": {"schema": OBJECT}}}},
        },
    )
    assert brief(send(made.operations["POST /x"], {}).violations) == [("body", "/name", "required")]


def test_parameters_and_body_are_both_reported():
    node = {
        "parameters": [{"name": "p", "in": "query", "required": True, "schema": {"type": "integer"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": OBJECT}}},
    }
    operation = contract({"/x": {"post": node}}).operations["POST /x"]
    assert [v.field for v in send(operation, {}).violations] == ["query p", "name"]


def test_a_bundled_request_is_refused_by_field():
    create = bundled("datagrid").operations["Memory.createUserMemory"]
    violations = send(create, {"agent_id": 5}).violations
    assert [str(v) for v in violations] == [
        "memory: is required and missing",
        "agent_id: must be a string, not the integer 5",
    ]


def test_content_type_parts():
    assert essence(" Text/Plain ; a=b") == "text/plain"
    assert parameter('multipart/form-data; Boundary="x y"; b=c', "boundary") == "x y"
    assert parameter("a/b; charset", "charset") == ""


@given(st.binary(max_size=40), st.sampled_from(["application/json", FORM, MULTIPART, "text/plain", "x/y"]))
def test_no_bytes_raise_anything_but_a_problem(raw, content_type):
    for declared in ("application/json", FORM, "multipart/form-data", "text/plain", "*/*"):
        try:
            send(with_body_cached(declared), raw=raw, content_type=content_type)
        except Problem as problem:
            assert problem.status in (400, 415)


CACHE = {}


def with_body_cached(declared):
    if declared not in CACHE:
        CACHE[declared] = with_body({}) if declared == "anything" else with_body(OBJECT, declared)
    return CACHE[declared]


@given(st.text(max_size=30))
def test_no_content_type_raises_anything_but_a_problem(content_type):
    try:
        send(with_body_cached("*/*"), raw=b"{}", content_type=content_type)
    except Problem as problem:
        assert problem.status in (400, 415)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(codec="utf-8"), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_json_is_read_as_it_was_written(value):
    raw = json.dumps(value).encode()
    assert send(with_body_cached("anything"), raw=raw).body == json.loads(raw)
