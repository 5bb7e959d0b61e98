"""Patterns of ECMA-262: read, written for the engine, validated, and texts found for them."""

from __future__ import annotations

import string
from random import Random

import pytest
from contracts import brief, reply, with_body
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract import ecma
from mockserver.contract.ecma_reader import PatternError, parse
from mockserver.contract.patterns import matcher
from mockserver.contract.samples.automaton import texts

JUDGED = [
    ("^[^]$", "\n", ""),
    ("^[]$|b", "b", "a"),
    ("^(?<q>['\"])\\w+\\k<q>$", "'a'", "'a\""),
    ("^\\uD83D\\uDE00$", "😀", "x"),
    ("^[\\uD83D\\uDE00]$", "😀", "x"),
    ("^\\u{1F600}$", "😀", "u"),
    ("^a{,3}$", "a{,3}", "aa"),
    ("^{a}$", "{a}", "a"),
    ("^\\0$", "\0", "0"),
    ("^[\\b]$", "\b", "b"),
    ("^\\cA$", "\x01", "cA"),
    ("^\\p{Lu}\\P{Lu}$", "Éé", "éÉ"),
    ("^\\p{XDigit}{4}$", "beef", "moor"),
    ("^[^\\d]$", "٣", "3"),
    ("^(\\/(?!\\.)+[a-z]+){1,4}$", "/ab/c", "/.a"),
    ("^[^\\p{C}]{1,2048}$", "é" * 2048, "é" * 2049),
    ("^a{1,500}b", "aab", "b"),
    ("x{2,20000}", "axxa", "axa"),
]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize(("pattern", "good", "bad"), JUDGED)
def test_a_pattern_is_validated_as_ecma_262_has_it(pattern, good, bad, version):
    operation = with_body({"type": "string", "pattern": pattern}, version=version)
    assert reply(operation, good) == []
    assert [pointer for _, pointer, _ in brief(reply(operation, bad))] == [""]


@pytest.mark.parametrize(
    "pattern", ["(", "a)", "[a", "*a", "a**", "a{2,1}", "[b-a]", "(?<1>a)", "\\u{110000}", "(?>a)"]
)
def test_what_is_no_regular_expression_is_said(pattern):
    with pytest.raises(PatternError):
        parse(pattern)


@pytest.mark.parametrize(
    ("patterns", "low", "high"),
    [
        (["^[a-z]+$", "^.{5}$"], 0, None),
        (["^(?=.*[A-Z])(?=.*\\d)(?=.*[^\\w\\s]).{8,}$"], 0, 12),
        (["^(?!foo)\\w+$"], 3, 3),
        (["^(?!.*(?:admin|root)).{4,8}$", "^[a-z]"], 0, None),
        (["b+c"], 10, 12),
        (["a", "b", "c"], 0, 3),
        (["^([a-z]+)+$"], 30, 30),
        (["^.*$"], 3000, None),
        ([".*(^arn:aws:)([a-z]+$).*"], 0, None),
        (["^(\\w{2,5})-\\1$"], 0, None),
        (["^\\p{Script=Greek}+$"], 2, 4),
        (["^$|^x{3}$"], 1, None),
        (["^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==)?$"], 10, 20),
    ],
)
def test_texts_are_found_for_patterns_and_a_length_together(patterns, low, high):
    judges = [matcher(pattern) for pattern in patterns]
    found = [
        text
        for text in texts(patterns, low, high, Random(1))
        if len(text) >= low and (high is None or len(text) <= high) and all(validate(text) for validate in judges)
    ]
    assert found
    assert list(texts(patterns, low, high, Random(1))) == list(texts(patterns, low, high, Random(1)))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "pattern", ["((a{1,99}){1,99}){1,99}$", "(x+x+)+y", "(?=(a+)+b)(?!(a|aa)+$)a", "(a|b|ab)*c{50,90}"]
)
def test_the_search_for_a_text_ends(pattern):
    assert len(list(texts([pattern], 500, 510, Random(1)))) < 1000


def test_a_text_that_nothing_allows_is_not_found():
    assert list(texts(["^a$", "^b$"], 0, None, Random(1))) == []
    assert list(texts(["^a+$"], 0, None, Random(1), forbidden=("a",))) == []


chars = st.sampled_from(string.ascii_lowercase[:4] + "-.")
atoms = st.one_of(
    chars.map(lambda char: f"\\{char}" if char in "-." else char),
    st.sampled_from([".", "[ab]", "[^a]", "\\d", "\\w", "[a-c.]"]),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@given(expressions, st.text(chars, max_size=8))
def test_a_pattern_written_anew_matches_the_same_texts(pattern, text):
    again = ecma.written(parse(pattern))
    assert matcher(f"^(?:{pattern})$")(text) == matcher(f"^(?:{again})$")(text)
    assert matcher(pattern)(text) == matcher(again)(text)


@given(expressions, st.integers(0, 6))
def test_every_text_found_for_a_pattern_matches_it(pattern, low):
    validate = matcher(f"^(?:{pattern})$")
    for text in texts([f"^(?:{pattern})$"], low, None, Random(1)):
        assert validate(text)
