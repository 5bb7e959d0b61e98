"""`mockserver check`: what is wrong with OpenAPI documents and scenarios, before anybody serves them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from mockserver.cli import completers
from mockserver.cli.accepted import Accepted, read_accepted
from mockserver.cli.report_files import FORMATS
from mockserver.cli.reports import CHECK, Report
from mockserver.clock import Clock
from mockserver.contract.faults import Fault
from mockserver.errors import UserError
from mockserver.text.findings import Finding, Location

STDIN = "standard input"
_OPENAPI = re.compile(
    r"^\ufeff?\s{0,4}[\"']?(?:openapi|swagger)[\"']?\s*:|^\s*\{\s*\"(?:openapi|swagger)\"", re.MULTILINE
)
"""The member of a document that tells it from a scenario, at the start of a line, or of a JSON text in one line."""
_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<message>.*)", re.DOTALL)
UNCHECKED = frozenset(("reference-remote", "reference-too-many", "strict-gave-up"))
"""Kinds of faults that leave something unchecked."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completers.files)
@click.option("--api", "specs", multiple=True, metavar="NAME=PATH", help="API that a scenario is for. Repeatable.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="Output.")
@click.option(
    "--accepted",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of accepted findings and of levels of rules.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option("--allow-remote-refs", is_flag=True, help="Fetch documents that a $ref names by an http or https URL.")
def check(
    files: tuple[str, ...],
    specs: tuple[str, ...],
    form: str,
    accepted: Path | None,
    strict: bool,
    allow_remote_refs: bool,
) -> None:
    """Check OpenAPI documents, profiles and scenarios.

    Every fault is listed with its place, how bad it is, and what a server does about it. A document may be OpenAPI
    3.0, 3.1, 3.2 or Swagger 2.0, in YAML or JSON, in one file or several; - reads one from standard input.

    \b
    error    something is left out or changed when it is served
    warning  something is not what its author meant
    note     worth knowing

    \b
    Exit code: 0 no errors, 1 errors, 2 a file that cannot be read or is
    neither a document nor a scenario, 3 something could not be checked.

    \b
    mockserver check openapi.yaml
    mockserver check openapi.yaml scenarios/*.yaml --api shop=openapi.yaml
    mockserver check --format github openapi.yaml
    """
    terms = read_accepted(accepted, CHECK.levels) if accepted is not None else Accepted()
    checker = _Checker(specs, allow_remote_refs)
    faults: dict[str, list[Fault]] = {}
    with _progress(files) as shown:
        for file in shown:
            faults[STDIN if file == "-" else file] = checker.faults(file)
    today = datetime.fromtimestamp(Clock().now(), UTC).date()
    by_file = {file: terms.apply(map(_finding, found), today) for file, found in faults.items()}
    unchecked = {file: reasons for file, found in faults.items() if (reasons := _unchecked(found))}
    notes = terms.notes([finding for findings in by_file.values() for finding in findings], today)
    report = Report(CHECK, ", ".join(by_file), by_file, unchecked, notes, tells_fingerprints=accepted is not None)
    click.echo(FORMATS[form](report))
    sys.exit(_exit_code(report, strict))


@contextmanager
def _progress(files: tuple[str, ...]) -> Iterator[Iterator[str]]:
    """The files, with a bar on a terminal where there are several."""
    if len(files) == 1 or not sys.stderr.isatty():
        yield iter(files)
        return
    with click.progressbar(files, label="checking", file=sys.stderr, item_show_func=lambda file: file or "") as bar:
        yield iter(bar)


def _unchecked(faults: list[Fault]) -> list[str]:
    return [fault.reason for fault in faults if fault.rule_id in UNCHECKED]


def _finding(fault: Fault) -> Finding:
    place = Location(fault.file, fault.line, fault.column, fault.pointer)
    return Finding(fault.rule_id, fault.severity, "document", (), fault.message, None, place, fault.consequence)


def _exit_code(report: Report, strict: bool) -> int:
    if any(finding.rule == "unusable" for finding in report.findings):
        return 2
    if report.unchecked:
        return 3
    return 1 if report.counts["error"] or (strict and report.counts["warning"]) else 0


class _Checker:
    """Checks one file after another. The APIs that scenarios are for are loaded when the first one needs them."""

    def __init__(self, specs: tuple[str, ...], allow_remote_refs: bool) -> None:
        self._specs = specs
        self._allow_remote_refs = allow_remote_refs
        self._apis: dict[str, object] | None = None

    def faults(self, file: str) -> list[Fault]:
        """What is wrong with a file."""
        from mockserver.apis.loader import is_profile
        from mockserver.contract.check import MAX_BYTES, check_document, check_text
        from mockserver.text.documents import read_text

        name = STDIN if file == "-" else file
        try:
            if file == "-":
                text = _standard_input(MAX_BYTES)
                return check_text(text, Path(STDIN), allow_remote_refs=self._allow_remote_refs)
            text = read_text(Path(file), MAX_BYTES)
        except UserError as error:
            return [_fatal(name, str(error))]
        if is_profile(Path(file)):
            return self._profile(file)
        if _OPENAPI.search(text):
            return check_document(Path(file), allow_remote_refs=self._allow_remote_refs)
        return self._scenario(file)

    def _profile(self, file: str) -> list[Fault]:
        from mockserver.apis.profiles.load import ProfileError, load_profile

        try:
            load_profile(Path(file), allow_remote_refs=self._allow_remote_refs)
        except ProfileError as error:
            places = [_PLACED.fullmatch(line) for line in str(error).splitlines()]
            text = "the profile cannot be used"
            return [
                Fault("error", file, int(placed["line"]), int(placed["column"]), "", placed["message"], text, "profile")
                for placed in places
                if placed is not None
            ]
        except UserError as error:
            return [_fatal(file, str(error))]
        return []

    def _scenario(self, file: str) -> list[Fault]:
        from mockserver.apis import BUNDLED, load_api
        from mockserver.scenarios import load_scenario
        from mockserver.scenarios.library import ScenarioError

        if self._apis is None:
            self._apis = {api.name: api for api in map(load_api, [*BUNDLED, *self._specs])}
        try:
            load_scenario(file, self._apis)  # type: ignore[arg-type]
        except ScenarioError as error:
            faults = [
                Fault("error", p.file, p.line, p.column, "", p.message, "the scenario cannot be used", "scenario")
                for p in error.problems
            ]
            if error.unlisted:
                text = f"{error.unlisted} more problems are not listed"
                faults.append(Fault("error", file, 0, 0, "", text, "", "scenario"))
            return faults
        except UserError as error:
            return [_fatal(file, str(error))]
        return []


def _standard_input(most: int) -> str:
    raw = sys.stdin.buffer.read(most + 1)
    if len(raw) > most:
        raise UserError(f"is larger than {most:,} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"is not UTF-8 at byte {error.start:,}") from None


def _fatal(file: str, message: str) -> Fault:
    """The fault of a file that cannot be used at all."""
    placed = _PLACED.fullmatch(message)
    if placed is None:
        return Fault("error", file, 0, 0, "", message.removeprefix(f"{file}: "), "", "unusable")
    line, column = int(placed["line"]), int(placed["column"])
    return Fault("error", placed["file"], line, column, "", placed["message"], "", "unusable")


__all__ = ["check"]
