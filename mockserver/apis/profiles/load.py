"""From a profile to an Api: every mistake of shape and every contradiction to the document, each with its place."""

from __future__ import annotations

from pathlib import Path

from mockserver.apis.api import Api, Extras
from mockserver.apis.code import load_behaviours
from mockserver.apis.profiles.model import ProfileModel
from mockserver.apis.profiles.operations import Names
from mockserver.apis.profiles.resources import ResourceReader
from mockserver.apis.profiles.terms import TermsReader
from mockserver.apis.resources.model import Unknown
from mockserver.contract import Contract
from mockserver.contract.load import Terms, compiled
from mockserver.errors import UserError, did_you_mean
from mockserver.text.documents import Locator, parse, read_text
from mockserver.text.shape import Draft, Place

MAX_PROFILE = 1024 * 1024
"""Bytes of a profile that are read."""
SUFFIX = ".mock.yaml"
"""How the name of a profile ends."""


class ProfileError(UserError):
    """A profile that cannot be used: one line for each problem, with file, line and column."""


def load_profile(
    path: Path,
    *,
    name: str = "",
    strict: bool = False,
    unknown_ids: Unknown = "imagine",
    allow_remote_refs: bool = False,
) -> Api:
    """The API of a profile.

    Args:
        path: the profile.
        name: what to call the API; what the profile says when not given, else the file's name.
        strict: validate the document with openapi-spec-validator too.
        unknown_ids: what a read of an id that nobody created gets, where the profile does not say.
        allow_remote_refs: fetch documents by their URLs.

    Raises:
        ProfileError: the profile contradicts itself or the document; nothing is served then.
        UserError: a file cannot be read, or the document cannot be used.
    """
    return _Loader(path, name, Terms(strict, allow_remote_refs=allow_remote_refs), unknown_ids).load()


class _Loader:
    """Loads one profile."""

    def __init__(self, path: Path, name: str, terms: Terms, unknown_ids: Unknown) -> None:
        self._path, self._name, self._terms, self._unknown_ids = path, name, terms, unknown_ids
        self._problems: list[tuple[int, int, str]] = []

    def load(self) -> Api:
        text = read_text(self._path, MAX_PROFILE)
        data = parse(text, str(self._path))
        if not isinstance(data, dict):
            raise ProfileError(f"{self._path}:1:1: a profile is a mapping with `version: 1`, `contract`, ...")
        self._locator = Locator(text)
        draft = Draft(ProfileModel, data, self._problem)
        model = draft.model
        if model is None or "contract" not in data:
            raise self._error()
        self._draft = draft
        contract = self._contract(model)
        self._api(contract, model)
        if self._problems:
            raise self._error()
        return self._api(contract, model)

    # -- problems -----------------------------------------------------------------------------------

    def _problem(self, place: Place, message: str) -> None:
        line, column = self._locator.at(place)
        if (line, column, message) not in self._problems:
            self._problems.append((line, column, message))

    def _error(self) -> ProfileError:
        lines = [f"{self._path}:{line}:{column}: {message}" for line, column, message in sorted(self._problems)]
        return ProfileError("\n".join(lines))

    # -- the parts ----------------------------------------------------------------------------------

    def _contract(self, model: ProfileModel) -> Contract:
        folder = self._path.parent
        document = folder / model.contract
        if not document.is_file():
            beside = [file.name for file in folder.glob("*") if file.suffix in (".yaml", ".yml", ".json")]
            self._problem(("contract",), f"there is no file {model.contract!r}{did_you_mean(model.contract, beside)}")
            raise self._error()
        overlays = [folder / overlay for overlay in model.overlays]
        for index, overlay in enumerate(overlays):
            if not overlay.is_file():
                place: Place = ("overlays", index) if isinstance(model.overlays, list) else ("overlays",)
                self._problem(place, f"there is no file {model.overlays[index]!r}")
                raise self._error()
        name = self._name or model.name or self._path.name.partition(".")[0]
        text = read_text(document, 64 * 1024 * 1024)
        return compiled(text, document, overlays, name, self._terms)

    def _api(self, contract: Contract, model: ProfileModel) -> Api:
        names = Names(contract, self._problem)
        extras = TermsReader(contract, model, names, self._problem).read()
        extras["found_resources"] = ResourceReader(names, self._problem, self._unknown_ids).read(contract, model)
        extras["unknown_ids"] = self._unknown_ids
        extras["files"] = (self._path,)
        self._scenarios(model, extras)
        if self._problems:
            raise self._error()
        api = Api(contract.name, contract, **extras)
        return api if model.behaviours is None else self._with_code(api, model.behaviours, extras)

    def _scenarios(self, model: ProfileModel, extras: Extras) -> None:
        if model.scenarios is None:
            return
        folder = self._path.parent / model.scenarios
        if not folder.is_dir():
            self._problem(("scenarios",), f"there is no folder {model.scenarios!r}")
        extras["scenario_folders"] = (folder,)

    def _with_code(self, api: Api, spec: str, extras: Extras) -> Api:
        """The API with the behaviours that Python code gives it."""
        try:
            behaviours = load_behaviours(spec, self._path.parent)
            return behaviours.over(api, extras)
        except UserError as error:
            self._problem(("behaviours",), str(error))
            raise self._error() from None


__all__ = ["SUFFIX", "ProfileError", "load_profile"]
