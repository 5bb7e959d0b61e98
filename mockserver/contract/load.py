"""From files to a contract: read, overlay, refuse what is broken with file, line and reason."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from mockserver.contract import overlay as overlays
from mockserver.contract.contract import METHODS, Contract
from mockserver.contract.dialects import draft_of
from mockserver.contract.explain import explain
from mockserver.contract.patterns import Patterns
from mockserver.contract.references import Refs, path_of, texts
from mockserver.errors import ContractError
from mockserver.text.documents import Locator, parse, parts_of, read_text, uncollected

MAX_BYTES = 64 * 1024 * 1024
_MOST_FAULTS = 10

Fault = tuple[list[str | int], str]
"""The path to what is wrong, and why it is."""


@uncollected()
def load_contract(
    path: Path, overlay: Path | None = None, *, name: str | None = None, strict: bool = True, trusted: bool = False
) -> Contract:
    """Read an OpenAPI 3.0 or 3.1 document and compile it.

    Args:
        path: the document, YAML or JSON.
        overlay: an OpenAPI Overlay to apply first.
        name: what to call the API; the file's name when not given.
        strict: let openapi-core's validator judge the document too. It is thorough and slow, so
            what it passed once is remembered.
        trusted: take the document's word. For the bundled ones, which the test-suite has judged.

    Raises:
        ContractError: the document or the overlay cannot be used. The message starts with
            file:line where the fault has a place.
    """
    text = read_text(path, MAX_BYTES)
    return _compiled(text, path, overlay, name, strict, trusted)


@uncollected()
def contract_of(document: Mapping[str, Any], name: str, *, strict: bool = True) -> Contract:
    """Compile an OpenAPI document that is no file. It is copied. Arguments and errors as for `load_contract`."""
    try:
        text = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError as error:
        raise ContractError(f"{name}: is no JSON document: {error}") from None
    return _compiled(text, Path(name), None, name, strict, False)


def _compiled(text: str, path: Path, overlay: Path | None, name: str | None, strict: bool, trusted: bool) -> Contract:
    document = parse(text, str(path))
    _check_version(document, path)
    additions: list[overlays.Addition] = []
    overlay_text = ""
    if overlay is not None:
        overlay_text = read_text(overlay, MAX_BYTES)
        additions = overlays.apply(document, parse(overlay_text, str(overlay)), str(overlay))
    if not trusted:
        faults = list(islice(_faults(document), _MOST_FAULTS))
        if not faults and strict:
            faults = _strict_faults(document, text, overlay_text)
        if faults:
            locator = Locator(text)
            raise ContractError("\n".join(_placed(path, locator, parts, reason) for parts, reason in faults))
    return Contract(name or path.name.partition(".")[0], document, additions)


def _check_version(document: Any, path: Path) -> None:
    if not isinstance(document, dict):
        raise ContractError(f"{path}:1: is not an OpenAPI document: it holds no object")
    if "swagger" in document:
        raise ContractError(
            f"{path}:1: is a Swagger {document['swagger']} document; convert it to OpenAPI 3.0 or 3.1 first"
        )
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.0.", "3.1.")):
        raise ContractError(f"{path}:1: `openapi` is {version!r}; this server reads OpenAPI 3.0 and 3.1")


def _placed(path: Path, locator: Locator, parts: list[str | int], reason: str) -> str:
    place = locator.find(parts)
    at = "/" + "/".join(str(part) for part in parts)
    return f"{path}:{place[0]}: {at}: {reason}" if place else f"{path}: {at}: {reason}"


def _faults(document: dict[str, Any]) -> Iterator[Fault]:
    """Faults by the OpenAPI meta-schema; else texts that mean nothing, and operationIds given twice."""
    validator = _metaschema(document["openapi"][:3])
    if not validator.is_valid(document):
        for violation in explain(validator.iter_errors(document), "client", "body"):
            yield [*parts_of(violation.pointer)], violation.message
        return
    yield from _text_faults(document)
    seen: dict[str, str] = {}
    for path, item in (document.get("paths") or {}).items():
        for method in METHODS:
            id = item.get(method, {}).get("operationId") if isinstance(item.get(method), dict) else None
            if id is None:
                continue
            if id in seen:
                yield ["paths", path, method, "operationId"], f"{id!r} is the operationId of {seen[id]} too"
            seen[id] = f"{method.upper()} {path}"


def _text_faults(document: dict[str, Any]) -> Iterator[Fault]:
    """References that lead nowhere, and patterns that are no regular expressions."""
    judges = {"$ref": Refs(document).fault, "pattern": Patterns(draft_of(document)).fault}
    known: dict[tuple[str, str], str] = {}
    for key, text, place in texts(document):
        fault = known.get((key, text))
        if fault is None:
            fault = known[key, text] = judges[key](text)
        if fault:
            yield path_of(place), fault


@cache
def _metaschema(version: str) -> jsonschema_rs.Validator:
    """The meta-schema that openapi-spec-validator ships, without importing that package."""
    spec = importlib.util.find_spec("openapi_spec_validator")
    assert spec is not None and spec.origin is not None
    file = Path(spec.origin).parent / "resources" / "schemas" / f"v{version}" / "schema.json"
    # What is a pattern is for `Patterns` to say: some that jsonschema-rs does not read can be used.
    formats = {"regex": lambda text: True}
    return jsonschema_rs.validator_for(parse(file.read_text(encoding="utf-8"), file.name), formats=formats)


def _strict_faults(document: dict[str, Any], *sources: str) -> list[Fault]:
    """Faults that openapi-core's own validator finds, unless it found none before."""
    # Imported when needed: bundled documents need neither, and the second takes longer than to load them.
    from mockserver.contract.strict_cache import StrictCache

    passed = StrictCache(sources)
    if passed:
        return []
    from mockserver.contract.strict import strict_faults

    faults = list(islice(strict_faults(document), _MOST_FAULTS))
    if not faults:
        passed.remember()
    return faults


__all__ = ["contract_of", "load_contract"]
