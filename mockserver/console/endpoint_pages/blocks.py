"""What a page consists of, in no format: headings, tables, callouts, code, cards. Must not know: contracts, formats."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

INDEX = "index"
"""The slug of the page that lists the others."""


@dataclass(frozen=True, slots=True)
class Code:
    """Code in a line of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another page of the same set."""

    text: str
    slug: str
    """The page; with `#` and an anchor behind it for a part of it."""


Inline = str | Code | Link
Text = tuple[Inline, ...]
"""A line of text. A plain text is text and no markup."""

Kind = Literal["info", "warning", "tip", "note"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: Text


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


@dataclass(frozen=True, slots=True)
class Callout:
    """A box that says something beside the text."""

    kind: Kind
    text: Text


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Code by itself."""

    language: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CodeGroup:
    """The same in several languages."""

    blocks: tuple[CodeBlock, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    rows: tuple[Text, ...]
    is_numbered: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A large link."""

    title: str
    description: str
    icon: str
    slug: str


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards beside each other."""

    cards: tuple[Card, ...]


Block = Heading | Paragraph | Table | Callout | CodeBlock | CodeGroup | Items | Cards


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    slug: str
    title: str
    description: str
    icon: str
    method: str
    """"" for the page that lists the others."""
    path: str
    blocks: tuple[Block, ...] = field(default=())


_CODE = re.compile(r"(`+)(.+?)\1")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_MARKUP = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)|\*\*([^*]+)\*\*|__([^_]+)__")
"""Markdown links, images and strong text, of which the words stay."""


def prose(text: object, most: int = 600) -> Text:
    """The first paragraph of a description, which may be Markdown or HTML, as text and code."""
    if not isinstance(text, str):
        return ()
    paragraph = next((part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()), "")
    found: list[Inline] = []
    end = 0
    for match in _CODE.finditer(paragraph):
        found += [_plain(paragraph[end : match.start()]), Code(" ".join(match[2].split()))]
        end = match.end()
    found.append(_plain(paragraph[end:]))
    return clipped(tuple(part for part in found if part not in ("", Code(""))), most)


def _plain(text: str) -> str:
    text = _MARKUP.sub(lambda match: next((group for group in match.groups() if group is not None), ""), text)
    text = _TAG.sub("", text)
    lead, trail = text[:1].isspace(), text[-1:].isspace()
    words = " ".join(text.split())
    return f"{' ' if lead else ''}{words}{' ' if trail and words else ''}"


def clipped(text: Text, most: int) -> Text:
    """A text of at most so many characters, cut at a word."""
    found: list[Inline] = []
    for part in text:
        words = part if isinstance(part, str) else part.text
        if len(words) > most:
            if isinstance(part, str) and most > 0:
                found.append(part[:most].rpartition(" ")[0].rstrip(" ,;:") + "…")
            return tuple(found)
        most -= len(words)
        found.append(part)
    first = found[0] if found else ""
    return (first.lstrip(), *found[1:]) if isinstance(first, str) and found else tuple(found)


def plain(text: Text) -> str:
    """A text without markup."""
    return "".join(part if isinstance(part, str) else part.text for part in text).strip()


def ended(text: Text) -> Text:
    """A text that ends as a sentence does."""
    last: Inline = text[-1] if text else ""
    if isinstance(last, str) and last.rstrip().endswith((".", "!", "?", "…", ":")):
        return (*text[:-1], last.rstrip())
    return (*text, ".") if text else ()


def joined(texts: list[Text], glue: str = ", ", last: str = " and ") -> Text:
    """Several texts as one."""
    found: list[Inline] = []
    for index, text in enumerate(texts):
        if index:
            found.append(last if index == len(texts) - 1 else glue)
        found.extend(text)
    return tuple(found)


__all__ = [
    "INDEX",
    "Block",
    "Callout",
    "Card",
    "Cards",
    "Code",
    "CodeBlock",
    "CodeGroup",
    "Heading",
    "Inline",
    "Items",
    "Kind",
    "Link",
    "Page",
    "Paragraph",
    "Table",
    "Text",
    "clipped",
    "ended",
    "joined",
    "plain",
    "prose",
]
