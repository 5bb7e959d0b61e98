"""A page as HTML that needs nothing but its style sheet. Text of a contract becomes text, never markup.

Must not know: contracts, where a page is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mockserver.console.endpoint_pages.blocks import (
    INDEX,
    Block,
    Callout,
    Cards,
    Code,
    CodeBlock,
    CodeGroup,
    Heading,
    Items,
    Kind,
    Page,
    Paragraph,
    Table,
    Text,
)

MARK = "<!-- Written by `mockserver docs`. -->"
"""The last line of each page, by which a later run knows its own."""
STYLE = "pages.css"
"""The style sheet, beside the pages."""
ICON = "icon.svg"
"""The icon of pages that are served; without one a browser would ask the mocked API for it."""
_LABELS: dict[Kind, str] = {"info": "When to use it", "warning": "Warning", "tip": "Tip", "note": "Note"}


def render(page: Page, ending: str = ".html", extra: str = "", script: str = "", icon: bool = False) -> str:
    """The text of a page.

    Args:
        page: the page.
        ending: what stands behind the names of other pages in links.
        extra: markup that stands behind the samples.
        script: the name of a script module to load; "" for none.
        icon: whether the ICON is beside the pages.
    """
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="description" content="{escape(page.description)}">',
        f"<title>{escape(page.title)}</title>",
        f'<link rel="stylesheet" href="{STYLE}">',
        *([f'<link rel="icon" href="{ICON}" type="image/svg+xml">'] if icon else []),
        *([f'<script type="module" src="{script}"></script>'] if script else []),
        "</head>",
        "<body>",
        *([] if page.slug == INDEX else [f'<nav><a href="./{INDEX}{ending}">All endpoints</a></nav>']),
        "<main>",
    ]
    for block in page.blocks:
        lines += _block(block, ending)
        if extra and isinstance(block, CodeGroup):
            lines.append(extra)
    return "\n".join([*lines, "</main>", "</body>", "</html>", MARK, ""])


def _block(block: Block, ending: str) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            yield f"<p>{_text(text, ending)}</p>"
        case Table(head, rows):
            yield '<div class="scroll" tabindex="0"><table>'
            cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
            yield f"<thead><tr>{cells}</tr></thead>"
            yield "<tbody>"
            for row in rows:
                cells = "".join(f"<td>{_text(cell, ending) or '—'}</td>" for cell in row)
                yield f"<tr>{cells}</tr>"
            yield "</tbody></table></div>"
        case Callout(kind, text):
            yield f'<aside class="{kind}"><strong>{_LABELS[kind]}</strong><p>{_text(text, ending)}</p></aside>'
        case CodeBlock():
            yield _code(block)
        case CodeGroup(blocks):
            for index, code in enumerate(blocks):
                summary = f"<summary>{escape(code.title)}</summary>"
                yield f"<details{'' if index else ' open'}>{summary}{_code(code)}</details>"
        case Items(texts, is_numbered):
            tag = "ol" if is_numbered else "ul"
            yield f"<{tag}>{''.join(f'<li>{_text(text, ending)}</li>' for text in texts)}</{tag}>"
        case Cards(cards):
            yield '<div class="cards">'
            for card in cards:
                inner = f"<strong>{escape(card.title)}</strong><span>{escape(card.description)}</span>"
                yield f'<a class="card" href="{_target(card.slug, ending)}">{inner}</a>'
            yield "</div>"


def _code(block: CodeBlock) -> str:
    return f'<pre tabindex="0"><code class="language-{escape(block.language)}">{escape(block.text)}</code></pre>'


def _text(text: Text, ending: str) -> str:
    return "".join(_inline(part, ending) for part in text).strip()


def _inline(part: object, ending: str) -> str:
    if isinstance(part, str):
        return escape(part)
    if isinstance(part, Code):
        return f"<code>{escape(part.text)}</code>"
    return f'<a href="{_target(part.slug, ending)}">{escape(part.text)}</a>'  # type: ignore[attr-defined]


def _target(slug: str, ending: str) -> str:
    name, mark, anchor = slug.partition("#")
    return f"./{escape(name)}{ending}{mark}{escape(anchor)}"


__all__ = ["MARK", "STYLE", "render"]
