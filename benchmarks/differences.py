"""What `mockserver diff` takes for large documents: each against itself, and against itself with random edits.

    python -m benchmarks.differences FILE... [--edits 40] [--seed 1] [--json FILE]

Each comparison is a process of its own, so that its memory is its own. The edits are of schemas: bounds, members that
are removed, added or required, values of enumerations, types. The seed makes them the same on every machine.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from mockserver.contract.diff.operations import differences
from mockserver.contract.load import contract_of
from mockserver.text.documents import parse, read_text
from mockserver.text.matchers import MISSING

MOST = 1 << 30


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """The object schemas in a document, in its order."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node["properties"]:
            yield node
        for value in node.values():
            yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


def edit(schema: dict[str, Any], chance: random.Random) -> None:
    """Change one schema in one way."""
    properties = schema["properties"]
    name = chance.choice(sorted(properties))
    member = properties[name]
    match chance.randrange(5):
        case 0:
            properties.pop(name)
            schema["required"] = [other for other in schema.get("required") or [] if other != name]
        case 1:
            properties[f"{name}_more"] = {"type": "string", "maxLength": 9}
        case 2:
            schema["required"] = sorted({*(schema.get("required") or []), name})
        case 3 if isinstance(member, dict) and isinstance(member.get("enum"), list) and len(member["enum"]) > 1:
            member["enum"] = member["enum"][:-1]
        case _:
            properties[name] = {"type": "string", "minLength": 2}


def compare(file: str, edits: int, seed: int) -> dict[str, Any]:
    """Load and compare, in this process."""
    document = parse(read_text(Path(file), MOST), file)
    changed, chance = copy.deepcopy(document), random.Random(seed)
    targets = list(schemas(changed.get("components") or changed.get("definitions") or changed))
    for target in chance.choices(targets, k=edits) if targets else ():
        if target["properties"]:
            edit(target, chance)
    began = process_time()
    old, new = contract_of(document, "old"), contract_of(changed, "new")
    loaded = process_time()
    found = differences(old, new)
    ended = process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    levels = Counter(finding.level for finding in found)
    shown = sum(finding.level == "breaking" and finding.witness is not MISSING for finding in found)
    return {
        "file": Path(file).name,
        "operations": len(old.operations),
        "edits": edits,
        "load_s": loaded - began,
        "diff_s": ended - loaded,
        "mib": peak // 1024,
        "shown": shown,
        **{level: levels[level] for level in ("breaking", "risky", "safe")},
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--edits", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", default="")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(compare(options.files[0], options.edits, options.seed)))
        return
    rows = []
    head = ("file", "operations", "edits", "load s", "diff s", "MiB", "breaking", "risky", "safe")
    print("{:<24}{:>12}{:>7}{:>9}{:>9}{:>7}{:>10}{:>7}{:>6}".format(*head))
    for file in options.files:
        for edits in (0, options.edits):
            command = [sys.executable, "-m", "benchmarks.differences", file, "--one", "--edits", str(edits)]
            output = subprocess.run([*command, "--seed", str(options.seed)], check=True, capture_output=True).stdout
            row = json.loads(output)
            rows.append(row)
            figures = [row[name] for name in ("operations", "edits", "load_s", "diff_s", "mib")]
            levels = [row[name] for name in ("breaking", "risky", "safe")]
            print("{:<24}{:>12,}{:>7}{:>9.1f}{:>9.1f}{:>7,}".format(row["file"][:23], *figures), end="")
            print("{:>10}{:>7}{:>6}".format(*levels))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
