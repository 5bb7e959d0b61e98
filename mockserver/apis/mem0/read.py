"""What the operations of mem0 answer that only read: single memories, lists, search, entities."""

from __future__ import annotations

from typing import Any

from mockserver.apis.base import Call, derived_uuid
from mockserver.apis.mem0.filters import ENTITIES, belongs, created_within, matches, metadata_matches
from mockserver.apis.mem0.rows import OWNER, TABLE, events, found, full, listed, moment, row_of
from mockserver.apis.mem0.search import Query
from mockserver.messages import JSON, Response
from mockserver.state.store import Row

_ALWAYS = {"id", "memory", "created_at", "score"}
"""What a memory in a list keeps, whatever `fields` asks for: the contract requires these."""


def get(call: Call) -> Response:
    """One memory, expired or not."""
    return Response(200, full(row_of(call)))


def history(call: Call) -> Response:
    """Every change of a memory, oldest first."""
    return Response(200, events(row_of(call)))


def list_by_token(call: Call) -> Response:
    """A page, newest first (template: pagination tokens).

    The token is the number of the last memory shown, in hexadecimal. It marks a place in the order
    of creation, so pages do not shift while memories are added or removed.
    """
    scope = {name: call.params[name] for name in ENTITIES.values() if name in call.params}
    below = int(call.params["page_token"], 16) if "page_token" in call.params else None
    size = call.params["page_size"]
    chosen = [
        row
        for row in _rows(call)
        if (below is None or row["sequence"] < below) and belongs(scope, row) and not _expired(row, call.timestamp)
    ]
    token = f"{chosen[size - 1]['sequence']:016x}" if len(chosen) > size else None
    return Response(200, {"results": [full(row) for row in chosen[:size]], "next_page_token": token})


def list_by_number(call: Call) -> Response:
    """A numbered page, newest first (vendor: POST /v3/memories)."""
    body = call.body
    page, size = call.params["page"], call.params["page_size"]
    terms = body.get("keywords", "").casefold().split()
    chosen = [
        row
        for row in _selected(call, call.timestamp)
        if created_within(row, body.get("start_date"), body.get("end_date"))
        and all(term in row["memory"].casefold() for term in terms)
    ]
    start = (page - 1) * size

    def link(number: int) -> str:
        return f"{call.base_url}/v3/memories/?page={number}&page_size={size}"

    answer = {
        "count": len(chosen),
        "next": link(page + 1) if start + size < len(chosen) else None,
        "previous": link(page - 1) if page > 1 else None,
        "results": [_only(listed(row), body) for row in chosen[start : start + size]],
    }
    return Response(200, answer)


def search(call: Call) -> Response:
    """The memories that fit a query best (vendor: POST /v3/memories/search).

    `rerank` is accepted and changes nothing: the score is exact already.
    """
    body = call.body
    at = body.get("reference_date")
    query, threshold = Query(body["query"]), body.get("threshold", 0.1)
    scored = [
        (query.score(row["memory"]), row)
        for row in _selected(call, call.timestamp if at is None else moment(at))
        if metadata_matches(body.get("metadata", {}), row)
    ]
    # The sort keeps the order of equals: of two that fit as well, the newer one comes first.
    best = sorted((pair for pair in scored if pair[0].total >= threshold), key=lambda pair: -pair[0].total)
    results = []
    for score, row in best[: body.get("top_k", 10)]:
        parts = {"semantic": score.letters, "bm25": score.words}
        results.append(_only({**found(row), "score": score.total, "score_breakdown": parts}, body))
    return Response(200, {"results": results})


def entities(call: Call) -> Response:
    """The users, agents, apps and runs that have memories, in the order of their first one."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for row in reversed(_rows(call)):
        made, changed = row["created_at"], row["updated_at"]
        for kind, member in ENTITIES.items():
            name = row[member]
            if not name:
                continue  # an empty name names nobody, and no path could hold it
            entity = known.setdefault(
                (kind, name),
                {
                    "id": derived_uuid(call.seed, "entity", kind, name),
                    "name": name,
                    "type": kind,
                    "owner": OWNER,
                    "metadata": None,
                    "created_at": made,
                    "updated_at": changed,
                },
            )
            entity["created_at"] = min(entity["created_at"], made)
            entity["updated_at"] = max(entity["updated_at"], changed)
    answer: dict[str, Any] = {"count": len(known), "next": None, "previous": None, "results": list(known.values())}
    answer |= {f"total_{kind}s": sum(kind == of for of, _ in known) for kind in ENTITIES}
    return Response(200, answer)


def _rows(call: Call) -> list[Row]:
    """All memories, newest first by their number, whichever request got to write first."""
    return sorted(call.rows(TABLE), key=lambda row: -row["sequence"])


def _selected(call: Call, at: str) -> list[Row]:
    """Memories that the body's filters, categories and `show_expired` let through."""
    body = call.body
    categories = set(body.get("categories", []))
    return [
        row
        for row in _rows(call)
        if matches(body["filters"], row)
        and (body.get("show_expired") or not _expired(row, at))
        and (not categories or not categories.isdisjoint(row["categories"]))
    ]


def _expired(row: Row, at: str) -> bool:
    """Whether the day of `at` is past a memory's last day. Days compare as text."""
    return row["expiration_date"] is not None and at[:10] > row["expiration_date"]


def _only(shown: dict[str, Any], body: dict[str, JSON]) -> dict[str, Any]:
    if not body.get("fields"):
        return shown
    kept = _ALWAYS.union(body["fields"])
    return {name: value for name, value in shown.items() if name in kept}
