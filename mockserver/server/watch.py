"""Reload documents and scenarios whose files have changed, while the server goes on: `mockserver serve --watch`.

Files are looked at by their time and size, which also works where a container's mount tells of no events, and read
once they stand still: what they say decides. An API and its scenarios change together or not at all; what is broken is
reported, and what was served before goes on being served.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from mockserver.apis import BUNDLED, Api
from mockserver.apis.api import tell_tables_apart
from mockserver.apis.loader import is_code, named
from mockserver.contract import Contract
from mockserver.errors import UserError
from mockserver.pipeline.build import load, path_of, tell_faults
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import Origin, Scenario, load_scenario, restored
from mockserver.server.changes import block, drop_rows, operations_changed, scenario_changed
from mockserver.settings import Settings
from mockserver.text.documents import files_in

log = logging.getLogger("mockserver")

EVERY = 0.5
"""Seconds between two looks at the files."""
PATIENCE = 6
"""Looks for which a file may be gone before that is taken for a change: editors and git move files away."""

Stamps = dict[str, tuple[int, int] | None]
"""The time of change and the size of each file; None for one that is not there."""
Apply = Callable[[Callable[[], None]], None]
"""Has a function run where requests are answered, so that none of them sees half of a change."""


class Watcher:
    """Watches what the settings name.

    Args:
        settings: what is served.
        pipeline: what serves it, built from these settings.
        apply: runs a change where requests are answered.
    """

    def __init__(self, settings: Settings, pipeline: Pipeline, apply: Apply) -> None:
        specs = dict(zip(pipeline.apis, settings.apis, strict=False))
        self._watched = [_Watched(settings, pipeline, apply, name, specs.get(name, "")) for name in pipeline.apis]

    @property
    def files(self) -> list[str]:
        """Every file that is looked at."""
        return list(dict.fromkeys(file for watched in self._watched for file in watched.files()))

    def look(self) -> None:
        """Reload what has changed and stands still."""
        for watched in self._watched:
            watched.look()


class _Watched:
    """One API with its scenarios, and what is known of their files."""

    def __init__(self, settings: Settings, pipeline: Pipeline, apply: Apply, name: str, spec: str) -> None:
        self._settings, self._pipeline, self._apply, self._name, self._spec = settings, pipeline, apply, name, spec
        self._path = _file_of(settings, spec)
        """The document or the profile; "" for an API that is no file."""
        self._read: dict[str, str] = {}
        """What the files said when they were read, or when that was tried: see `_digest`."""
        self._last: Stamps = {}
        """At the last look."""
        self._settled: Stamps = {}
        """When the files were last compared with what was read."""
        self._gone = 0
        """Looks since a file is gone."""
        self._waiting: set[str] = set()
        """Files that have changed and could not be taken."""
        self._refused: list[str] = []
        """The files of a document that was not taken, which may become right when one of them changes."""
        self._note(_digest(self._path) if self._path else "")

    def _note(self, own: str) -> None:
        """Note what was read, and what the document's or profile's own file says."""
        if self._path:
            self._read[self._path] = own
            self._read |= {file: _digest_of(text.encode()) for file, text in self._contract.texts.items()}
            for file in map(str, self._pipeline.apis[self._name].files):
                self._read.setdefault(file, _digest(file))
        for scenario in self._scenarios():
            texts = zip(scenario.files, scenario.origin.texts, strict=False)
            self._read |= {file: _digest_of(text.encode()) for file, text in texts}

    @property
    def _contract(self) -> Contract:
        return self._pipeline.apis[self._name].contract

    def _scenarios(self) -> list[Scenario]:
        """Those that the server was started with."""
        return [scenario for scenario in self._pipeline.sandboxes.scenarios if scenario.model.api == self._name]

    def files(self) -> list[str]:
        """The files that are looked at."""
        files = [*self._document_files(), *(file for scenario in self._scenarios() for file in scenario.files)]
        with contextlib.suppress(OSError):  # a folder that cannot be read is told when a scenario in it is asked for
            files += map(str, files_in(self._settings.scenario_dir).values())
        return list(dict.fromkeys(files))

    def _document_files(self) -> list[str]:
        if not self._path:
            return []
        code = map(str, self._pipeline.apis[self._name].files)
        return list(dict.fromkeys([self._path, *_local(self._contract), *code, *self._refused]))

    def look(self) -> None:
        """Reload what has changed, once all files stand still."""
        stamps = {file: _stamp_of(file) for file in self.files()}
        if stamps != self._last:
            self._last, self._gone = stamps, 0
            return
        if stamps == self._settled:
            return
        if any(stamp is None and self._read.get(file) for file, stamp in stamps.items()) and self._gone < PATIENCE:
            self._gone += 1
            return
        said = {file: _digest(file) for file in stamps}
        changed = {file for file, digest in said.items() if digest != self._read.get(file, "")}
        if self._waiting:  # a save is a wish to try again, whatever it changed
            changed |= {file for file, stamp in stamps.items() if stamp != self._settled.get(file)}
        self._settled, self._read = stamps, {**self._read, **said}
        if not changed:
            return
        try:
            self._reload(changed | self._waiting)
        except UserError as error:
            self._waiting |= changed
            log.error("%s is not reloaded, and what was read before is served: %s", self._name, error)
        else:
            self._waiting, self._refused = set(), []
            self._note(said.get(self._path, ""))

    def _reload(self, changed: set[str]) -> None:
        """Read what has changed, and serve it. Raises UserError when any of it cannot be used."""
        pipeline, name = self._pipeline, self._name
        was = api = pipeline.apis[name]
        if changed & set(self._document_files()):
            api = self._loaded(was)
        renewal = _Renewal(name, {**pipeline.apis, name: api}, changed, api is not was)
        self._renewed(renewal)  # here, so that the event loop need not wait for the files
        changes = operations_changed(was.contract, api.contract) if api is not was else []
        dropped: list[str] = []

        def swap() -> None:
            renewed = self._renewed(renewal)
            if api is not was:
                pipeline.replace(api)
            pipeline.sandboxes.scenarios = [
                renewal.of(scenario) if scenario.model.api == name else scenario
                for scenario in pipeline.sandboxes.scenarios
            ]
            for sandbox in pipeline.sandboxes.all():
                if sandbox.name in renewed:
                    sandbox.revise(renewed[sandbox.name])
                if api is not was:
                    place = "" if sandbox is pipeline.sandbox else f"in sandbox {sandbox.name}: "
                    dropped.extend(place + line for line in drop_rows(sandbox.store, was, api))

        self._apply(swap)
        if api is not was:
            tell_faults(api)
            log.info("%s", block(f"{name} is reloaded", changes, dropped))
        for before, after in renewal.read.values():
            if before.origin != after.origin:
                log.info("%s", block(f"{before.origin.source} is reloaded", scenario_changed(before, after), []))

    def _loaded(self, was: Api) -> Api:
        """The API as its files have it now. Raises UserError, also for a file that `was` could read."""
        pipeline, self._refused = self._pipeline, []
        api = load(self._settings, self._spec)
        self._refused = [file for file in _local(api.contract) if file not in _local(was.contract)]
        if api.name != self._name:
            raise UserError(f"it is called {api.name!r} now; restart to serve it under that name")
        lost = {text for file, text in api.contract.unread.items() if file not in was.contract.unread}
        if lost:
            reasons = [fault.reason for fault in api.contract.faults if fault.message in lost]
            raise UserError("\n".join(reasons or sorted(lost)))
        tell_tables_apart([*(other for name, other in pipeline.apis.items() if name != self._name), api])
        return api

    def _renewed(self, renewal: _Renewal) -> dict[str, Scenario]:
        """The scenarios that become different, by sandbox. Raises UserError."""
        for scenario in self._scenarios():
            renewal.of(scenario)
        renewed = {}
        for sandbox in self._pipeline.sandboxes.all():
            before = sandbox.scenarios.get(self._name)
            if before is None:
                continue
            try:
                after = renewal.of(before)
            except UserError as error:
                if sandbox is self._pipeline.sandbox:
                    raise
                raise UserError(f"the scenario of sandbox {sandbox.name}: {error}") from None
            if after is not before:
                renewed[sandbox.name] = after
        return renewed


class _Renewal:
    """Scenarios in force, made anew for a reload.

    Args:
        name: the API that they are for.
        apis: the APIs as they will be.
        changed: the files that have changed.
        is_new: whether the API itself has changed.
    """

    def __init__(self, name: str, apis: dict[str, Api], changed: set[str], is_new: bool) -> None:
        self._name, self._apis, self._changed, self._is_new = name, apis, changed, is_new
        self.read: dict[Origin, tuple[Scenario, Scenario]] = {}
        """What each was and is, by what it was read from: several sandboxes may have the same one."""

    def of(self, was: Scenario) -> Scenario:
        """What takes the place of a scenario; itself when nothing changes. Raises UserError."""
        known = self.read.get(was.origin)
        if known is None:
            known = self.read[was.origin] = (was, self._made(was))
        return known[1]

    def _made(self, was: Scenario) -> Scenario:
        source = was.origin.source
        if self._changed.intersection(was.files or (source,)):
            scenario = load_scenario(source, self._apis)
            if scenario.model.api != self._name:
                raise UserError(f"{source}: is for {scenario.model.api} now, and was for {self._name}; restart")
            return scenario
        return replace(restored(was.origin, self._apis), files=was.files) if self._is_new else was


def _file_of(settings: Settings, spec: str) -> str:
    _, equals, path = named(spec)
    if not spec or path == "-" or (not equals and (spec in BUNDLED or is_code(spec))):
        return ""
    path = path_of(settings, spec)
    return path if Path(path).is_file() else ""


def _local(contract: Contract) -> list[str]:
    """The files of a contract that are on this machine, or would be."""
    return [file for file in (*contract.texts, *contract.unread) if "://" not in file]


def _stamp_of(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _digest(file: str) -> str:
    """What stands for what a file says; "" when it cannot be read."""
    try:
        return _digest_of(Path(file).read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError:
        return ""


def _digest_of(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


__all__ = ["EVERY", "Watcher"]
