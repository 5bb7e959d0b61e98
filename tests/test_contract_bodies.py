"""Bodies of every media type: which declaration counts, and how forms, XML and rows become values."""

from __future__ import annotations

import pytest
from contracts import brief, contract, refusal, reply, send, with_body
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.media_types import covers, nearness, parameters
from mockserver.errors import Problem

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
THING = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}


def with_content(content, version="3.0.3"):
    """An operation that takes these media types."""
    made = contract({"/x": {"post": {"requestBody": {"required": True, "content": content}}}}, version)
    return made.operations["POST /x"]


def numbered(*media_types):
    """An operation that tells which of its media types was chosen: the body must have a member of its number."""
    return with_content(
        {name: {"schema": {"type": "object", "required": [str(n)]}} for n, name in enumerate(media_types)}
    )


def chosen(operation, content_type):
    """The number of the media type that was chosen."""
    [violation] = send(operation, {}, content_type=content_type).violations
    return int(violation.pointer[1:])


@pytest.mark.parametrize(
    ("declared", "sent", "number"),
    [
        (["application/json;version=1", "application/json;version=2"], "application/json; version=2", 1),
        (["application/json;version=1", "application/json;version=2"], 'application/json; VERSION="1"', 0),
        (["application/json", "application/json;version=2"], "application/json; version=2", 1),
        (["application/json", "application/json;version=2"], "application/json; version=3", 0),
        (["application/json", "application/json;version=2"], "application/json", 0),
        (["application/json;a=1;b=2", "application/json;a=1"], "application/json;a=1;b=2", 0),
        (["application/json;a=1;b=2", "application/json;a=1"], "application/json;a=1", 1),
        (["application/json;version=1", "application/json;version=2"], "application/json", 0),
        (["*/*", "application/*", "application/*+json", "application/a+json"], "Application/A+JSON", 3),
        (["*/*", "application/*", "application/*+json", "application/a+json"], "application/b+json", 2),
        (["*/*", "application/*", "application/*+json", "application/a+json"], "application/json", 1),
        (["*/*", "application/*"], "text/json", 0),
        (["application/json; charset=utf-8"], "application/json", 0),
    ],
)
def test_of_the_declared_media_types_the_nearest_is_chosen(declared, sent, number):
    assert chosen(numbered(*declared), sent) == number
    backwards = numbered(*reversed(declared))
    if len(declared) > 1 and "version=1" not in declared[0]:
        assert chosen(backwards, sent) == len(declared) - 1 - number


def test_a_parameter_that_differs_is_another_media_type():
    problem = refusal(numbered("application/json;version=1"), {}, content_type="application/json;version=2")
    assert problem.status == 415 and "takes application/json;version=1" in problem.message


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_two_texts_can_be_compared_as_media_types(one, other):
    covers(one, other), nearness(one, other)


def test_parameters_of_a_media_type():
    assert parameters('a/b; x="1;2\\"3" ; Y = z;;w;x=4') == {"x": '1;2"3', "y": "z"}


@pytest.mark.parametrize("sent", ["application/json", FORM, "application/xml", "image/png", "text/plain"])
def test_any_file_is_taken_as_it_is(sent):
    operation = with_body({"type": "string", "format": "binary"}, "*/*")
    checked = send(operation, raw=b"{\xff", content_type=sent)
    assert (checked.violations, checked.body) == ([], "{\ufffd")


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.acme.platform", "application/vnd.information.v1", "application/transform", "image/png"],
)
def test_a_name_with_form_in_it_is_no_form(media_type):
    assert send(with_body(THING, media_type), raw=b"x=\xff", content_type=media_type).violations == []


XML_TYPES = ["application/xml", "text/xml", "text/xml; charset=utf-8", "application/vnd.acme.platform+xml", "Text/XML"]


@pytest.mark.parametrize("media_type", XML_TYPES)
def test_xml_is_checked_by_its_schema(media_type):
    operation = with_body(THING, media_type.partition(";")[0])
    checked = send(operation, raw=b"<thing><a>1</a></thing>", content_type=media_type)
    assert (checked.violations, checked.body) == ([], {"a": 1})
    for raw, expected in ((b"<thing><a>x</a></thing>", ("/a", "type")), (b"<thing/>", ("/a", "required"))):
        violations = send(operation, raw=raw, content_type=media_type).violations
        assert brief(violations) == [("body", *expected)]
    problem = refusal(operation, raw=b"<thing>", content_type=media_type)
    assert problem.status == 400 and "is not well-formed XML: no element found at line 1 column 8" in problem.message


def test_texts_in_xml_are_read_again_as_what_their_schema_takes():
    word = {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto"]}]}
    schema = {"type": "object", "properties": {"n": {"type": "array", "items": word}}}
    checked = send(with_body(schema, "text/xml"), raw=b"<x><n>5</n><n>auto</n></x>", content_type="text/xml")
    assert (checked.violations, checked.body) == ([], {"n": [5, "auto"]})


def test_xml_that_is_declared_as_a_string_is_its_text():
    operation = with_body({"type": "string"}, "image/svg+xml")
    assert send(operation, raw=b"<svg><g/></svg>", content_type="image/svg+xml").body == "<svg><g/></svg>"


def test_the_xml_of_a_response_is_checked_as_value_and_as_text():
    operation = with_body(THING, "application/xml")
    for data in ({"a": 1}, "<t><a>1</a></t>", b"<t><a>1</a></t>"):
        assert reply(operation, data, media_type="application/xml") == []
    for data in ({"a": "x"}, "<t><a>x</a></t>"):
        assert brief(reply(operation, data, media_type="application/xml")) == [("body", "/a", "type")]
    [violation] = reply(operation, "<t>", media_type="application/xml")
    assert violation.side == "server" and "is not well-formed XML" in violation.message


@pytest.mark.parametrize(
    ("schema", "media_type", "raw", "valid"),
    [
        ({"type": "object"}, "text/markdown", b"# x", True),
        ({"type": "array", "items": {}}, "text/html", b"<p>", True),
        ({"type": "object", "nullable": True}, "text/html", b"<p>", True),
        ({"type": "string", "maxLength": 2}, "text/html", b"<p>", False),
        ({"anyOf": [{"type": "object"}, {"type": "string", "maxLength": 2}]}, "text/html", b"<p>", False),
        ({"type": "integer"}, "text/plain", b"5", True),
        ({"type": "integer"}, "text/plain", b"five", False),
        ({"type": "boolean"}, "text/plain", b"true", True),
        ({"anyOf": [{"type": "integer"}, {"enum": ["auto"]}]}, "text/plain", b"5", True),
    ],
)
def test_of_texts_only_a_schema_that_a_text_may_meet_is_checked(schema, media_type, raw, valid):
    assert (send(with_body(schema, media_type), raw=raw, content_type=media_type).violations == []) is valid


@pytest.mark.parametrize("media_type", ["text/plain", "text/csv", FORM, "application/xml", "application/x-ndjson"])
def test_bytes_that_are_no_text_are_400_and_the_place_is_named(media_type):
    schema = {"type": "array", "items": {"type": "string"}} if media_type == "text/csv" else {"type": "object"}
    operation = with_body({"type": "string"} if media_type == "text/plain" else schema, media_type)
    problem = refusal(operation, raw=b"a=1\n\xff\xfe", content_type=media_type)
    assert problem.status == 400 and problem.violations[0].where == "body"


# -- rows and lines --------------------------------------------------------------------------------

ROWS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "ok": {"type": "boolean"}},
    },
}


def rows(raw, schema=ROWS, content_type="text/csv"):
    return send(with_body(schema, "text/csv"), raw=raw, content_type=content_type)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'name,age\r\na,5\r\n"b, c",6\r\n', [{"name": "a", "age": 5}, {"name": "b, c", "age": 6}]),
        (b"\xef\xbb\xbfname,ok\na,true\n\n", [{"name": "a", "ok": True}]),
        (b"name,age\na,\n", [{"name": "a"}]),
        (b'name\n"two\nlines"\n', [{"name": "two\nlines"}]),
        (b"name,other\na,1", [{"name": "a", "other": "1"}]),
        (b"name\n", []),
    ],
)
def test_the_rows_of_csv_are_items(raw, expected):
    checked = rows(raw)
    assert (checked.violations, checked.body) == ([], expected)


def test_a_row_of_csv_that_is_wrong_is_named():
    assert brief(rows(b"name,age\na,1\nb,x\n").violations) == [("body", "/1/age", "type")]
    assert brief(rows(b"age\n1\n").violations) == [("body", "/0/name", "required")]
    for raw, message in (
        (b"name,age\na\n", "has 1 cells in line 2, and 2 columns"),
        (b'name\n"a\n', "is not valid CSV"),
        (b'name\n"a"b\n', "is not valid CSV"),
    ):
        with pytest.raises(Problem, match=message) as caught:
            rows(raw)
        assert caught.value.status == 400


def test_csv_without_a_header_and_rows_that_are_no_objects():
    assert rows(b"a,5,true\n", content_type="text/csv; header=absent").body == [{"name": "a", "age": 5, "ok": True}]
    lists = {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}
    assert rows(b"1,2\n3,4\n", lists).body == [[1, 2], [3, 4]]
    assert rows(b"1\n2\n", {"type": "array", "items": {"type": "integer"}}).body == [1, 2]
    assert rows(b"a,b\n", {"type": "string"}).body == "a,b\n"


LINE_TYPES = ["application/x-ndjson", "application/jsonl", "application/x-jsonlines"]


@pytest.mark.parametrize("media_type", LINE_TYPES)
def test_the_lines_of_json_lines_are_items(media_type):
    for schema in (ROWS, ROWS["items"]):
        operation = with_body(schema, media_type)
        checked = send(operation, raw=b'{"name": "a"}\r\n\n{"name": "b", "age": 1}', content_type=media_type)
        assert (checked.violations, checked.body) == ([], [{"name": "a"}, {"name": "b", "age": 1}])
        wrong = send(operation, raw=b'{"name": "a"}\n{"age": 1}\n', content_type=media_type)
        assert brief(wrong.violations) == [("body", "/1/name", "required")]
        message = refusal(operation, raw=b'{"name": "a"}\n{"name"\n', content_type=media_type).message
        assert "is not valid JSON" in message and message.endswith("in line 2")


def test_the_lines_of_a_response_are_checked_as_values_and_as_text():
    operation = with_body(ROWS, "application/jsonl")
    for data in ([{"name": "a"}], '{"name": "a"}\n', b'{"name": "a"}\n'):
        assert reply(operation, data, media_type="application/jsonl") == []
    for data in ([{}], "{}\n"):
        assert brief(reply(operation, data, media_type="application/jsonl")) == [("body", "/0/name", "required")]


def test_a_sequence_of_json_texts():
    operation = with_body(ROWS, "application/json-seq")
    checked = send(operation, raw=b'\x1e{"name": "a"}\n\x1e{"name":\n"b"}\n', content_type="application/json-seq")
    assert (checked.violations, checked.body) == ([], [{"name": "a"}, {"name": "b"}])
    assert "U+001E" in refusal(operation, raw=b'{"name": "a"}\n', content_type="application/json-seq").message


def test_an_item_schema_describes_each_line():
    for media_type, raw in (("application/jsonl", b'{"name": "a"}\n{}\n'), ("text/csv", b"name,age\na,1\nb,x\n")):
        operation = with_content({media_type: {"itemSchema": ROWS["items"]}}, "3.1.0")
        assert [v.pointer[:2] for v in send(operation, raw=raw, content_type=media_type).violations] == ["/1"]


# -- parts without names ---------------------------------------------------------------------------

MIXED = "multipart/mixed; boundary=B"


def mixed(*parts):
    """The body of parts that are each a Content-Type and data."""
    heads = [f"Content-Type: {kind}\r\n".encode() if kind else b"" for kind, _ in parts]
    pieces = [b"--B\r\n" + head + b"\r\n" + data + b"\r\n" for head, (_, data) in zip(heads, parts, strict=True)]
    return b"".join(pieces) + b"--B--\r\n"


def test_the_parts_of_a_mixed_body_are_the_items_of_an_array():
    items = [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}, {"type": "integer"}]
    schema = {"type": "array", "prefixItems": items, "items": {"type": "string"}, "minItems": 2}
    operation = with_content({"multipart/mixed": {"schema": schema}}, "3.1.0")
    raw = mixed(("application/json", b'{"a": 1}'), ("", b"5"), ("image/png", b"x"), ("text/plain", b"7"))
    checked = send(operation, raw=raw, content_type=MIXED)
    assert (checked.violations, checked.body) == ([], [{"a": 1}, 5, "x", "7"])
    assert send(operation, raw=mixed(("", b'{"a": 1}'), ("", b"5")), content_type=MIXED).violations == []
    for wrong, place in ((mixed(("", b"{}"), ("", b"5")), "/0/a"), (mixed(("", b'{"a": 1}'), ("", b"x")), "/1")):
        assert [v.pointer for v in send(operation, raw=wrong, content_type=MIXED).violations] == [place]
    assert refusal(operation, raw=mixed(("", b"{"), ("", b"5")), content_type=MIXED).violations[0].pointer == "/0"
    assert "is not multipart/mixed" in refusal(operation, raw=b"x", content_type=MIXED).message


def test_encodings_by_position_say_what_parts_may_be():
    header = {"X-Width": {"required": True, "schema": {"type": "integer"}}}
    media = {
        "itemSchema": {"type": "object", "required": ["a"]},
        "prefixEncoding": [{"contentType": "application/json"}],
        "itemEncoding": {"contentType": "application/json, application/problem+json", "headers": header},
    }
    operation = with_content({"multipart/mixed": media}, "3.2.0")
    first, head = ("application/json", b'{"a": 1}'), "application/json\r\nX-Width: "
    assert send(operation, raw=mixed(first, (head + "5", b'{"a": 2}')), content_type=MIXED).violations == []
    assert [
        v.pointer for v in send(operation, raw=mixed(first, (head + "5", b"{}")), content_type=MIXED).violations
    ] == ["/1/a"]
    for parts, message in (
        ([("text/plain", b"x")], "must be a part of type application/json"),
        ([first, (head + "x", b"{}")], "header X-Width"),
        ([first, ("application/json", b"{}")], "must have the header X-Width"),
    ):
        assert message in refusal(operation, raw=mixed(*parts), content_type=MIXED).message


# -- forms -----------------------------------------------------------------------------------------


def part(name, data, *headers, more=""):
    lines = [f'Content-Disposition: form-data; name="{name}"{more}', *headers]
    return b"--B\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + data + b"\r\n"


def form(properties, encoding=None, version="3.0.3", **more):
    schema = {"type": "object", "properties": properties, **more}
    media = {"schema": schema, "encoding": encoding or {}}
    return with_content({FORM: media, "multipart/form-data": media}, version)


def posted(operation, *parts):
    return send(operation, raw=b"".join(parts) + b"--B--\r\n", content_type=MULTIPART)


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed; boundary=C", "application/http", "text/plain"])
def test_a_part_is_kept_as_it_is_whatever_its_type(kind):
    data = b"Subject: x\r\n\r\n--C\r\n\r\nhello\r\n--C--"
    checked = posted(form({"mail": {"type": "string"}}), part("mail", data, f"Content-Type: {kind}"))
    assert (checked.violations, checked.body) == ([], {"mail": data.decode()})


def test_an_undeclared_field_that_comes_several_times_is_an_array():
    operation = form({"a": {"type": "string"}})
    raw = b"a=x&extra=1&extra=y"
    checked = send(operation, raw=raw, content_type=FORM)
    assert (checked.violations, checked.body) == ([], {"a": "x", "extra": ["1", "y"]})
    assert posted(operation, part("extra", b"1"), part("extra", b"y")).body == {"extra": ["1", "y"]}
    assert "2 times" in refusal(operation, raw=b"a=x&a=y", content_type=FORM).message
    strict = form({"a": {"type": "string"}}, additionalProperties={"type": "string"})
    assert "2 times" in refusal(strict, raw=raw, content_type=FORM).message


def test_a_content_transfer_encoding_is_not_undone():
    checked = posted(form({"a": {"type": "string"}}), part("a", b"aGk=", "Content-Transfer-Encoding: base64"))
    assert checked.body == {"a": "aGk="}


@pytest.mark.parametrize(
    ("raw", "content_type", "message"),
    [
        (b"--B\r\n\r\n", "multipart/form-data", "has no boundary"),
        (b"--C\r\n\r\nx\r\n--C--", MULTIPART, "is not multipart/form-data"),
        (part("a", b"x"), MULTIPART, "is cut off before its last boundary"),
        (b"--B--\r\n", MULTIPART, "it has no part"),
        (b"--B\r\nno header\r\n\r\nx\r\n--B--\r\n", MULTIPART, "is not multipart/form-data"),
        (part("a", b"\xff") + b"--B--", MULTIPART, "a: is not UTF-8"),
    ],
)
def test_a_multipart_body_that_cannot_be_read_is_400(raw, content_type, message):
    problem = refusal(form({"a": {"type": "string"}}), raw=raw, content_type=content_type)
    assert problem.status == 400 and message in problem.message


def test_names_with_quotes_and_letters_of_every_kind():
    checked = posted(form({}), part("ä", b"1"), part('a\\"b', b"2"), part("f", b"\xff", more='; filename="x;y.bin"'))
    assert checked.body == {"ä": "1", 'a"b': "2", "f": "\ufffd"}


NUMBERS = {"type": "array", "items": {"type": "integer"}}
WORDS = {"type": "array", "maxItems": 2, "items": {"type": "string"}}
AS_JSON = {"n": {"contentType": "application/json"}}


def test_a_field_whose_encoding_is_json_is_the_whole_value():
    for schema, text, keyword in (
        (NUMBERS, "[1,2]", None),
        (NUMBERS, '[1,"a"]', "type"),
        (WORDS, '["a"]', None),
        (WORDS, '["a","b","c","d"]', "maxItems"),
        ({"type": "object", "required": ["x"]}, "{}", "required"),
        ({}, '{"x":1}', None),
        ({"type": "integer"}, "5", None),
    ):
        operation = form({"n": schema}, AS_JSON)
        for checked in (
            send(operation, raw=f"n={text}".encode(), content_type=FORM),
            posted(operation, part("n", text.encode())),
            posted(operation, part("n", text.encode(), "Content-Type: application/json; charset=utf-8")),
        ):
            assert [violation.keyword for violation in checked.violations] == ([keyword] if keyword else [])
    broken = refusal(form({"n": WORDS}, AS_JSON), raw=b'n=["a"', content_type=FORM)
    assert broken.message.startswith("n: is not valid JSON")


def test_each_item_of_a_list_may_be_a_part_of_its_own():
    objects = {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}}}}
    parts = [part("n", b'{"x": 1}', "Content-Type: application/json"), part("n", b'{"x": 2}')]
    for encoding in (AS_JSON, {}):
        assert posted(form({"n": objects}, encoding), *parts).body == {"n": [{"x": 1}, {"x": 2}]}
        assert posted(form({"n": objects}, encoding), parts[0]).body == {"n": [{"x": 1}]}
    assert posted(form({"n": NUMBERS}), part("n", b"1"), part("n", b"2")).body == {"n": [1, 2]}


def test_a_part_that_says_it_is_json_is_read_so_unless_a_text_is_wanted():
    json = "Content-Type: application/json"
    assert posted(form({"n": NUMBERS}), part("n", b"[1, 2]", json)).body == {"n": [1, 2]}
    assert posted(form({"n": {"type": "string"}}), part("n", b"[1, 2]", json)).body == {"n": "[1, 2]"}


def test_a_part_that_is_xml():
    thing = {"type": "object", "properties": {"a": {"type": "integer"}}}
    encoded = form({"t": thing}, {"t": {"contentType": "application/xml"}})
    assert posted(encoded, part("t", b"<t><a>1</a></t>")).body == {"t": {"a": 1}}
    assert posted(form({"t": thing}), part("t", b"<t><a>1</a></t>", "Content-Type: text/xml")).body == {"t": {"a": 1}}
    assert (
        "t: is not well-formed XML"
        in refusal(encoded, raw=part("t", b"<t>") + b"--B--", content_type=MULTIPART).message
    )


def test_a_part_must_be_of_a_type_that_its_encoding_names():
    operation = form({"i": {"type": "string", "format": "binary"}}, {"i": {"contentType": "image/png, image/x-*"}})
    for kind, right in (("image/png", True), ("IMAGE/PNG; q=1", True), ("text/plain", False), ("image/gif", False)):
        raw = part("i", b"\xff", f"Content-Type: {kind}") + b"--B--"
        if right:
            assert send(operation, raw=raw, content_type=MULTIPART).violations == []
        else:
            problem = refusal(operation, raw=raw, content_type=MULTIPART)
            assert problem.message == f"i: must be a part of type image/png or image/x-*, not {kind}"


def test_the_headers_of_a_part_are_checked():
    headers = {"X-Size": {"required": True, "schema": {"type": "integer"}}}
    operation = form({"i": {"type": "string"}}, {"i": {"headers": headers}})
    assert posted(operation, part("i", b"x", "X-Size: 5")).violations == []
    for header, message in (("X-Other: 1", "must have the header X-Size in its part"), ("X-Size: a", "integer")):
        problem = refusal(operation, raw=part("i", b"x", header) + b"--B--", content_type=MULTIPART)
        assert problem.violations[0].pointer == "/i" and message in problem.message


@pytest.mark.parametrize(
    ("encoding", "raw", "expected"),
    [
        ({"explode": False}, b"n=1,2", [1, 2]),
        ({"style": "pipeDelimited", "explode": False}, b"n=1|2", [1, 2]),
        ({"style": "spaceDelimited", "explode": False}, b"n=1%202", [1, 2]),
        ({"explode": True}, b"n=1&n=2", [1, 2]),
        ({}, b"n=1&n=2", [1, 2]),
    ],
)
def test_styles_of_form_fields(encoding, raw, expected):
    operation = form({"n": NUMBERS, "m": {"type": "string"}}, {"n": encoding} if encoding else {})
    assert send(operation, raw=raw + b"&m=x", content_type=FORM).body == {"n": expected, "m": "x"}


def test_deep_objects_and_delimiters_as_data_in_forms():
    tree = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}
    operation = form({"t": tree}, {"t": {"style": "deepObject", "explode": True}})
    assert send(operation, raw=b"t[a][b]=1&x=2", content_type=FORM).body == {"t": {"a": {"b": 1}}, "x": "2"}
    operation = form({"n": WORDS}, {"n": {"explode": False}})
    assert send(operation, raw=b"n=a%2Cb,c", content_type=FORM).body == {"n": ["a,b", "c"]}


def test_styles_count_for_parts_from_3_1_on():
    encoding = {"n": {"style": "form", "explode": False}}
    assert posted(form({"n": NUMBERS}, encoding, "3.1.0"), part("n", b"1,2")).body == {"n": [1, 2]}
    assert brief(posted(form({"n": NUMBERS}, encoding), part("n", b"1,2")).violations) == [("body", "/n/0", "type")]


WORD = {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto"]}]}


def test_form_fields_are_read_as_what_their_schema_takes():
    operation = form({"n": WORD, "l": {"type": "array", "items": WORD}, "s": {"type": "integer", "nullable": True}})
    checked = send(operation, raw=b"n=5&l=auto&l=6&s=", content_type=FORM)
    assert (checked.violations, checked.body) == ([], {"n": 5, "l": ["auto", 6], "s": None})
    assert posted(operation, part("n", b"5")).body == {"n": 5}
    assert brief(send(operation, raw=b"n=zz", content_type=FORM).violations) == [("body", "/n", "enum")]


def test_alternatives_of_a_whole_form_are_read_together():
    one = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": WORD, "b": WORD},
        "additionalProperties": False,
    }
    other = {
        "type": "object",
        "required": ["c"],
        "properties": {"c": {"type": "string"}},
        "additionalProperties": False,
    }
    operation = with_content({FORM: {"schema": {"oneOf": [one, other]}}})
    checked = send(operation, raw=b"a=1&b=2", content_type=FORM)
    assert (checked.violations, checked.body) == ([], {"a": 1, "b": 2})
    assert send(operation, raw=b"c=3", content_type=FORM).body == {"c": "3"}


def test_a_field_that_is_not_utf_8_is_named():
    problem = refusal(form({"a": {"type": "string"}}), raw=b"b=1&a=%FF", content_type=FORM)
    assert problem.status == 400 and problem.message == "a: is not UTF-8"


EVERYTHING = with_content(
    {
        kind: {"schema": ROWS if "csv" in kind or "json" in kind else THING}
        for kind in (
            "text/csv",
            "application/jsonl",
            "application/json-seq",
            "application/xml",
            FORM,
            "multipart/form-data",
        )
    }
)


@settings(deadline=None)
@given(
    st.binary(max_size=60) | st.text('-B\r\n:;="<>/a{}[]\x1e,1', max_size=60).map(str.encode),
    st.sampled_from(["text/csv", "application/jsonl", "application/json-seq", "application/xml", FORM, MULTIPART]),
)
def test_no_bytes_of_any_type_raise_anything_but_a_problem(raw, content_type):
    try:
        send(EVERYTHING, raw=raw, content_type=content_type)
    except Problem as problem:
        assert problem.status == 400 and problem.violations
