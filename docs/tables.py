"""Writes what pages say of settings, bounds, commands, keys and the Python API, from what the code says of them.

    python docs/tables.py            # writes tables into docs/sidecar.md and docs/security.md, and whole pages
    python docs/tables.py --check    # exits with 1 when something is out of date

Settings come from `mockserver.settings`. A bound that is no setting stands in the module that enforces it; BOUNDS
says in which one.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import reference_cli
import reference_keys
import reference_python

from mockserver.cli.options import default_text
from mockserver.contract import load_contract
from mockserver.data import bundled_file
from mockserver.settings import DEFAULTS, GROUPS, Settings, option_name, options, variable

DOCS = Path(__file__).resolve().parent


class Bound(NamedTuple):
    """A row of the table of bounds."""

    what: str
    source: str
    """A field of Settings, `module:NAME` in the package, or an operationId of the admin API."""
    beyond: str


BOUNDS = (
    Bound("connections at a time", "max_connections", "503"),
    Bound("bytes of a request line and headers", "max_head", "431"),
    Bound("headers of a request", "server.bounds:MAX_HEADERS", "431"),
    Bound("bytes of a path with its query", "server.bounds:MAX_TARGET", "414"),
    Bound("seconds for a request to arrive", "request_timeout", "408"),
    Bound("seconds that a response may go unread", "request_timeout", "cut off"),
    Bound("seconds without a request", "idle_timeout", "closed"),
    Bound("bytes of a body", "max_body", "413"),
    Bound("times that limit which are read and thrown away", "server.asgi:DRAIN", "cut off"),
    Bound("levels of a JSON body", "contract.json_text:MAX_DEPTH", "400"),
    Bound("levels of an XML body", "contract.xml:MAX_LEVELS", "400"),
    Bound("attributes of an XML element", "contract.xml:MAX_ATTRIBUTES", "400"),
    Bound("parts of a multipart body", "contract.multipart:MAX_PARTS", "400"),
    Bound("content codings of a body", "pipeline.codings:MAX_CODINGS", "415"),
    Bound("bytes of an admin body", "admin.api:MAX_BODY", "413"),
    Bound("bytes of a scenario", "scenarios.library:MAX_SCENARIO", "413 or 409"),
    Bound("problems of a scenario that are listed", "scenarios.library:MAX_PROBLEMS", "counted"),
    Bound("bytes of a snapshot for `PUT state`", "setState", "413"),
    Bound("snapshots that a sandbox keeps", "state.shelf:KEPT", "409"),
    Bound("bytes that they take together", "state.shelf:KEPT_BYTES", "409"),
    Bound("admin bodies of more than 1 MiB at a time", "admin.api:LARGE_BODIES", "they wait"),
    Bound("sandboxes", "max_sandboxes", "503"),
    Bound("rows of a sandbox", "max_rows", "503"),
    Bound("exchanges in the journal of a sandbox", "journal_size", "the oldest go"),
    Bound("bytes of the journal of a sandbox", "journal_bytes", "the oldest go"),
    Bound("bytes of each body in the journal", "journal_body", "cut"),
    Bound("characters of a list that an agent's tool returns", "admin.tools.excerpts:ROOM", "counted"),
    Bound("rate limit windows of a sandbox", "state.store:MAX_WINDOWS", "the unused go"),
    Bound("bytes of a document of your own", "contract.load:MAX_BYTES", "rejected"),
    Bound("levels of a document, scenario or matcher", "text.documents:MAX_NESTING", "rejected"),
    Bound("values of a document once its aliases are followed", "text.documents:MAX_EXPANDED", "rejected"),
    Bound("characters of a regular expression", "text.matchers:MAX_REGEX", "rejected"),
    Bound("bytes of a compiled regular expression", "text.matchers:MAX_REGEX_PROGRAM", "rejected"),
    Bound("characters that a regular expression looks at", "text.matchers:MAX_TEXT", "the rest is not seen"),
    Bound("series of requests in the metrics", "journal.metrics:MAX_SERIES", "rule `(other)`"),
    Bound("seconds for requests in flight once it is to stop", "server.run:DRAIN_SECONDS", "cut off"),
)


def value(source: str) -> Any:
    """The number of a bound."""
    if ":" in source:
        module, name = source.split(":")
        return getattr(importlib.import_module(f"mockserver.{module}"), name)
    if hasattr(DEFAULTS, source):
        return getattr(DEFAULTS, source)
    admin = load_contract(bundled_file("spec", "admin.yaml"), name="admin", trusted=True)
    return admin.operations[source].max_body


def bounds_table() -> str:
    """The table of docs/security.md."""
    named = {known.name: f"`--{option_name(known)}`" for known in fields(Settings)}
    lines = ["| bound | value | option | beyond it |", "|---|---|---|---|"]
    for bound in BOUNDS:
        cells = (bound.what, f"{int(value(bound.source)):,}", named.get(bound.source, ""), bound.beyond)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(line.replace("|  |", "| |") for line in lines)


def settings_table() -> str:
    """The tables of docs/sidecar.md, one for each group."""
    lines: list[str] = []
    for heading, about in GROUPS.items():
        lines += ["", f"**{heading}**: {about}.", "", "| option | variable | default | meaning |", "|---|---|---|---|"]
        for known, option in options():
            if option.group == heading:
                name = option_name(known)
                written = f"`--{name}`" + (f", `--no-{name}`" if option.negated else "")
                default = default_text(known) or ("off" if option.kind == "flag" else "none")
                choices = f" One of {', '.join(f'`{choice}`' for choice in option.choices)}." if option.choices else ""
                lines.append(f"| {written} | `{variable(known)}` | {default} | {option.help}{choices} |")
    return "\n".join(lines[1:])


TABLES = {"sidecar.md": ("settings", settings_table), "security.md": ("bounds", bounds_table)}

PAGES = {
    "cli.md": reference_cli.page,
    "python.md": reference_python.page,
    "scenario-keys.md": partial(reference_keys.page, "scenario"),
    "profile-keys.md": partial(reference_keys.page, "profile"),
}
"""Pages that are made whole."""


def fresh(page: str) -> str:
    """The text of a page as it should be."""
    if page in PAGES:
        return PAGES[page]()
    name, table = TABLES[page]
    begin, end = f"<!-- {name}: written by docs/tables.py -->\n", f"<!-- end of {name} -->\n"
    text = (DOCS / page).read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    return f"{before}{begin}\n{table()}\n\n{end}{after}"


if __name__ == "__main__":
    stale = {}
    for page in (*TABLES, *PAGES):
        path, text = DOCS / page, fresh(page)
        if not path.is_file() or text != path.read_text(encoding="utf-8"):
            stale[path] = text
    if "--check" in sys.argv:
        sys.exit(f"out of date: {', '.join(path.name for path in stale)}; run `python docs/tables.py`" if stale else 0)
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")
