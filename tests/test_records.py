"""A record is what a dataclass with slots is: the same calls, texts, equality, hashes, copies and refusals."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from inspect import signature

import pytest

from mockserver.records import record


def both(**how):
    """One class made twice: by the standard library, and as a record."""

    def make(decorate):
        @decorate
        class Thing:
            """A thing."""

            name: str
            size: int = 3
            tags: list[str] = field(default_factory=list)
            note: str = field(default="", repr=False, compare=False)
            length: int = field(init=False, repr=False, compare=False)

            def __post_init__(self):
                object.__setattr__(self, "length", len(self.name))

        return Thing

    return make(dataclass(slots=True, **how)), make(record(**how))


@pytest.mark.parametrize("how", [{}, {"frozen": True}, {"eq": False}, {"repr": False, "eq": False}])
def test_a_record_does_what_a_dataclass_does(how):
    plain, ours = both(**how)
    for make in (lambda c: c("a"), lambda c: c("a", 5, ["x"], note="n"), lambda c: replace(c("a", tags=["y"]), size=1)):
        one, other = make(plain), make(ours)
        assert asdict(one) == asdict(other)
        assert one.length == other.length == 1
        if how.get("repr", True):
            assert repr(one) == repr(other)
    assert [each.name for each in fields(plain)] == [each.name for each in fields(ours)]
    assert (plain("a") == plain("a", note="?")) == (ours("a") == ours("a", note="?"))
    assert (plain("a") == plain("b")) == (ours("a") == ours("b"))
    assert ours("a") != plain("a")
    assert plain.__match_args__ == ours.__match_args__
    assert str(signature(plain)) == str(signature(ours))
    assert not hasattr(ours("a"), "__dict__")
    assert ours("a").tags is not ours("a").tags
    for wrong in (lambda c: c(), lambda c: c("a", length=2), lambda c: c("a", 1, [], "", 5)):
        for made in (plain, ours):
            with pytest.raises(TypeError):
                wrong(made)


@record(frozen=True)
class Point:
    """A frozen one at the module's top, where pickle finds it."""

    x: int
    y: int = 0


@record(frozen=True)
class Empty:
    """One without fields."""


def test_a_frozen_record_is_hashed_copied_and_never_changed():
    point = Point(1)
    assert len({point, Point(1, 0), Point(2)}) == 2
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == copy.copy(point) == point
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())
    assert repr(Empty()).endswith("Empty()")


def test_a_record_that_can_change_has_no_hash():
    _, ours = both()
    with pytest.raises(TypeError, match="unhashable"):
        hash(ours("a"))
