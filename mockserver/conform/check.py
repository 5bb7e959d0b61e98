"""The whole of it: a contract and a server go in, findings come out, and an overlay where one is asked for.

Must not know: the command line, or how findings are printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.apis import BUNDLED, Api, load_api
from mockserver.apis.loader import is_profile, named
from mockserver.conform.cases import READ_ONLY, Case, contract_cases
from mockserver.conform.causes import findings_of
from mockserver.conform.mends import known_actions, mend, overlay_text
from mockserver.conform.outcomes import Outcomes, Seen
from mockserver.conform.pace import Pace
from mockserver.conform.real import Real
from mockserver.conform.run import Run
from mockserver.conform.secrets import Secrets
from mockserver.contract.load import MAX_BYTES, compiled
from mockserver.contract.load import Terms as Reading
from mockserver.data import bundled_file
from mockserver.errors import UserError
from mockserver.messages import Limit
from mockserver.text.documents import read_text
from mockserver.text.findings import Finding
from mockserver.upstream.connection import Patience
from mockserver.upstream.target import Target

Tell = Callable[[int, int], None]
"""Is told how many of how many cases are done."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is compared with what, and how."""

    target: Target
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 30.0
    """For one response."""
    limit: Limit | None = None
    most_wait: float = 60.0
    """The longest wait that the server may ask for."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Values of variables and parameters."""
    probes: bool = True
    """Whether requests are sent that must be rejected."""
    mend: bool = False
    """Whether an overlay is wanted."""
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for seconds."""


@dataclass(frozen=True, slots=True)
class Conformity:
    """What came of it."""

    findings: list[Finding]
    unchecked: list[str]
    """Why something could not be checked."""
    notes: list[str]
    overlay: str = ""
    """The text of an overlay; "" where none is wanted, or nothing is to be mended."""
    actions: int = 0
    left: int = 0
    """Findings that the overlay leaves."""


def load(spec: str, over: Sequence[Path] = ()) -> Api:
    """The API that is meant, with overlays applied. Raises UserError."""
    if not over:
        return load_api(spec)
    name, equals, path = named(spec)
    if spec in BUNDLED:
        own = bundled_file("spec", f"{spec}.overlay.yaml")
        file = bundled_file("spec", f"{spec}.yaml")
        overlays = [own, *over] if own.is_file() else list(over)
        return BUNDLED[spec](compiled(read_text(file, MAX_BYTES), file, overlays, spec, Reading(trusted=True)))
    file = Path(path)
    if not file.is_file() or is_profile(file):
        raise UserError(f"--overlay goes with an OpenAPI file; {spec!r} is none: a profile names overlays itself")
    contract = compiled(read_text(file, MAX_BYTES), file, over, name if equals else None, Reading())
    return Api(contract.name, contract, unknown_ids="imagine")


def check(api: Api, terms: Terms, tell: Tell = lambda done, total: None) -> Conformity:
    """Send the cases to the server, and judge what comes back. Raises UserError."""
    return asyncio.run(_check(api, terms, tell))


async def _check(api: Api, terms: Terms, tell: Tell) -> Conformity:
    contract = api.contract
    secrets = Secrets(contract, terms.key, terms.headers)
    patience = Patience(min(10.0, terms.seconds), terms.seconds)
    real = Real(terms.target, patience, terms.seconds, secrets, contract.base_path)
    cases = list(contract_cases(contract, terms.probes))
    if not secrets.has_key:
        cases = [case for case in cases if case.kind != "no-key"]  # every request is one
    done = 0

    def told(case: Case) -> None:
        nonlocal done
        done += 1
        tell(done, len(cases))

    run = Run(
        api, real, Pace(terms.limit), given=dict(terms.values), most_wait=terms.most_wait, wait=terms.wait, done=told
    )
    try:
        await run.cases(cases)
        await run.pages()
    finally:
        real.close()
        await asyncio.sleep(0)  # lets the loop close the connections
    return _judged(api, terms, run.result.seen, _unchecked(api, run.result.unchecked), secrets)


def _judged(api: Api, terms: Terms, seen: list[Seen], unchecked: list[str], secrets: Secrets) -> Conformity:
    contract = api.contract
    findings = findings_of(contract, Outcomes(contract).all(seen), len(seen), secrets.shown)
    notes = _notes(api, seen)
    if not terms.mend or not findings:
        return Conformity(findings, unchecked, notes)
    made = mend(contract, seen)
    left = findings_of(made.contract, Outcomes(made.contract).all(seen), len(seen), secrets.shown)
    actions = [*made.actions, *known_actions([finding for finding in left if not finding.accepted])]
    text = overlay_text(api.name, terms.target.url, actions) if actions else ""
    return Conformity(findings, unchecked, notes, text, len(actions))


def _unchecked(api: Api, reasons: list[str]) -> list[str]:
    """Reasons, each once; and that there was nothing to check, where that is so."""
    if not any(operation.method in READ_ONLY for operation in api.contract.operations.values()):
        return [*reasons, f"{api.name} has no operation that only reads, so nothing was sent"]
    return list(dict.fromkeys(reasons))


def _notes(api: Api, seen: list[Seen]) -> list[str]:
    writes = [one for one in api.contract.operations.values() if one.method not in READ_ONLY]
    checked = {one.case.operation for one in seen}
    total = len(api.contract.operations)
    notes = [f"{len(seen):,} responses of {len(checked):,} of {total:,} operations were judged"]
    if writes:
        notes.append(f"{len(writes):,} operations write and were not sent")
    return notes


__all__ = ["Conformity", "Terms", "check", "load"]
