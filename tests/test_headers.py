"""Header fields that come more than once keep their lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver.messages import Headers

NAMES = st.sampled_from(["set-cookie", "cookie", "x-a", "vary"])
LINES = st.lists(st.tuples(NAMES, st.text("abc,;= ", max_size=6)), max_size=12)


@given(LINES)
def test_every_line_is_kept_in_the_order_of_its_name(lines):
    headers = Headers()
    for name, value in lines:
        headers.add(name, value)
    for name in {name for name, _ in lines}:
        values = [value for other, value in lines if other == name]
        assert headers.get_all(name) == values
        assert headers[name] == ("; " if name == "cookie" else ", ").join(values)
    assert sorted(headers.pairs()) == sorted(lines)
    assert headers.copy().pairs() == headers.pairs()


def test_a_field_that_is_set_has_one_line_again():
    headers = Headers()
    headers.add("set-cookie", "a=1")
    headers.add("set-cookie", "b=2")
    headers["set-cookie"] = "c=3"
    assert headers.pairs() == [("set-cookie", "c=3")]
    headers.add("set-cookie", "d=4")
    assert headers.get_all("set-cookie") == ["c=3", "d=4"]
    assert headers.get_all("vary") == []
