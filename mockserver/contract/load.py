"""From files to a contract: read, overlay, refuse what is broken with file, line and reason."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from mockserver.contract import overlay as overlays
from mockserver.contract.contract import Contract
from mockserver.contract.explain import explain
from mockserver.contract.refs import Refs
from mockserver.documents import line_of, parse, parts_of, read_text
from mockserver.errors import ContractError

MAX_BYTES = 64 * 1024 * 1024
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def load_contract(
    path: Path, overlay: Path | None = None, *, name: str | None = None, strict: bool = True, trusted: bool = False
) -> Contract:
    """Read an OpenAPI 3.0 or 3.1 document and compile it.

    Args:
        path: the document, YAML or JSON.
        overlay: an OpenAPI Overlay to apply first.
        name: what to call the API; the file's name when not given.
        strict: let openapi-core's validator judge the document too. It is thorough and slow.
        trusted: take the document's word. For the bundled ones, which the test-suite has judged.

    Raises:
        ContractError: the document or the overlay cannot be used. The message starts with
            file:line where the fault has a place.
    """
    text = read_text(path, MAX_BYTES)
    document = parse(text, str(path))
    _check_version(document, path)
    additions: list[overlays.Addition] = []
    if overlay is not None:
        overlay_text = read_text(overlay, MAX_BYTES)
        additions = overlays.apply(document, parse(overlay_text, str(overlay)), str(overlay))
    faults = [] if trusted else list(_faults(document))
    if not faults and strict and not trusted:
        faults = list(_strict_faults(document))
    if faults:
        raise ContractError("\n".join(_placed(path, text, parts, reason) for parts, reason in faults[:10]))
    try:
        return Contract(name or path.name.partition(".")[0], document, additions)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None


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


def _placed(path: Path, text: str, parts: list[str | int], reason: str) -> str:
    place = line_of(text, parts)
    at = "/" + "/".join(str(part) for part in parts)
    return f"{path}:{place[0]}: {at}: {reason}" if place else f"{path}: {at}: {reason}"


def _faults(document: dict[str, Any]) -> Any:
    """Faults by the OpenAPI meta-schema, references that lead nowhere, operationIds given twice."""
    validator = _metaschema(document["openapi"][:3])
    if not validator.is_valid(document):
        for violation in explain(validator.iter_errors(document), "client", "body"):
            yield parts_of(violation.pointer), violation.message
        return
    yield from Refs(document).broken()
    seen: dict[str, str] = {}
    for path, item in (document.get("paths") or {}).items():
        for method in _METHODS:
            id = item.get(method, {}).get("operationId") if isinstance(item.get(method), dict) else None
            if id is None:
                continue
            if id in seen:
                yield ["paths", path, method, "operationId"], f"{id!r} is the operationId of {seen[id]} too"
            seen[id] = f"{method.upper()} {path}"


@cache
def _metaschema(version: str) -> jsonschema_rs.Validator:
    """The meta-schema that openapi-spec-validator ships, without importing that package."""
    spec = importlib.util.find_spec("openapi_spec_validator")
    assert spec is not None and spec.origin is not None
    file = Path(spec.origin).parent / "resources" / "schemas" / f"v{version}" / "schema.json"
    return jsonschema_rs.validator_for(parse(file.read_text(encoding="utf-8"), file.name))


_NAMED = re.compile(r"for '(\w+)' operation in '(.+)' was not resolved")
"""The one finding that says its place in words only."""


def _strict_faults(document: dict[str, Any]) -> Any:
    """Faults that openapi-core's own validator finds."""
    from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

    validator = OpenAPIV30SpecValidator if document["openapi"].startswith("3.0.") else OpenAPIV31SpecValidator
    try:
        for error in validator(document).iter_errors():
            named = _NAMED.search(error.message)
            yield ["paths", named[2], named[1]] if named else list(error.absolute_path), error.message
    except RecursionError:
        yield [], "is nested too deeply"


__all__ = ["load_contract"]
