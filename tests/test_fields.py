"""The one reader of queries, forms and cookies."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.errors import Problem
from mockserver.text.fields import Decoded, decode_segment, is_utf8, parse_cookies, parse_query, query_values

texts = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(texts.filter(bool), texts), max_size=5))
def test_every_pair_of_a_query_comes_back_in_its_order(pairs):
    expected = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    read = parse_query(urlencode(pairs))
    assert read == expected and list(read) == list(expected)


def test_names_and_values_are_decoded_and_a_value_knows_how_it_was_written():
    assert parse_query("a=1&b=&a=2&c&%20d=%26&&=x") == {"a": ["1", "2"], "b": [""], "c": [""], " d": ["&"], "": ["x"]}
    assert parse_query("") == {}
    [value] = parse_query("p=a%2Cb,c+d")["p"]
    assert value == "a,b,c d" and isinstance(value, Decoded) and value.raw == "a%2Cb,c+d"


@pytest.mark.parametrize("query", ["p=%FF", "%FF=1", "a=1&p=%C3%28"])
def test_bytes_that_are_not_utf_8_are_refused_and_match_nothing(query):
    with pytest.raises(Problem, match="is not UTF-8"):
        parse_query(query)
    assert query_values(query) == {}


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1;b = 2 ; c; ;d=x=y", {"a": ["1"], "b": ["2"], "d": ["x=y"]}),
        ('pref={"a":1}; sid=abc', {"pref": ['{"a":1}'], "sid": ["abc"]}),
        ("note=two words; sid=abc", {"note": ["two words"], "sid": ["abc"]}),
        ('sid="abc"; t="a\\"b"', {"sid": ["abc"], "t": ['a"b']}),
        ("sid=a%20b%3B", {"sid": ["a b;"]}),
        ("sid=1; sid=2", {"sid": ["1", "2"]}),
        ("ü=ö; sid=abc", {"ü": ["ö"], "sid": ["abc"]}),
        ("", {}),
    ],
)
def test_cookies_as_browsers_and_clients_send_them(header, cookies):
    assert parse_cookies(header) == cookies


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_cookie_header_is_an_error(header):
    parse_cookies(header)


def test_a_segment_that_is_not_utf_8_is_told_from_one_that_holds_the_replacement_character():
    assert is_utf8(decode_segment("a")) and is_utf8(decode_segment(quote("ä\ufffd")))
    assert not is_utf8(decode_segment("%ff")) and not is_utf8(decode_segment("%EF%BF%BD%C3"))
