"""Which of the declared statuses an operation answers when nobody asked for another one."""

from __future__ import annotations

from collections.abc import Sequence


def success_of(declared: Sequence[str]) -> int:
    """The lowest 2xx, else 200 for `2XX`; the same of 3xx; then 200 for `default`, or where nothing is declared.

    Else the first that is declared.

    Args:
        declared: the keys of the Responses Object (3.0.3): statuses, ranges and `default`.
    """
    codes = {first: sorted(int(key) for key in declared if key.isdigit() and key[0] == first) for first in "23"}
    ranges = {key[0]: int(key[0]) * 100 for key in declared if key.upper().endswith("XX") and key[0].isdigit()}
    if codes["2"] or "2" in ranges:
        return codes["2"][0] if codes["2"] else 200
    if codes["3"] or "3" in ranges:
        return codes["3"][0] if codes["3"] else 300
    if not declared or "default" in declared:
        return 200
    return int(declared[0]) if declared[0].isdigit() else ranges.get(declared[0][0], 200)


__all__ = ["success_of"]
