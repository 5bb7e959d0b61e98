"""Asks for known vulnerabilities of what the lock files pin, and says what it could not find out.

    python .ci/audit.py requirements.lock...

Exits with 1 when a pinned version has a known vulnerability, and with 3 when there was nobody to ask, so that
an audit that did not take place is never taken for one that found nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys


def audit(file: str) -> int:
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-f", "json", "-r", file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        print(f"{file}: NOT audited: {said[-1]}")
        return 3
    unknown = [package["skip_reason"] for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        for flaw in package["vulns"]:
            fixed = ", ".join(flaw["fix_versions"]) or "no version"
            print(f"{file}: {package['name']} {package['version']}: {flaw['id']}, fixed in {fixed}")
    print(f"{file}: {len(packages)} packages: {len(bad)} with known vulnerabilities, {len(unknown)} NOT audited")
    if unknown:
        print(f"  for example: {unknown[0]}")
    return 1 if bad else 3 if unknown else 0


if __name__ == "__main__":
    codes = [audit(file) for file in sys.argv[1:]]
    sys.exit(1 if 1 in codes else max(codes, default=0))
