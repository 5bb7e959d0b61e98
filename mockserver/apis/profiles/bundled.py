"""The profiles of the APIs that keep the rest in Python: read without a model, so that a server starts without it.

They are ours, and `tests/test_profiles.py` reads them with the model and holds both readings against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from mockserver.clock import parse_duration
from mockserver.data import bundled_file
from mockserver.messages import Limit, Request
from mockserver.text.kept import parse_bundled


class BundledTerms(TypedDict, total=False):
    """Fields of `Api` that such a profile says."""

    limit: Limit
    tenant: Callable[[Request], str]


def profile_of(name: str) -> Path:
    """The file of a bundled profile."""
    return bundled_file("spec", f"{name}.mock.yaml")


def bundled_terms(name: str) -> BundledTerms:
    """What the profile of a bundled API says: its one limit per tenant, path and method, and its tenant."""
    file = profile_of(name)
    said = parse_bundled(file.read_text(encoding="utf-8"), str(file))
    (limit,) = said["limits"]
    terms: BundledTerms = {"limit": Limit(limit["max"], parse_duration(limit["window"]))}
    if "tenant" in said:
        header = said["tenant"]["header"].lower()
        terms["tenant"] = lambda request: request.headers.get(header, "")
    return terms


__all__ = ["BundledTerms", "bundled_terms", "profile_of"]
