"""Finds an API by what a person calls it: a bundled one, a file, an installed one, or an object in a module.

Must not know: settings, the pipeline.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.apis import datagrid, mem0
from mockserver.apis.api import Api
from mockserver.apis.code import reason
from mockserver.apis.resources.model import Unknown
from mockserver.contract import Contract, load_contract
from mockserver.contract.load import MAX_BYTES, Terms, compiled
from mockserver.data import bundled_file
from mockserver.errors import UserError, did_you_mean
from mockserver.text.documents import ENDINGS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUNDLED: dict[str, Callable[[Contract], Api]] = {"datagrid": datagrid.api, "mem0": mem0.api}
"""The APIs that come with the package, by name: each makes itself over the contract in `spec/`."""

PROFILES = ("shop", "tickets")
"""The bundled APIs that are a document and a profile in `spec/`. They are served when they are named; what a user has
of that name goes before."""

PROFILE_SUFFIX = ".mock.yaml"
"""How the name of a profile ends."""

GROUP = "mockserver.apis"
"""The entry points by which an installed package offers APIs: each an Api, or a function that makes one."""

_REFERENCE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")
"""`module:attribute`, both perhaps dotted."""


def load_api(
    spec: str, *, strict: bool = False, unknown_ids: Unknown = "imagine", allow_remote_refs: bool = False
) -> Api:
    """An API by what it is called.

    Args:
        spec: the name of a bundled API, an OpenAPI file or a profile as `PATH` or `NAME=PATH`, a URL in place of the
            path, an Api as `module:attribute`, or the name of an entry point in the group `mockserver.apis`.
        strict: validate a file with openapi-spec-validator too.
        unknown_ids: what a read of an id that nobody created gets, for an API that is no more than a file.
        allow_remote_refs: fetch documents by their URLs.

    Raises:
        UserError: there is no such API, or it cannot be loaded.
    """
    if spec in BUNDLED:
        return _bundled(spec)
    name, equals, path = named(spec)
    file = Path(path)
    if str(file) == "-":
        return _from_text(_standard_input(), "standard input", name or "stdin", Terms(strict), unknown_ids)
    if is_url(path):
        if not allow_remote_refs:
            raise UserError(f"{path} is on another server; allow that with --allow-remote-refs")
        from mockserver.contract.remote import fetch

        terms = Terms(strict, allow_remote_refs=True, url=path)
        return _from_text(fetch(path), path, name or _name_in(path), terms, unknown_ids)
    if file.is_file() and is_profile(file):
        from mockserver.apis.profiles.load import load_profile

        return load_profile(
            file, name=name, strict=strict, unknown_ids=unknown_ids, allow_remote_refs=allow_remote_refs
        )
    if file.is_file():
        return Api.from_openapi(
            file,
            name=name if equals else None,
            strict=strict,
            allow_remote_refs=allow_remote_refs,
            unknown_ids=unknown_ids,
        )
    if _REFERENCE.fullmatch(spec):
        return _made(_attribute(spec), repr(spec))
    installed = {} if equals else installed_apis()
    if spec in installed:
        return _installed(installed[spec])
    if spec in PROFILES:
        from mockserver.apis.profiles.load import load_profile

        return load_profile(bundled_file("spec", f"{spec}.mock.yaml"), unknown_ids=unknown_ids)
    names = [*BUNDLED, *PROFILES, *installed]
    if file.suffix in ENDINGS:
        folder = file.parent.glob("*") if file.parent.is_dir() else ()
        beside = [str(other) for other in folder if other.suffix in ENDINGS]
        raise UserError(f"there is no file {str(file)!r}{did_you_mean(str(file), beside)}")
    raise UserError(
        f"there is no API {spec!r} and no such file; bundled: {', '.join([*BUNDLED, *PROFILES])}; "
        f"installed: {', '.join(installed) or 'none'}{did_you_mean(spec, names)}"
    )


def named(spec: str) -> tuple[str, bool, str]:
    """The name that a spec gives, whether it gives one, and the rest: the path, the URL, or the whole."""
    name, equals, rest = spec.partition("=")
    if equals and not is_url(spec):
        return name, True, rest
    return "", False, spec


def is_profile(path: Path) -> bool:
    """Whether a file is a profile, by its name."""
    return path.name.endswith((".mock.yaml", ".mock.yml", ".mock.json"))


def is_url(path: str) -> bool:
    """Whether a path is a URL of another server."""
    return path.startswith(("http://", "https://"))


def _name_in(url: str) -> str:
    """What to call the document at a URL: its file's name without endings, or else its host."""
    parts = urlsplit(url)
    return parts.path.rstrip("/").rpartition("/")[2].partition(".")[0] or str(parts.hostname)


def _from_text(text: str, source: str, name: str, terms: Terms, unknown_ids: Unknown) -> Api:
    return Api(name, compiled(text, Path(source), (), name, terms), unknown_ids=unknown_ids)


def _standard_input() -> str:
    """The document on standard input, of which no more is read than a file may have."""
    text = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise UserError(f"the document on standard input is larger than {MAX_BYTES:,} bytes")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"the document on standard input is not UTF-8 at byte {error.start:,}") from None


def is_code(spec: str) -> bool:
    """Whether a spec names Python code, in a module or an installed package, rather than a file."""
    if _REFERENCE.fullmatch(spec):
        return True
    return spec not in BUNDLED and Path(spec).suffix not in ENDINGS and spec in installed_apis()


def installed_apis() -> Mapping[str, list[EntryPoint]]:
    """The entry points of installed packages, by the name of the API."""
    from importlib.metadata import entry_points  # few servers ask for it, and every start would pay for it

    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points.setdefault(point.name, []).append(point)
    return points


def _bundled(name: str) -> Api:
    overlay = bundled_file("spec", f"{name}.overlay.yaml")
    contract = load_contract(
        bundled_file("spec", f"{name}.yaml"), overlay if overlay.is_file() else None, name=name, trusted=True
    )
    return BUNDLED[name](contract)


def _installed(points: list[EntryPoint]) -> Api:
    what = f"{points[0].name!r} of {_package(points[0])}"
    if len({point.value for point in points}) > 1:
        packages = " and ".join(sorted(map(_package, points)))
        raise UserError(f"the packages {packages} both offer an API {points[0].name!r}; uninstall one of them")
    try:
        value = points[0].load()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"API {what}: {points[0].value} cannot be loaded: {reason(error)}") from None
    return _made(value, what)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _attribute(spec: str) -> Any:
    """What stands at `module:attribute`. Modules are also looked for in the current folder."""
    module_name, _, names = spec.partition(":")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    try:
        value: Any = import_module(module_name)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"API {spec!r}: the module {module_name!r} cannot be imported: {reason(error)}") from None
    for name in names.split("."):
        if not hasattr(value, name):
            hint = did_you_mean(name, [known for known in dir(value) if not known.startswith("_")])
            raise UserError(f"API {spec!r}: {module_name!r} has no {names!r}{hint}")
        value = getattr(value, name)
    return value


def _made(value: Any, what: str) -> Api:
    """The Api that a value is or makes."""
    if callable(value):
        try:
            value = value()
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"API {what}: the function that makes it failed: {reason(error)}") from None
    if not isinstance(value, Api):
        kind = type(value).__name__
        raise UserError(f"API {what}: is of type {kind}; it must be an Api, or a function that makes one")
    return value
