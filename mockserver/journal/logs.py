"""What the server says while it runs: one line per event on standard error, as text or as JSON.

Events that are rare go through `logging`. Requests are many, so their lines are made without it, kept for
a moment and written together; `flush` is called ten times a second, and at the end.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

import orjson

from mockserver.clock import wall_time
from mockserver.journal.entries import printable
from mockserver.journal.masking import Masking
from mockserver.messages import Exchange

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
MAX_ID = 200
"""Characters of a client's request id that are shown."""
_MASKING = Masking()
MAX_LINES = 512
"""Lines that are kept before they are written."""


class _JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {"time": _iso(record.created), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(said).decode()


def configure_logging(level: str, form: str = "text") -> None:
    """Set up `logging` for the server process; libraries speak only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(_JSONFormatter() if form == "json" else text)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("mockserver").setLevel(level.upper())


class AccessLog:
    """Writes a line for every exchange.

    Args:
        stream: where to.
        form: `text` or `json`.
        masking: keeps secrets out of it.
    """

    def __init__(self, stream: TextIO, form: str = "text", masking: Masking = _MASKING) -> None:
        self._stream = stream
        self._masking = masking
        self._make = json_line if form == "json" else text_line
        self._lines: list[str] = []

    def add(self, exchange: Exchange) -> None:
        """Note an exchange."""
        self._lines.append(self._make(exchange, wall_time(), self._masking))
        if len(self._lines) >= MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was noted. A reader that went away is no reason to stop serving."""
        lines, self._lines = self._lines, []
        if lines:
            try:
                self._stream.write("".join(lines))
                self._stream.flush()
            except (OSError, ValueError):
                pass


def text_line(exchange: Exchange, at: float, masking: Masking = _MASKING) -> str:
    """One line for a person: what was asked, what was answered, by what, and why it failed."""
    request = exchange.request
    target = f"{request.path}?{masking.query(request.query)}" if request.query else request.path
    level = "ERROR" if exchange.defect else "INFO"
    line = f"{_local(at)} {level} {printable(request.method)} {printable(target)} {exchange.status}"
    line += f"  {exchange.operation or '-'}  {exchange.duration * 1000:.1f} ms"
    if exchange.sandbox != "default":
        line += f"  ~{exchange.sandbox}"
    if exchange.rule:
        line += f"  [rule {exchange.rule}]"
    if "x-request-id" in request.headers:
        line += f"  [id {printable(request.headers['x-request-id'][:MAX_ID])}]"
    if exchange.violations or exchange.defect:
        clean = masking.cleaner(request)
        for violation in exchange.violations[:3]:
            line += f"  [{violation.side}] {printable(clean(str(violation)))}"
        if exchange.defect:
            line += f"  [defect] {printable(clean(exchange.defect))}"
    return line + "\n"


def json_line(exchange: Exchange, at: float, masking: Masking = _MASKING) -> str:
    """The same for a machine; what did not happen is left out."""
    request = exchange.request
    clean = masking.cleaner(request) if exchange.violations or exchange.defect else str
    said = {
        "time": _iso(at),
        "level": "error" if exchange.defect else "info",
        "message": "request",
        "sandbox": exchange.sandbox,
        "number": exchange.number,
        "api": exchange.api,
        "operation": exchange.operation,
        "method": request.method,
        "path": request.path,
        "query": masking.query(request.query),
        "status": exchange.status,
        "duration_ms": round(exchange.duration * 1000, 3),
        "request_id": request.headers.get("x-request-id", "")[:MAX_ID],
        "rule": exchange.rule,
        "lost": exchange.lost,
        "charged": exchange.charged,
        "violations": [
            {name: clean(text) for name, text in violation.as_json().items()} for violation in exchange.violations[:3]
        ],
        "defect": clean(exchange.defect),
    }
    kept = {name: value for name, value in said.items() if value not in ("", [], 0) or name == "status"}
    try:
        return orjson.dumps(kept).decode() + "\n"
    except TypeError:  # half a surrogate pair, which only a client in this process can send
        return orjson.dumps({name: printable(str(value)) for name, value in kept.items()}).decode() + "\n"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_second: tuple[int, str] = (0, "")
"""The last second that was printed, and its text."""


def _local(at: float) -> str:
    """As `logging` prints it: `2026-01-01 00:00:00,000`, in local time."""
    global _second
    whole = int(at)
    if _second[0] != whole:
        _second = whole, datetime.fromtimestamp(whole).isoformat(" ")
    return f"{_second[1]},{int((at - whole) * 1000):03d}"
