"""What a server recorded in a sandbox, as files: of `mockserver record`, and of a test.

Must not know: who asks, or how it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.admin.client import AdminClient
from mockserver.errors import UserError

if TYPE_CHECKING:
    from mockserver.apis import Api
    from mockserver.upstream.folder import DraftFile, Written

PAGE = 500
"""Entries that are asked for at a time."""


def record(
    admin: AdminClient,
    folder: str | Path,
    *,
    name: str = "recorded",
    replace: Iterable[str] = (),
    infer: str | Path = "",
    server: str = "",
    apis: Mapping[str, Api] | None = None,
) -> tuple[Written, DraftFile | None]:
    """Write what is in a journal as exchange files and scenarios; tell what was written, and drafted.

    Args:
        admin: the sandbox.
        folder: where to.
        name: of the scenario.
        replace: further members whose values are replaced.
        infer: a file for a document that is drafted from the traffic; "" for none.
        server: the URL that the drafted document names.
        apis: the APIs that are served; they are asked for where they are not given.

    Raises UserError.
    """
    from mockserver.upstream.folder import write_draft, write_session
    from mockserver.upstream.recorded import placed, session_of

    known = _apis(admin) if apis is None else apis
    session = session_of(_entries(admin), known, replace)
    if not session.exchanges:
        left = "".join(f"; {count} left out: {reason}" for reason, count in session.left_out.items())
        raise UserError(f"{admin.sandbox}: the journal has no exchange that can be written{left}")
    draft = write_draft(infer, session, server) if infer else None
    if draft is not None and not any(api.contract.operations for api in known.values()):
        session, known = placed(session, draft.api), {draft.api.name: draft.api}
    return write_session(folder, name, session, known), draft


def _entries(admin: AdminClient) -> Iterator[Any]:
    """The whole journal, oldest first."""
    after = 0
    while page := admin.journal(after=after, limit=PAGE)["entries"]:
        yield from page
        after = page[-1]["number"]


def _apis(admin: AdminClient) -> dict[str, Api]:
    """The APIs of a server, made from the documents that it serves."""
    from mockserver.apis import BUNDLED, Api, load_api

    names = [api["name"] for api in admin.apis()]
    return {
        name: load_api(name) if name in BUNDLED else Api.from_openapi(admin.contract(name), name=name) for name in names
    }


__all__ = ["record"]
