"""Documents by the names that a command is given: a file, a file in a git revision, or a URL.

Must not know: what the documents are for.
"""

from __future__ import annotations

import io
import posixpath
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mockserver.contract import Contract
from mockserver.contract.files import is_local
from mockserver.contract.load import MAX_BYTES, Terms, compiled
from mockserver.errors import UserError
from mockserver.text.documents import read_text

_SUFFIXES = ("yaml", "yml", "json")
_TIMEOUT = 60.0
"""Seconds that git may take."""


def load(name: str, allow_remote: bool) -> Contract:
    """The contract of a document.

    Args:
        name: a path, `REVISION:PATH` as git has it, or a URL.
        allow_remote: fetch URLs, the document's own and those that it refers to.

    Raises:
        UserError: it cannot be read.
    """
    if name.startswith(("http://", "https://")):
        if not allow_remote:
            raise UserError(f"{name}: URLs are not fetched unless allowed (--allow-remote-refs)")
        from mockserver.contract.remote import fetch

        return compiled(fetch(name), Path(PurePosixPath(name).name), (), None, Terms(allow_remote_refs=True, url=name))
    path = Path(name)
    revision, colon, inner = name.partition(":")
    if path.exists() or not colon or not revision or not inner:
        return compiled(read_text(path, MAX_BYTES), path, (), None, Terms(allow_remote_refs=allow_remote))
    with _checked_out(revision, inner, name) as file:
        contract = compiled(read_text(file, MAX_BYTES), file, (), None, Terms(allow_remote_refs=allow_remote))
    sources = contract.findings.sources
    sources.root.name = name
    folder = PurePosixPath(inner).parent
    for other, source in sources.mounted.items():
        if "://" not in other:
            source.name = f"{revision}:{folder / other}"
    return contract


@contextmanager
def _checked_out(revision: str, inner: str, name: str) -> Iterator[Path]:
    """A file of a git revision in a folder of its own, with the documents around it where it refers to any."""
    if revision.startswith("-"):
        raise UserError(f"{name}: {revision!r} is no git revision")
    size = int(_git(name, "cat-file", "-s", f"{revision}:{inner}"))
    if size > MAX_BYTES:
        raise UserError(f"{name}: is larger than {MAX_BYTES:,} bytes")
    data = _git(name, "cat-file", "blob", f"{revision}:{inner}")
    with tempfile.TemporaryDirectory(prefix="mockserver-diff-") as folder:
        path = Path(folder) / PurePosixPath(inner).name
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(f"{name}: is not UTF-8 at byte {error.start:,}") from None
        if is_local(text):
            path.write_bytes(data)
        else:
            _unpack(_folder(name, revision, inner), Path(folder))
        yield path


def _folder(name: str, revision: str, inner: str) -> bytes:
    """The documents of the folder of a file, as a tar archive; empty where there are none."""
    if inner.startswith(("./", "../")):  # as git has it, from the folder that it is run in
        prefix = _git(name, "rev-parse", "--show-prefix").decode().strip()
        inner = posixpath.normpath(posixpath.join(prefix, inner))
    parent = posixpath.dirname(inner)
    tree = f"{revision}:{parent}"
    root = _git(name, "rev-parse", "--show-toplevel").decode().strip()
    listed = _git(name, "ls-tree", "-r", "-z", "--name-only", "--full-tree", tree).decode(errors="replace").split("\0")
    kinds = [suffix for suffix in _SUFFIXES if any(file.endswith(f".{suffix}") for file in listed)]
    if not kinds:
        return b""
    patterns = [f":(glob)**/*.{suffix}" for suffix in kinds]
    return _git(name, "-C", root, "archive", "--format=tar", tree, "--", *patterns)


def _unpack(archive: bytes, folder: Path) -> None:
    if not archive:
        return
    if len(archive) > 2 * MAX_BYTES:
        raise UserError(f"the documents of the revision are larger than {2 * MAX_BYTES:,} bytes")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def _git(name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=_TIMEOUT, check=False)
    except FileNotFoundError:
        raise UserError(f"{name}: is no file, and git, which reads revisions, is not installed") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{name}: git took longer than {_TIMEOUT:.0f} seconds") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(f"{name}: is neither a file nor in a git revision: {reason[0] if reason else 'git failed'}")
    return done.stdout


__all__ = ["load"]
