"""Which declared media type a client gets for its `Accept` header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.accept import choose, concrete, parse_accept, parse_media_range

DECLARED = ("application/json", "application/xml", "text/csv; header=present", "image/*")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("*", "application/json"),
        ("application/xml", "application/xml"),
        ("APPLICATION/XML", "application/xml"),
        ("application/xml;q=0.5, text/csv;header=present", "text/csv; header=present"),
        ("application/*;q=0.4, application/xml;q=0.9", "application/xml"),
        ("application/json;q=0, */*", "application/xml"),
        ("*/*;q=0.1, application/xml;q=0.05", "application/json"),
        ("text/csv", "text/csv; header=present"),
        ("text/csv;header=absent", None),
        ("image/png", "image/*"),
        ("audio/ogg", None),
        ("application/json;q=0", None),
        ('text/plain;a="x,y;q=1", application/xml', "application/xml"),
        ("nonsense", "application/json"),
        ("application/json;charset=utf-8", "application/json"),
    ],
)
def test_the_client_gets_what_it_prefers(header, chosen):
    assert choose(header, DECLARED) == chosen


def test_of_equal_weights_the_more_precise_wins():
    assert choose("*/*, text/csv", DECLARED) == "text/csv; header=present"


def test_versions_in_the_type_or_in_a_parameter_are_told_apart():
    assert choose("application/vnd.shop.v2+json", ["application/vnd.shop.v1+json", "application/vnd.shop.v2+json"]) == (
        "application/vnd.shop.v2+json"
    )
    versions = ["application/json; version=1", "application/json; version=2"]
    assert choose("application/json; version=2", versions) == versions[1]
    assert choose("application/json", versions) == versions[0]
    assert choose("application/json; version=3", versions) is None


def test_a_declared_range_becomes_the_type_that_the_client_names():
    assert concrete("image/*", "text/html, image/gif;q=0.5, image/webp") == "image/webp"
    assert concrete("image/*", "text/html") == "image/*"
    assert concrete("image/png", "image/gif") == "image/png"


def test_a_header_without_end_accepts_everything():
    assert choose("a/b," * 10_000, DECLARED) == "application/json"


@given(st.text('abAB*/;,=q01. "\\\\-+', max_size=60))
def test_any_header_is_read(header):
    assert choose(header, DECLARED) in (*DECLARED, None)
    for media_range in parse_accept(header):
        assert media_range.kind and media_range.subtype and 0 <= media_range.weight <= 1


@given(st.sampled_from(["a", "b", "*"]), st.sampled_from(["x", "y"]), st.integers(0, 1000))
def test_a_range_reads_back(kind, subtype, thousandths):
    subtype = "*" if kind == "*" else subtype
    media_range = parse_media_range(f' {kind.upper()}/{subtype} ; v="a b" ; q={thousandths / 1000:.3f}')
    assert media_range is not None
    assert (media_range.kind, media_range.subtype) == (kind, subtype)
    assert media_range.parameters == {("v", "a b")} and media_range.weight == thousandths / 1000
