"""What a suite uses of its APIs, gathered from the journals of its sandboxes: the files of `mockserver diff --used`.

Exchanges of one shape are one use: the same operation and status, and the same names of what was sent. The first
request of a shape stands for all of them; what was answered to any of them counts as read, because HTTP does not tell
what a client does with a response. Whoever knows better takes members away from `reads`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mockserver.contract.diff.uses import VERSION, members
from mockserver.errors import UserError
from mockserver.text.documents import write_whole
from mockserver.text.fields import query_values, sandbox_in
from mockserver.text.jsontext import to_json

MAX_USES = 10_000
_DROPPED = frozenset(
    ("host", "accept-encoding", "connection", "user-agent", "authorization", "content-length", "cookie", "date")
)
"""Headers of a request that say nothing of what is used, or hold a secret."""
_DROPPED_PREFIXES = ("x-mockserver-", "x-stainless-", "sec-", "traceparent", "tracestate")
_MASK = "***"
_HEAD = """\
# What these tests use of the API: the requests that they send, and what was in the responses.
# `mockserver diff --used FILE OLD NEW` tells which changes concern it. Take away from `reads` what the client does not read.
"""  # noqa: E501

Key = tuple[Any, ...]


class CollectedUses:
    """The uses of a suite."""

    def __init__(self) -> None:
        self._by_shape: dict[Key, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._by_shape)

    def add(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Take in exchanges, as the admin API shows them. Those that were refused as invalid are no uses."""
        for entry in entries:
            is_invalid = any(violation["side"] == "client" for violation in entry["violations"])
            if entry["operation"] and entry["status"] and not is_invalid and not entry["defect"]:
                self._take(_use(entry))

    def merge(self, uses: Iterable[dict[str, Any]]) -> None:
        """Take in what another process gathered."""
        for use in uses:
            self._take(use)

    def _take(self, use: dict[str, Any]) -> None:
        key = _shape(use)
        known = self._by_shape.get(key)
        if known is None and len(self._by_shape) < MAX_USES:
            self._by_shape[key] = use
        elif known is not None:
            for name in ("reads", "read_headers"):
                known[name] = sorted({*known[name], *use[name]})

    def as_json(self) -> list[dict[str, Any]]:
        """The uses, in an order that does not depend on that of the tests."""
        ordered = sorted(self._by_shape.items(), key=lambda pair: tuple(map(str, pair[0])))
        return [use for _, use in ordered]

    def write(self, folder: Path) -> list[Path]:
        """Write a file for each API, `NAME.uses.yaml`, a use on a line; the files. Raises UserError."""
        by_api: dict[str, list[str]] = {}
        for use in self.as_json():
            by_api.setdefault(use["api"], []).append(f"  - {to_json(_brief(use)).decode()}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: cannot be made: {error.strerror}") from None
        files = []
        for api, lines in by_api.items():
            path = folder / f"{api}.uses.yaml"
            write_whole(path, "\n".join([f"{_HEAD}version: {VERSION}", "uses:", *lines, ""]).encode())
            files.append(path)
        return files


def _use(entry: Mapping[str, Any]) -> dict[str, Any]:
    request, response = entry["request"], entry["response"] or {}
    is_read = not entry["lost"] and not entry["violates"] and response.get("body") is not None
    return {
        "api": entry["api"],
        "operation": entry["operation"],
        "method": entry["method"],
        "path": _path(entry["path"], entry["api"]),
        "query": entry["query"],
        "headers": {name: value for name, value in request["headers"].items() if _is_kept(name, value)},
        "body": request["body"],
        "status": entry["status"],
        "reads": sorted(members(response["body"])) if is_read else [],
        "read_headers": sorted(response.get("headers") or {}) if is_read else [],
    }


def _path(path: str, api: str) -> str:
    """A path without the sandbox and the API that may stand before it."""
    parts = sandbox_in(path)[1].split("/")
    if len(parts) > 2 and parts[1] == api:
        del parts[1]
    return "/".join(parts)


def _is_kept(name: str, value: str) -> bool:
    return name not in _DROPPED and not name.startswith(_DROPPED_PREFIXES) and _MASK not in value


def _shape(use: Mapping[str, Any]) -> Key:
    names: Sequence[Any] = (sorted(query_values(use["query"])), sorted(use["headers"]), sorted(members(use["body"])))
    return use["api"], use["operation"], use["status"], use["method"], *map(tuple, names)


def _brief(use: Mapping[str, Any]) -> dict[str, Any]:
    """A use as the file of its API has it, without what is empty."""
    return {name: value for name, value in use.items() if name != "api" and value not in ("", None, [], {})}


__all__ = ["CollectedUses"]
