"""A page as Markdown (GitHub's), or as MDX with the components of the documentation sites that read it.

Text of a contract becomes text: what would be markup, or an expression of MDX, is escaped. Must not know: contracts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal

from mockserver.console.endpoint_pages.blocks import (
    Block,
    Callout,
    Cards,
    Code,
    CodeBlock,
    CodeGroup,
    Heading,
    Items,
    Kind,
    Link,
    Page,
    Paragraph,
    Table,
    Text,
)

Form = Literal["md", "mdx"]

MARKS = {"md": "<!-- Written by `mockserver docs`. -->", "mdx": "{/* Written by `mockserver docs`. */}"}
"""The last line of each page, by which a later run knows its own."""
_ALERTS: dict[Kind, str] = {"info": "IMPORTANT", "warning": "WARNING", "tip": "TIP", "note": "NOTE"}
_TAGS: dict[Kind, str] = {"info": "Info", "warning": "Warning", "tip": "Tip", "note": "Note"}
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+\-](?=\s)")
_NUMBER = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")
_MODULE = re.compile(r"^(?=(?:import|export)\b)")
_MDX = re.compile(r"[{}]")


def render(page: Page, form: Form) -> str:
    """The text of a page."""
    lines = [*_front(page), *(line for block in page.blocks for line in (*_block(block, form), "")), MARKS[form], ""]
    return "\n".join(lines)


def _front(page: Page) -> Iterator[str]:
    yield "---"
    for name in ("title", "description", "icon", "method", "path"):
        if value := getattr(page, name):
            yield f"{name}: {json.dumps(value, ensure_ascii=False)}"
    yield "---"
    yield ""


def _block(block: Block, form: Form) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {_escaped(text, form)}"
        case Paragraph(text):
            yield _line(text, form)
        case Table(head, rows):
            yield _row([_escaped(cell, form) for cell in head])
            yield _row(["---"] * len(head))
            for row in rows:
                yield _row([_text(cell, form, in_table=True) for cell in row])
        case Callout(kind, text):
            if form == "mdx":
                yield from (f"<{_TAGS[kind]}>", _line(text, form), f"</{_TAGS[kind]}>")
            else:
                yield from (f"> [!{_ALERTS[kind]}]", f"> {_line(text, form)}")
        case CodeBlock():
            yield from _code(block)
        case CodeGroup(blocks):
            yield from _group(blocks, form)
        case Items(texts, is_numbered):
            for number, text in enumerate(texts, 1):
                yield f"{f'{number}.' if is_numbered else '-'} {_line(text, form)}"
        case Cards():
            yield from _cards(block, form)


def _group(blocks: tuple[CodeBlock, ...], form: Form) -> Iterator[str]:
    if form == "mdx":
        yield "<CodeGroup>"
    for index, block in enumerate(blocks):
        if form == "md":
            yield from ("",) if index else ()
            yield f"**{block.title}**"
        yield ""
        yield from _code(block if form == "mdx" else CodeBlock(block.language, block.text))
    if form == "mdx":
        yield from ("", "</CodeGroup>")


def _code(block: CodeBlock) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`{3,}", block.text)), default=2)
    fence = "`" * (longest + 1)
    yield f"{fence}{block.language}{f' {block.title}' if block.title else ''}"
    yield from block.text.rstrip("\n").split("\n")
    yield fence


def _cards(block: Cards, form: Form) -> Iterator[str]:
    if form == "md":
        for card in block.cards:
            link = f"[{_escaped(card.title, form)}]({_target(card.slug, form)})"
            yield f"- **{link}**: {_escaped(card.description, form)}"
        return
    yield "<CardGroup cols={2}>"
    for card in block.cards:
        yield "  <Card"
        values = {"title": card.title, "description": card.description, "icon": card.icon}
        for name, value in {**values, "href": _target(card.slug, form)}.items():
            yield f'    {name}="{_attribute(value)}"'
        yield "  />"
    yield "</CardGroup>"


def _attribute(value: str) -> str:
    return value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell or '—' for cell in cells)} |"


def _line(text: Text, form: Form) -> str:
    """A text that begins a line: it begins no list, and no module of MDX."""
    line = _NUMBER.sub(r"\1\\", _text(text, form))
    return f"&#{ord(line[0])};{line[1:]}" if form == "mdx" and _MODULE.match(line) else line


def _text(text: Text, form: Form, in_table: bool = False) -> str:
    return "".join(_inline(part, form, in_table) for part in text).strip()


def _inline(part: str | Code | Link, form: Form, in_table: bool) -> str:
    if isinstance(part, str):
        return _escaped(part, form)
    if isinstance(part, Link):
        return f"[{_escaped(part.text, form)}]({_target(part.slug, form)})"
    text = " ".join(part.text.split()) or " "
    text = text.replace("|", "\\|") if in_table else text  # a bar ends a cell, in code too (GFM, 4.10)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _target(slug: str, form: Form) -> str:
    """Sites that read MDX link pages without an ending; files of Markdown are linked as they are."""
    if form == "mdx":
        return f"./{slug}"
    name, mark, anchor = slug.partition("#")
    return f"./{name}.md{mark}{anchor}"


def _escaped(text: str, form: Form) -> str:
    text = _MARKDOWN.sub(lambda match: f"\\{match[0]}", text)
    text = text.replace("&", "&amp;") if "&" in text and ";" in text else text
    return _MDX.sub(lambda match: f"\\{match[0]}", text) if form == "mdx" else text


__all__ = ["MARKS", "Form", "render"]
