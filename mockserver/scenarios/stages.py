"""At which point of a request's life a vendor answers a status. Knows no rule and no request."""

from __future__ import annotations

from typing import Literal

Stage = Literal["key", "limit", "content", "behaviour"]
"""Where in a request's life a forced response is given: instead of the check of the key, of the rate
limit, of what comes after the request's content was found good, or of the operation itself, which is charged."""


def stage_of(status: int) -> Stage:
    """The stage at which a vendor answers a status."""
    if status in (401, 403):
        return "key"
    if status in (400, 408, 413, 415, 422, 429) or status >= 500:
        return "limit"
    return "content"
