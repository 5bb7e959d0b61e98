"""Nouns in sentences. Must not know: contracts."""

from __future__ import annotations

_LIKE_YOU = ("use", "usa", "uni", "url", "uti", "uu", "eu", "one")
"""How words begin that are written with a vowel and spoken without."""


def with_article(noun: str) -> str:
    """A noun with `a` or `an`."""
    has_vowel = noun[:1].lower() in "aeiou" and not noun.lower().startswith(_LIKE_YOU)
    return f"{'an' if has_vowel else 'a'} {noun}"


__all__ = ["with_article"]
