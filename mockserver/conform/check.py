"""The whole of it: a contract and a server go in, findings come out, and an overlay where one is asked for.

Must not know: the command line, or how findings are printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from mockserver.apis import BUNDLED, Api, load_api
from mockserver.apis.loader import is_profile, named
from mockserver.conform.cases import READ_ONLY, Case, contract_cases
from mockserver.conform.causes import Judged, findings_of
from mockserver.conform.known import Known
from mockserver.conform.mends import known_actions, mend, overlay_text
from mockserver.conform.outcomes import Outcomes
from mockserver.conform.pace import Pace
from mockserver.conform.real import Real
from mockserver.conform.recorded import Recordings, compared, header_place, left_out_notes
from mockserver.conform.resume import Resumed
from mockserver.conform.rules import RULES
from mockserver.conform.run import Run, Seeing, Server
from mockserver.conform.sampling import sampled
from mockserver.conform.secrets import Secrets
from mockserver.conform.twin import Twin
from mockserver.conform.varying import Ignored, differing
from mockserver.contract import Contract
from mockserver.contract.load import MAX_BYTES, compiled
from mockserver.contract.load import Terms as Reading
from mockserver.data import bundled_file
from mockserver.errors import UserError, did_you_mean
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
    exchanges: Sequence[Path] = ()
    """Exchange files, or folders of them, to send instead of the contract's own cases."""
    journals: Sequence[Path] = ()
    """The same of journals."""
    ignored: Sequence[str] = ()
    """Places of bodies that are not compared, as pointers."""
    compared: Sequence[str] = ()
    """Places that are compared although they differ from answer to answer."""
    allow_writes: bool = False
    """Whether rows are made on the server, and removed again."""
    skipped: frozenset[str] = frozenset()
    """operationIds that nothing is sent to."""
    twin: bool = True
    """Whether the twin is compared too."""
    sample: int = 0
    """Most cases that are sent; 0 for all."""
    seed: int = 0
    resume: Path | None = None
    """The file that a run that was stopped goes on from."""
    subject: str = ""
    """What tells one run from another in that file."""
    warn: Callable[[str], None] = lambda text: None
    """Is told at once of what is left on the server."""
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


def operations(api: Api, names: Sequence[str]) -> frozenset[str]:
    """The operationIds that names mean: operationIds, `METHOD /path`, or patterns of these. Raises UserError."""
    known = {one.id: (one.id, f"{one.method} {one.path}") for one in api.contract.operations.values()}
    found: set[str] = set()
    for name in names:
        meant = {id for id, spellings in known.items() if any(fnmatchcase(text, name) for text in spellings)}
        if not meant:
            texts = [text for spellings in known.values() for text in spellings]
            raise UserError(f"--skip {name}: no operation is called that{did_you_mean(name, texts)}")
        found |= meant
    return frozenset(found)


async def _check(api: Api, terms: Terms, tell: Tell) -> Conformity:
    contract = api.contract
    secrets = Secrets(contract, terms.key, terms.headers)
    patience = Patience(min(10.0, terms.seconds), terms.seconds)
    real = Real(terms.target, patience, terms.seconds, secrets, contract.base_path)
    resumed = Resumed(real, terms.resume, f"{terms.subject} {terms.target.url}") if terms.resume is not None else None
    server: Server = resumed if resumed is not None else real
    done = total = 0

    def told(case: Case) -> None:
        nonlocal done
        done += 1
        tell(done, total)

    pace, given = Pace(terms.limit), dict(terms.values)
    run = Run(api, server, pace, given=given, most_wait=terms.most_wait, wait=terms.wait, done=told)
    recordings = Recordings(api, terms.allow_writes)
    cases = _cases(api, terms, recordings, run, has_key=secrets.has_key)
    total = len(cases)
    ignored = Ignored(terms.ignored, terms.compared)
    try:
        try:
            await run.cases(cases)
            if terms.allow_writes and not terms.exchanges and not terms.journals:
                await run.try_writes(terms.skipped)
            await _compare(run, ignored, contract)
            run.end()
        finally:
            # Also when the run was stopped: what was made on the server does not stay there.
            for left in await run.writes.clean_up():
                run.result.unchecked.append(left)
                terms.warn(left)
    finally:
        real.close()
        await asyncio.sleep(0)  # lets the loop close the connections
    if resumed is not None:
        resumed.done()
    judged = _judged(api, terms, run, ignored, secrets)
    return replace(judged, notes=[*_notes(api, terms, run, ignored, cases), *left_out_notes(recordings.left_out)])


def _cases(api: Api, terms: Terms, recordings: Recordings, run: Run, *, has_key: bool) -> list[Case]:
    """What is sent: what was recorded, where that is given, else the contract's own cases."""
    if terms.exchanges or terms.journals:
        cases = [*recordings.of_files(terms.exchanges), *recordings.of_journals(terms.journals)]
    else:
        cases = list(contract_cases(api.contract, terms.probes))
    if not has_key:
        cases = [case for case in cases if case.kind != "no-key"]  # every request is one
    cases = [case for case in cases if case.operation not in terms.skipped]
    return sampled(cases, terms.sample, terms.seed, api.contract, run.known) if terms.sample else cases


async def _compare(run: Run, ignored: Ignored, contract: Contract) -> None:
    """Compare answers with the recorded ones. Where they differ, the request is sent again: what differs from answer to
    answer does not count."""
    for seen in [one for one in run.result.seen if one.case.expected is not None]:
        operation = contract.operations[seen.case.operation]
        found = compared(seen, operation.pointer, ignored)
        if any(one.rule != "recorded-status" for one in found) and operation.method in READ_ONLY:
            again = await run.again(seen)
            if again is not None:
                ignored.learn(operation.id, differing(seen.body, again.body))
                names = {**seen.response.headers, **again.response.headers}
                changed = [n for n in names if seen.response.headers.get(n) != again.response.headers.get(n)]
                ignored.learn(operation.id, map(header_place, changed))
                found = compared(seen, operation.pointer, ignored)
        if found:
            run.have(replace(seen, also=(*seen.also, *found)))


def _judged(api: Api, terms: Terms, run: Run, ignored: Ignored, secrets: Secrets) -> Conformity:
    contract, seen = api.contract, run.result.seen
    judged = [*Outcomes(contract).all(seen)]
    twins = list(Twin(api, run.known, ignored).differences(seen)) if terms.twin else []
    findings = findings_of(contract, [*judged, *_beyond(twins, judged)], len(seen), secrets.shown)
    unchecked = _unchecked(api, run.result)
    if not terms.mend or not findings:
        return Conformity(findings, unchecked, [])
    made = mend(contract, seen)
    mended = _with(api, made.contract)
    there = [one for one in seen if one.case.operation in made.contract.operations]
    twins = list(Twin(mended, Known(mended, terms.values), ignored).differences(there)) if terms.twin else []
    judged = [*Outcomes(made.contract).all(seen)]
    others = findings_of(made.contract, [*judged, *_beyond(twins, judged)], len(seen), secrets.shown)
    actions = [*made.actions, *known_actions([finding for finding in others if not finding.accepted])]
    text = overlay_text(api.name, terms.target.url, actions) if actions else ""
    return Conformity(findings, unchecked, [], text, len(actions))


def _with(api: Api, contract: Contract) -> Api:
    """The API with another contract; one without behaviours where they are for operations that went away."""
    try:
        return replace(api, contract=contract)
    except UserError:
        return Api(api.name, contract, unknown_ids="imagine")


def _beyond(twins: list[Judged], judged: list[Judged]) -> list[Judged]:
    """Differences from the twin that the document does not explain."""
    wrong = {id(seen) for seen, difference in judged if RULES[difference.rule].level != "note"}
    return [(seen, difference) for seen, difference in twins if id(seen) not in wrong]


def _unchecked(api: Api, result: Seeing) -> list[str]:
    """Reasons, each once; and that there was nothing to check, where that is so."""
    if not result.seen and not result.unchecked:
        return [f"{api.name}: there was nothing to send"]
    return list(dict.fromkeys(result.unchecked))


def _notes(api: Api, terms: Terms, run: Run, ignored: Ignored, cases: list[Case]) -> list[str]:
    writes = [one for one in api.contract.operations.values() if one.method not in READ_ONLY]
    seen = run.result.seen
    checked = {one.case.operation for one in seen}
    total = len(api.contract.operations)
    notes = [f"{len(seen):,} responses of {len(checked):,} of {total:,} operations were judged"]
    if terms.sample:
        notes.append(f"a sample of {len(cases):,} cases, by the seed {terms.seed}")
    if writes and not terms.allow_writes:
        notes.append(f"{len(writes):,} operations write and were not sent; --allow-writes tries them")
    if terms.skipped:
        notes.append(f"{len(terms.skipped):,} operations were skipped")
    if ignored.learned:
        notes.append(f"{ignored.learned:,} places differ from answer to answer and were not compared")
    return notes


__all__ = ["Conformity", "Terms", "check", "load", "operations"]
