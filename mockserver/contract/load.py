"""From files to a contract: read, convert, overlay, put together, and leave out what is broken, or refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from mockserver.contract import overlay as overlays
from mockserver.contract.contract import Contract
from mockserver.contract.faults import Findings, Source, Sources
from mockserver.errors import ContractError
from mockserver.records import record
from mockserver.text.documents import parse, read_text, uncollected
from mockserver.text.kept import parse_bundled

MAX_BYTES = 64 * 1024 * 1024
MOST_SHOWN = 10
"""Faults that a refusal tells."""
_VERSIONS = ("3.0.", "3.1.", "3.2.")


@record(frozen=True)
class Terms:
    """How a document is taken."""

    strict: bool = False
    """Refuse a document with a fault, validated by openapi-spec-validator too. It is thorough and slow, so what it
    passed once is remembered."""
    trusted: bool = False
    """Take the document's word. For the bundled ones, which the test-suite has validated."""
    allow_remote_refs: bool = False
    """Follow references to http and https URLs."""
    ref_folder: Path | None = None
    """The folder that references may read files from; the document's own when None."""
    url: str = ""
    """Where the document was fetched from, which its references are relative to; it may read no files then."""


@uncollected()
def load_contract(
    path: Path,
    overlay: Path | None = None,
    *,
    name: str | None = None,
    strict: bool = False,
    trusted: bool = False,
    allow_remote_refs: bool = False,
    ref_folder: Path | None = None,
) -> Contract:
    """Read an OpenAPI 3.0, 3.1 or 3.2 document, or one of Swagger 2.0, and compile it.

    Args:
        path: the document, YAML or JSON.
        overlay: an OpenAPI Overlay to apply first.
        name: what to call the API; the file's name when not given.
        strict: as in `Terms`. Without it what is broken is left out, and `Contract.faults` says what it was.
        trusted: as in `Terms`.
        allow_remote_refs: as in `Terms`.
        ref_folder: as in `Terms`.

    Raises:
        ContractError: the document or the overlay cannot be used. The message starts with
            file:line where the fault has a place.
    """
    terms = Terms(strict, trusted, allow_remote_refs, ref_folder)
    return compiled(read_text(path, MAX_BYTES), path, () if overlay is None else [overlay], name, terms)


@uncollected()
def contract_of(document: Mapping[str, Any], name: str, *, strict: bool = False) -> Contract:
    """Compile an OpenAPI document that is no file. It is copied. Arguments and errors as for `load_contract`."""
    try:
        text = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError as error:
        raise ContractError(f"{name}: is no JSON document: {error}") from None
    return compiled(text, Path(name), (), name, Terms(strict))


def compiled(text: str, path: Path, over: Sequence[Path], name: str | None, terms: Terms) -> Contract:
    """The contract of a document's text, with some overlays applied in their order.

    Other arguments, and errors, as for `load_contract`.
    """
    source = terms.url or str(path)
    read = parse_bundled if terms.trusted else parse
    document, findings = _converted(read(text, source), source, text)
    additions: list[overlays.Addition] = []
    for file in over:
        overlay = Source(str(file), read_text(file, MAX_BYTES))
        findings.sources.overlays.append(overlay)
        additions += overlays.apply(document, read(overlay.text, overlay.name), overlay.name)
    if not terms.trusted:
        texts = [text, *(overlay.text for overlay in findings.sources.overlays)]
        _examine(document, path, texts, findings, terms)
    return Contract(name or path.name.partition(".")[0], document, additions, findings)


def _converted(document: Any, source: str, text: str) -> tuple[dict[str, Any], Findings]:
    """The document as OpenAPI 3, and what takes its faults."""
    if not isinstance(document, dict):
        raise ContractError(f"{source}:1: is not an OpenAPI document: it holds no object")
    if "swagger" in document:
        if str(document["swagger"]) not in ("2.0", "2"):
            raise ContractError(f"{source}:1: `swagger` is {document['swagger']!r}; of Swagger this server reads 2.0")
        from mockserver.contract import swagger2

        findings = Findings(Sources(Source(source, text), swagger2.original))
        return swagger2.converted(document, findings), findings
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(_VERSIONS):
        raise ContractError(f"{source}:1: `openapi` is {version!r}; this server reads OpenAPI 3.0, 3.1 and 3.2")
    findings = Findings(Sources(Source(source, text)))
    return document, findings


def _examine(document: dict[str, Any], path: Path, texts: list[str], findings: Findings, terms: Terms) -> None:
    """Put the files together and find what is wrong. Raises ContractError for it when strict."""
    # Imported when needed: bundled documents are not examined.
    from mockserver.contract.files import Bundle, is_local, names_schemas
    from mockserver.contract.repair import Part, repair
    from mockserver.contract.soundness import make_sound

    parts: list[Part] = []
    if not all(map(is_local, texts)):
        bundle = Bundle(document, path, findings, terms, any(map(names_schemas, texts)))
        bundle.make_local()
        parts = [Part(path, kind) for path, kind in bundle.targets]
    repair(document, parts, findings)
    make_sound(document, parts, findings)
    findings.parts = [(part.path, part.kind) for part in parts]
    if terms.strict:
        if not findings.errors():
            mounted = [source.text for source in findings.sources.mounted.values()]
            judge_strictly(document, findings, [*texts, *mounted])
        faults = findings.errors()
        if faults:
            shown = sorted((findings.sources.fault(fault) for fault in faults), key=lambda fault: fault.line)
            raise ContractError("\n".join(fault.reason for fault in shown[:MOST_SHOWN]))


def judge_strictly(document: dict[str, Any], findings: Findings, texts: list[str]) -> None:
    """Note the faults that openapi-core's own validator finds, unless it found none before."""
    # Imported when needed: bundled documents need neither, and the second takes longer than to load them.
    from mockserver.contract.strict_cache import StrictCache

    passed = StrictCache(texts)
    if passed:
        return
    from mockserver.contract.strict import strict_faults

    faults = list(islice(strict_faults(document), MOST_SHOWN))
    for path, reason in faults:
        findings.add("error", path, reason, "", "strict")
    if not faults:
        passed.remember()


__all__ = ["Terms", "compiled", "contract_of", "judge_strictly", "load_contract"]
