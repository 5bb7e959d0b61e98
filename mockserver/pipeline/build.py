"""Builds what the settings ask for: the contracts, the sandboxes and the pipeline over them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from mockserver import scenarios
from mockserver.apis import BUNDLED, Api, load_api
from mockserver.apis.code import load_behaviours
from mockserver.apis.loader import PROFILE_SUFFIX, PROFILES, is_code, is_url, named
from mockserver.errors import UserError, did_you_mean
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.sandbox.backends import open_backend
from mockserver.sandbox.sandboxes import Bounds
from mockserver.sandbox.world import Terms
from mockserver.settings import DEFAULTS, Settings
from mockserver.text.documents import files_in

log = logging.getLogger("mockserver")

MAX_TOLD = 20
"""Faults of one document that are logged at the start."""


def build(settings: Settings, apis: Sequence[Api] = ()) -> Pipeline:
    """Load the contracts and make the default sandbox.

    Args:
        settings: what to serve, and how.
        apis: APIs that are served beside those that the settings name; when the settings name none, only these.

    Raises UserError.
    """
    if settings.workers > 1 and settings.state == "memory":
        raise UserError(f"--workers {settings.workers} needs a store that they share; add --state redis://HOST")
    if settings.watch and settings.workers > 1:
        raise UserError(f"--watch reloads one process, and --workers is {settings.workers}; leave one of them out")
    if settings.state_file and settings.state != "memory":
        raise UserError("--state-file is for state in memory; a shared store keeps its own")
    by_name: dict[str, Api] = {}
    for api in [*_loaded(settings, () if apis else tuple(BUNDLED)), *apis]:
        tell_faults(api)
        if api.name in by_name:
            raise UserError(f"two APIs are called {api.name!r}; name one of them with NAME=PATH")
        by_name[api.name] = api
    terms = Terms(
        credits=_credits(settings, by_name.values()),
        keys=settings.api_keys,
        limit=settings.rate_limit,
        seed=settings.seed,
        characters_per_credit=settings.characters_per_credit,
        stateless=settings.stateless,
        lenient_accept=settings.lenient_accept,
        max_rows=settings.max_rows,
        journal_size=settings.journal_size,
        journal_bytes=settings.journal_bytes,
    )
    bounds = Bounds(settings.max_sandboxes, settings.sandbox_idle, settings.max_memory)
    chosen = load_scenarios(settings, by_name)
    for scenario in chosen:
        same = [other.name for other in chosen if other.model.api == scenario.model.api]
        if len(same) > 1:
            raise UserError(f"the scenarios {' and '.join(same)} are both for {scenario.model.api}; start with one")
    return Pipeline(
        list(by_name.values()),
        terms=terms,
        bounds=bounds,
        max_body=settings.max_body,
        journal_body=settings.journal_body,
        checks=Checks(verify_wire=settings.verify_wire, oracle=settings.oracle),
        show_secrets=settings.show_secrets,
        scenarios=chosen,
        backend=open_backend(settings.state),
        callback_hosts=settings.callback_hosts,
    )


def _credits(settings: Settings, apis: Iterable[Api]) -> float:
    """The credits that sandboxes start with: what was asked for, else what a profile says."""
    if settings.credits != DEFAULTS.credits:
        return settings.credits
    return next((api.credits for api in apis if api.credits is not None), settings.credits)


def _loaded(settings: Settings, default: Sequence[str]) -> list[Api]:
    """The APIs that the settings name, or else the default ones, with the behaviours that are named."""
    apis = [load(settings, spec) for spec in settings.apis or default]
    known = {api.name: api for api in apis}
    for spec in settings.behaviours:
        name, _, code = spec.rpartition("=")
        known |= _with_behaviours(known, name, code)
    return [known.get(api.name, api) for api in apis]


def _with_behaviours(apis: Mapping[str, Api], name: str, code: str) -> dict[str, Api]:
    """The API that behaviours are for, with them: the one that is named, else the only one with their operations."""
    behaviours = load_behaviours(code, Path())
    if name and name not in apis:
        raise UserError(f"--behaviours {name}={code}: there is no API {name!r}{did_you_mean(name, apis)}")
    fitting = [api for api in apis.values() if behaviours.behaviours.keys() <= api.contract.operations.keys()]
    if not name and len(apis) > 1 and len(fitting) != 1:
        raise UserError(f"--behaviours {code}: say which API they are for, as NAME={code}")
    api = apis[name] if name else fitting[0] if len(fitting) == 1 else next(iter(apis.values()))
    return {api.name: behaviours.over(api)}


def load(settings: Settings, spec: str) -> Api:
    """One API by what the settings call it. Raises UserError."""
    name, equals, _ = named(spec)
    path = path_of(settings, spec)
    return load_api(
        f"{name}={path}" if equals else path,
        strict=settings.strict,
        unknown_ids=settings.unknown_ids,
        allow_remote_refs=settings.allow_remote_refs,
    )


def path_of(settings: Settings, spec: str) -> str:
    """The path or URL of a spec; the spec itself where it is the name of an API or of code. Raises UserError."""
    _, equals, path = named(spec)
    if is_url(path) or (is_code(spec) and not equals):
        return path
    own: Mapping[str, Path] = {}
    if settings.spec_dir and path in PROFILES:
        with contextlib.suppress(OSError):  # told when the folder is looked through
            own = {stem.removesuffix(".mock"): file for stem, file in files_in(settings.spec_dir).items()}
    bundled = (*BUNDLED, *(name for name in PROFILES if name not in own))  # a user's own shop is meant by `shop`
    return _find(path, settings.spec_dir, () if equals else bundled)


def scenario_files(settings: Settings, folders: Sequence[Path] = ()) -> list[str]:
    """The scenarios that the settings name: paths, or the names of bundled ones. Raises UserError.

    `folders` are those of profiles, which are looked in first.
    """
    bundled = scenarios.bundled_scenarios() if settings.scenarios else {}
    found = []
    for scenario in settings.scenarios:
        own = next((files[scenario] for files in map(files_in, map(str, folders)) if scenario in files), None)
        found.append(_find(scenario, settings.scenario_dir, bundled) if own is None else str(own))
    return found


def load_scenarios(settings: Settings, apis: Mapping[str, Api]) -> list[scenarios.Scenario]:
    """The scenarios that the settings name. Raises UserError."""
    folders = [folder for api in apis.values() for folder in api.scenario_folders]
    return [scenarios.load_scenario(file, apis) for file in scenario_files(settings, folders)]


def tell_faults(api: Api) -> None:
    """Log what is wrong with the document of an API, and what was done about it."""
    faults = [fault for fault in api.contract.faults if fault.severity != "note"]
    for fault in faults[:MAX_TOLD]:
        log.warning("%s", fault)
    if len(faults) > MAX_TOLD:
        log.warning("%s: %d more faults; `mockserver check` tells all", api.name, len(faults) - MAX_TOLD)


def _find(name: str, folder: str, bundled: Collection[str]) -> str:
    """What is bundled stays its name; a file becomes its path, which may be its name or stem in the folder."""
    if not folder or name in bundled or name == "-":
        return name
    try:
        for path in (Path(name), Path(folder, name), Path(folder, f"{name}{PROFILE_SUFFIX}")):
            if path.is_file():
                return str(path)
        there = files_in(folder)
    except PermissionError as error:
        raise UserError(f"{error.filename} cannot be read; let everyone read it, and enter its folder") from None
    if name in there:
        return str(there[name])
    names = ", ".join(path.name for path in [*there.values()][:20])
    holds = f"which holds {names}" if there else "which holds no YAML or JSON file"
    hint = did_you_mean(name, [*bundled, *there])
    raise UserError(f"there is no {name!r}: it is not bundled, no file, and not in {folder}, {holds}{hint}")
