"""The bundled scenarios by name, and what can be wrong with a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mockserver.data import bundled_file
from mockserver.errors import UserError
from mockserver.records import record

MAX_SCENARIO = 1024 * 1024
"""Bytes of a scenario file that are read."""
MAX_PROBLEMS = 100
"""Problems of a scenario that are listed; the others are counted."""


@record(frozen=True)
class ScenarioProblem:
    """One thing that is wrong with a scenario."""

    file: str
    line: int
    column: int
    rule: str
    message: str

    def __str__(self) -> str:
        rule = f"rule {self.rule!r}: " if self.rule else ""
        return f"{self.file}:{self.line}:{self.column}: {rule}{self.message}"

    def as_json(self) -> dict[str, Any]:
        """The problem as the admin API shows it."""
        return {"line": self.line, "column": self.column, "rule": self.rule, "message": self.message}


class ScenarioError(UserError):
    """A scenario that cannot be used.

    Args:
        problems: what is wrong with it, in the order of the file.
        unlisted: how many further problems there are.
    """

    def __init__(self, problems: list[ScenarioProblem], unlisted: int = 0) -> None:
        self.problems = problems
        self.unlisted = unlisted
        more = [f"{problems[0].file}: {unlisted} more problems"] if unlisted else []
        super().__init__("\n".join([*map(str, problems), *more]))


def bundled_scenarios() -> dict[str, Path]:
    """The bundled scenarios by name."""
    folder = bundled_file("scenarios", "out-of-credits.yaml").parent
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
