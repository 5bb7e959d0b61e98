"""What leaves is what the media type says, whatever its spelling; never the notation of a programming language."""

from __future__ import annotations

import csv
import email
import io
from urllib.parse import parse_qs
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.events import event_of
from mockserver.contract.references import Refs
from mockserver.contract.writers import is_event_stream, write
from mockserver.contract.xml_schema import XmlSchema

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('ab\n\r\t,"ü:', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc:\n", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/vnd.a+JSON;v=1"],
)
def test_json_is_json_in_every_spelling(media_type):
    assert write({"id": 1, "on": True}, media_type) == (b'{"id":1,"on":true}', media_type)


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "application/jsonl; charset=utf-8"])
def test_lines_hold_one_json_text_each(media_type):
    assert write([{"a": 1}, True], media_type)[0] == b'{"a":1}\ntrue\n'
    assert write({"a": 1}, media_type)[0] == b'{"a":1}\n'


def test_a_sequence_has_a_separator_before_each_text():
    assert write([1, {"a": 2}], "application/json-seq")[0] == b'\x1e1\n\x1e{"a":2}\n'


def test_objects_are_events():
    assert write([{"a": 1}, "x\ny"], "text/event-stream")[0] == b'data: {"a":1}\n\ndata: x\ndata: y\n\n'
    named = {"event": "done", "data": {"n": 1}, "id": 7, "retry": 500}
    assert event_of(named) == 'event: done\nid: 7\nretry: 500\ndata: {"n":1}\n\n'


def test_an_example_that_is_a_stream_already_is_sent_as_it_is():
    stream = ": hello\nevent: a\ndata: 1\n\n"
    assert is_event_stream(stream) and not is_event_stream("data\n")
    assert write(stream, "text/event-stream")[0] == stream.encode()


@given(st.lists(JSON_VALUES, max_size=3))
def test_each_event_is_read_back(items):
    stream = write(items, "text/event-stream")[0].decode()
    blocks = stream.split("\n\n")
    assert blocks.pop() == "" and len(blocks) == len(items)
    for block in blocks:
        assert all(line.startswith(("data: ", "event: ", "id: ", "retry: ")) for line in block.split("\n"))


@given(st.dictionaries(st.text("ab&=+ ü", min_size=1, max_size=4), st.text("a&=+% ü", min_size=1), max_size=4))
def test_a_form_reads_back(fields):
    content, _ = write(fields, "application/x-www-form-urlencoded")
    assert {name: values[0] for name, values in parse_qs(content.decode(), keep_blank_values=True).items()} == fields


def test_a_form_repeats_a_list_and_nests_as_json():
    content, _ = write({"tag": ["a", "b"], "on": True, "deep": {"x": 1}}, "application/x-www-form-urlencoded")
    assert parse_qs(content.decode()) == {"tag": ["a", "b"], "on": ["true"], "deep": ['{"x":1}']}


def test_multipart_gets_a_boundary_that_no_part_holds():
    content, media_type = write({"a": "--mockserver-boundary", "b": {"x": 1}, "f": b"\x00"}, "multipart/form-data")
    message = email.message_from_bytes(b"Content-Type: " + media_type.encode() + b"\r\n\r\n" + content)
    parts = message.get_payload()
    names = [part.get_param("name", header="content-disposition") for part in parts]
    assert names == ["a", "b", "f"]
    assert [part.get_content_type() for part in parts] == ["text/plain", "application/json", "application/octet-stream"]
    assert parts[0].get_payload() == "--mockserver-boundary" and orjson.loads(parts[1].get_payload()) == {"x": 1}


def test_a_boundary_that_is_declared_is_kept():
    content, media_type = write(["one"], "multipart/mixed; boundary=b1")
    assert media_type == "multipart/mixed; boundary=b1" and content == b"--b1\r\n\r\none\r\n--b1--\r\n"


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text('x,"\n', max_size=5), min_size=1), min_size=1, max_size=4)
)
def test_rows_read_back(rows):
    content, _ = write(rows, "text/csv")
    read = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    names = list(dict.fromkeys(name for row in rows for name in row))
    assert [{name: row.get(name, "") for name in names} for row in rows if any(row.values()) or len(names) > 1] == [
        row for row in read if any(row.values()) or len(names) > 1
    ]


def test_tables_of_other_shapes():
    assert write([[1, "a"], [True, None]], "text/csv")[0] == b"1,a\r\ntrue,\r\n"
    assert write([1, 2], "text/tab-separated-values")[0] == b"1\n2\n"
    assert write("a,b\n", "text/csv")[0] == b"a,b\n"


@pytest.mark.parametrize(("value", "text"), [(True, b"true"), (1.5, b"1.5"), (None, b""), ({"a": [1]}, b'{"a":[1]}')])
def test_text_is_in_the_words_of_json(value, text):
    assert write(value, "text/plain")[0] == text


def test_bytes_are_sent_as_they_are():
    assert write(b"\x00\xff", "image/png") == (b"\x00\xff", "image/png")


def test_xml_is_written_by_its_schema_unless_the_example_is_markup():
    schema = XmlSchema(Refs({}), {"type": "object", "xml": {"name": "b"}})
    assert write("  <a/>", "application/xml", schema)[0] == b"  <a/>"
    assert write({"a": 1}, "text/xml; charset=utf-8", schema)[0].endswith(b"<b><a>1</a></b>")
    assert ElementTree.fromstring(write({"a": 1}, "application/atom+xml")[0]).findtext("a") == "1"


@given(JSON_VALUES, st.sampled_from(["text/plain", "text/csv", "application/x-ndjson", "multipart/mixed", "x/y"]))
def test_no_value_leaves_in_the_notation_of_python(value, media_type):
    content, _ = write(value, media_type)
    assert isinstance(content, bytes)
    assert b"True" not in content and b"None" not in content and b"': " not in content
