"""A recorded session as files in a folder: exchange files, and a scenario for each API. What is there stays.

Must not know: how the session was recorded, or who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mockserver.apis import Api
from mockserver.errors import UserError
from mockserver.messages import JSON
from mockserver.text.documents import write_whole
from mockserver.upstream.drafts.document import Drafted, draft, text_of
from mockserver.upstream.recorded import Session
from mockserver.upstream.recording import exchange_files, scenario


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and what was not."""

    exchanges: int
    files: int
    """Files that the session has."""
    written: tuple[str, ...]
    """Paths of those that were new, or are others now."""
    replaced: int
    """Values that stand-ins took the place of."""
    left_out: Mapping[str, int]
    """Reasons, and how many exchanges there are for each."""
    without_operation: int
    """Exchanges that no scenario can have."""

    def as_json(self) -> JSON:
        """For programs."""
        return {
            "exchanges": self.exchanges,
            "files": self.files,
            "written": list(self.written),
            "replaced": self.replaced,
            "left_out": dict(self.left_out),
            "without_operation": self.without_operation,
        }


def write_session(folder: str | Path, name: str, session: Session, apis: Mapping[str, Api]) -> Written:
    """Write `exchanges/` and the scenarios of a session; an exchange file that is there is not written again.

    Args:
        folder: where to; it is made.
        name: of the scenario. With several APIs each has its own, `NAME-API`.
        session: what was recorded.
        apis: the APIs that it is of.

    Raises UserError.
    """
    files = {f"exchanges/{file}": text for file, text in exchange_files(session).items()}
    recorded = [api for api in apis.values() if any(one.api == api.name and one.operation for one in session.exchanges)]
    unplayed = 0
    for api in recorded:
        own = name if len(recorded) == 1 else f"{name}-{api.name}"
        files[f"{own}.yaml"], missing = scenario(own, api, session)
        unplayed += missing
    written = []
    for file, text in files.items():
        path = Path(folder, file)
        if not path.is_file() or (not file.startswith("exchanges/") and path.read_text("utf-8") != text):
            _make(path.parent)
            write_whole(path, text.encode())
            written.append(str(path))
    return Written(len(session.exchanges), len(files), tuple(written), session.replaced, session.left_out, unplayed)


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A document that was drafted into a file."""

    drafted: Drafted
    api: Api
    is_new: bool
    """Whether it was written; it was there already otherwise."""


def write_draft(file: str | Path, session: Session, server: str = "") -> DraftFile:
    """Draft a document from a session into a file, whose name without its ending is that of the API.

    One that is there already may have been edited: it stays. Raises UserError when it holds something else.
    """
    path = Path(file)
    drafted = draft(session, path.stem, server)
    api = Api.from_openapi(drafted.document, name=path.stem)
    text = text_of(drafted, as_json=path.suffix == ".json")
    is_there = path.is_file()
    if is_there and path.read_bytes() != text.encode():
        raise UserError(f"{path}: is there already, and is another one; remove it, or name another file")
    if not is_there:
        _make(path.parent)
        write_whole(path, text.encode())
    return DraftFile(drafted, api, not is_there)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror or error}") from None


__all__ = ["DraftFile", "Written", "write_draft", "write_session"]
