"""Reading YAML 1.2 and JSON: what values come out, and what is refused with a place."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.text.documents import (
    MAX_NESTING,
    DocumentError,
    line_of,
    parse,
    parts_of,
    pointer_of,
    read_text,
    uncollected,
)
from mockserver.text.jsontext import depth, duplicate_key

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("NO", "NO"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("017", 17),
        ("0x1f", 31),
        ("-5", -5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    found = parse(f"key: {text}\n", "f")["key"]
    assert found == value and type(found) is type(value)


def test_keys_are_strings():
    assert parse("200: a\non: b\nnull: c\ntrue: d\n1.0: e\n<<: f\n", "f") == {
        "200": "a",
        "on": "b",
        "null": "c",
        "true": "d",
        "1.0": "e",
        "<<": "f",
    }


def test_an_alias_gives_the_same_value():
    assert parse("a: &x {b: [1]}\nc: *x\n", "f") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1: 'a' stands here twice"),
        ("a:\n  200: x\n  '200': y\n", "f:3:3: '200' stands here twice"),
        ('{"a": 1,\n "b": {"c": 1,\n  "c": 2}}', "f:3:3: 'c' stands here twice"),
        ('{"a": 1, "\\u0061": 2}', "f:1:10: 'a' stands here twice"),
        ("a: &x\n  b: *x\n", "f:1:4: an alias stands inside the value that it names"),
        ("&x [*x]", "f:1:1: an alias stands inside the value that it names"),
        ("? [a]\n: b\n", "f:1:3: a key must be a plain value"),
        ("a: *nowhere\n", "f:1:4: found undefined alias"),
        ("a: [1, 2\nb: 3\n", "f:2:2: "),
        ('{"a": }x', "f:1:8: "),
        ("a: 1\n---\nb: 2\n", "f:2:1: but found another document"),
        ("a: \0\n", "f: unacceptable character"),
        ("a: !!int x\n", "f:1:4: is not of the type !!int"),
        ("a: !!float x\n", "f:1:4: is not of the type !!float"),
        ("a: !!bool maybe\n", "f:1:4: is not of the type !!bool"),
        ("a: !!null x\n", "f:1:4: is not of the type !!null"),
        ("!!map [a]\n", "f:1:1: is not a mapping"),
        ("a: !!timestamp 2026-01-01\n", "f:1:4: could not determine a constructor"),
        ("a: !!binary aGk=\n", "f:1:4: could not determine a constructor"),
        ("a: !!python/object/apply:os.system [ls]\n", "f:1:4: could not determine a constructor"),
    ],
)
def test_what_is_refused_names_its_place(text, message):
    with pytest.raises(DocumentError) as caught:
        parse(text, "f")
    assert str(caught.value).startswith(message)


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(DocumentError, match="its aliases make it hold more than 20,000,000 values"):
        parse("\n".join(lines), "f")


@pytest.mark.parametrize("opening", ["[", "- ", "? ", "[{a: ", '{"a":'])
@pytest.mark.parametrize("levels", [MAX_NESTING + 50, 5000])
def test_deep_nesting_is_refused(opening, levels):
    with pytest.raises(DocumentError):
        parse(opening * levels, "f")


@pytest.mark.parametrize("text", ["[" * 1010 + "]" * 1010, '{"x:":' + "[" * 1010 + "]" * 1010 + "}"])
def test_deep_json_is_refused(text):
    with pytest.raises(DocumentError, match="nested too deeply; at most 200 levels"):
        parse(text, "f")


def test_nesting_up_to_the_limit_is_read():
    for start in ("", "# yaml\n"):
        for level, fine in ((MAX_NESTING, True), (MAX_NESTING + 1, False)):
            text = start + "[" * level + "]" * level
            if fine:
                assert depth(parse(text, "f")) == level
            else:
                with pytest.raises(DocumentError, match="nested too deeply"):
                    parse(text, "f")


def test_aliases_may_not_nest_deeply_either():
    def nested(level: int) -> str:
        half = "[" * 100 + "x" + "]" * 100
        return f"a: &a {half}\nb: " + "[" * (level - 101) + "*a" + "]" * (level - 101)

    assert depth(parse(nested(MAX_NESTING), "f")) == MAX_NESTING
    with pytest.raises(DocumentError, match="nested too deeply"):
        parse(nested(MAX_NESTING + 1), "f")


def test_a_very_deep_document_does_not_kill_the_process():
    # The composer of libyaml recurses without a limit of its own: in another process, in case it still does.
    script = """
from mockserver.text.documents import DocumentError, parse
for opening in ("- ", "[", "? ", "[{a: "):
    for brackets in ("", "# " + "[" * 2000 + chr(10)):
        try:
            parse(brackets + opening * 200_000, "f")
        except DocumentError:
            print("refused")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["refused"] * 8, done.stderr


def test_a_long_flat_document_is_not_deep():
    assert len(parse("a:\n" + "- {b: [1]}\n" * 3000, "f")["a"]) == 3000


def test_read_text(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa4\n")
    assert read_text(file, 100) == "a: ä\n"
    file.write_bytes(b"a: 1\nb: 2\nc: \xff\n")
    with pytest.raises(DocumentError, match=r"x\.yaml:3: is not UTF-8"):
        read_text(file, 100)
    file.write_bytes(b"a" * 101)
    with pytest.raises(DocumentError, match=r"x\.yaml: is larger than 100 bytes"):
        read_text(file, 100)
    with pytest.raises(DocumentError, match=r"none\.yaml: cannot be read: No such file"):
        read_text(tmp_path / "none.yaml", 100)
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        read_text(tmp_path, 100)


TEXT = """\
openapi: 3.0.3
paths:
  /a:
    get:
      tags:
        - one
        - two
      "x": {y: 1}
"""


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ([], (1, 1)),
        (["openapi"], (1, 1)),
        (["paths", "/a", "get"], (4, 5)),
        (["paths", "/a", "get", "tags", 1], (7, 11)),
        (["paths", "/a", "get", "tags", "1"], (7, 11)),
        (["paths", "/a", "get", "x", "y"], (8, 13)),
        (["paths", "/a", "get", "missing", "deeper"], (4, 5)),
        (["paths", "/a", "get", "tags", 7], (5, 7)),
        (["paths", "/a", "get", "tags", "one"], (5, 7)),
        (["openapi", "below a scalar"], (1, 1)),
    ],
)
def test_line_of(parts, place):
    assert line_of(TEXT, parts) == place


def test_line_of_json_and_of_nothing():
    assert line_of('{"a": 1,\n "b": [1,\n 2]}', ["b", 1]) == (3, 2)
    assert line_of("", ["a"]) is None
    assert line_of("a: [", ["a"]) is None


def test_a_text_that_is_refused_is_not_read_for_places_first():
    # What finds places recurses without a limit too: a scenario of 100 kB of brackets killed the server.
    script = """
from mockserver.text.documents import DocumentError
from mockserver.scenarios import parse_scenario
for opening in ("- ", "[", "[{a: "):
    try:
        parse_scenario(opening * 100_000, {}, "f")
    except DocumentError:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["refused"] * 3, done.stderr


@settings(max_examples=150)
@given(json_values)
def test_json_comes_out_as_json_loads_gives_it(value):
    text = json.dumps([value])
    assert parse(text, "f") == json.loads(text)


keys = st.sampled_from(["a", "b", ":", "a:b", '"', "\\", "é", ""])
pairs = st.recursive(
    st.sampled_from(["1", "null", '":"', '"a:b"', '"\\"a\\":"', '"\\u003a"', '"\\u003A:"', "9" * 25, "1.5e3"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(keys, inner), max_size=3).map(
            lambda items: "{" + ",".join(f"{json.dumps(key)} : {value}" for key, value in items) + "}"
        )
    ),
    max_leaves=10,
)


@settings(max_examples=300)
@given(pairs)
def test_duplicate_key_agrees_with_a_plain_reading(text):
    twice = set()

    def hook(items):
        names = [name for name, _ in items]
        twice.update(name for name in names if names.count(name) > 1)
        return dict(items)

    value = json.loads(text, object_pairs_hook=hook)
    found = duplicate_key(text.encode(), value)
    assert (found in twice) if twice else found is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "a": {"c": 1, "c": 2}}', "f:2:2: 'a' stands here twice"),
        # An escape that the YAML parser, which is asked for the place, does not take.
        ('{"x": "\\ud83d\\ude00",\n "a": 1, "a": 2}', "f: 'a' stands here twice"),
        ('{"a": ":", "a": "\\u003a"}', "f:1:12: 'a' stands here twice"),
    ],
)
def test_a_key_that_json_holds_twice_is_told_with_its_place(text, message):
    with pytest.raises(DocumentError) as caught:
        parse(text, "f")
    assert str(caught.value) == message


def test_one_of_many_keys_that_stands_twice_is_found_quickly():
    raw = json.dumps({f"k{i}": 1 for i in range(200_000)}).replace('"k7"', '"k8"').encode()
    assert duplicate_key(raw, json.loads(raw)) == "k8"


@pytest.mark.parametrize("is_on", [True, False])
def test_reading_leaves_the_garbage_collector_as_it_was(is_on):
    was_on = gc.isenabled()
    try:
        (gc.enable if is_on else gc.disable)()
        parse("a: [1]", "f")
        assert gc.isenabled() is is_on
        with pytest.raises(DocumentError):
            parse("a: [1", "f")
        assert gc.isenabled() is is_on
        with uncollected():
            assert not gc.isenabled()
            parse("a: [1]", "f")
            assert not gc.isenabled()
    finally:
        (gc.enable if was_on else gc.disable)()


@given(st.lists(st.text() | st.integers(0, 99), max_size=5))
def test_pointers_round_trip(parts):
    assert parts_of(pointer_of(parts)) == [str(part) for part in parts]


def test_pointers_are_rfc_6901():
    assert pointer_of(["a/b", "m~n", "", 0]) == "/a~1b/m~0n//0"
    assert parts_of("/~01") == ["~1"]
    assert parts_of("") == []
