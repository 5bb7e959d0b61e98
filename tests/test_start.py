"""What a start must not wait for: modules that a server of bundled documents never needs."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import mockserver.cli.main, mockserver.server.run
from mockserver.admin.api import Admin
from mockserver.pipeline.build import build
from mockserver.settings import Settings
Admin(build(Settings()))
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""
LATER = (
    *("openapi_core", "openapi_spec_validator", "jsonschema", "jsonpath", "pydantic", "importlib.metadata"),
    *("fractions", "schemathesis", "httpx", "mockserver.contract.sampling", "mockserver.contract.samples"),
    *(
        "mockserver.cli.control",
        "mockserver.testing.fuzz",
        "mockserver.contract.strict",
        "mockserver.contract.strict_cache",
    ),
)


def test_a_server_starts_without_what_it_does_not_need():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *LATER], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
