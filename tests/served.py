"""A document of a test's own, served in process: what a client gets, and what the journal says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mockserver.messages import Exchange, Request
from mockserver.pipeline.build import build
from mockserver.settings import Settings
from mockserver.state.ratelimit import parse_limit


@dataclass(frozen=True)
class Got:
    """What came back."""

    exchange: Exchange

    @property
    def status(self) -> int:
        return self.exchange.status

    @property
    def ok(self) -> bool:
        assert self.status < 500, (self.content, self.exchange.defect)
        return self.status < 400

    @property
    def headers(self) -> Any:
        assert self.exchange.response is not None
        return self.exchange.response.headers

    @property
    def media_type(self) -> str | None:
        assert self.exchange.response is not None
        return self.exchange.response.media_type

    @property
    def content(self) -> bytes:
        assert self.exchange.response is not None
        return self.exchange.response.content or b""

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)

    @property
    def operation(self) -> str:
        return self.exchange.operation


class Served:
    """One document, as the API `t`. Keyword arguments are fields of Settings."""

    def __init__(self, folder: Path, document: dict[str, Any] | str, **settings: Any) -> None:
        file = folder / "openapi.yaml"
        file.write_bytes(document.encode() if isinstance(document, str) else orjson.dumps(document))
        if isinstance(settings.get("rate_limit"), str):
            settings["rate_limit"] = parse_limit(settings["rate_limit"])
        self.pipeline = build(Settings(apis=(f"t={file}",), **settings))

    def __call__(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Got:
        path, _, query = target.partition("?")
        sent = {"host": "localhost:4010", **(headers or {})}
        if body is not None:
            content = orjson.dumps(body)
            sent.setdefault("content-type", "application/json")
        return Got(self.pipeline.exchange(Request(method, path, query, sent, content)))
