"""The vendors: what an `Api` is, which route a request means, and how each API behaves.

May import: `contract`, `state`, `text` and the modules at the package's root.
Must not know: sandboxes, scenarios, the pipeline. Adding a bundled API is a module and a line in BUNDLED.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mockserver.apis import datagrid, examples, mem0
from mockserver.apis.base import Api, Behaviour, Call, nobody
from mockserver.contract import Contract, load_contract
from mockserver.data import bundled_file
from mockserver.errors import UserError, did_you_mean

BUNDLED: dict[str, Callable[[Contract], Api]] = {"datagrid": datagrid.api, "mem0": mem0.api}


def load_api(spec: str, *, strict: bool = True) -> Api:
    """An API by the name of a bundled one, or from an OpenAPI file given as `PATH` or `NAME=PATH`.

    `strict` has a file judged by openapi-core's validator too.

    Raises:
        UserError: there is no such API or file, or the document cannot be used.
    """
    if spec in BUNDLED:
        contract = load_contract(
            bundled_file("spec", f"{spec}.yaml"),
            bundled_file("spec", f"{spec}.overlay.yaml"),
            name=spec,
            trusted=True,
        )
        return BUNDLED[spec](contract)
    name, equals, path = spec.partition("=")
    file = Path(path if equals else spec)
    if not file.is_file():
        known = ", ".join(BUNDLED)
        raise UserError(f"there is no API {spec!r} and no such file; bundled: {known}{did_you_mean(spec, BUNDLED)}")
    return examples.api(load_contract(file, name=name if equals else None, strict=strict))


__all__ = ["BUNDLED", "Api", "Behaviour", "Call", "load_api", "nobody"]
