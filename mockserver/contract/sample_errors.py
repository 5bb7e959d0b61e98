"""What stands in the way of a sample: errors that are answered, and faults that are reported.

Apart from what makes samples, which every start would have to import.
"""

from __future__ import annotations

from mockserver.errors import Problem
from mockserver.records import record


class Unsatisfiable(Problem):
    """No value was found that a schema accepts: 501, which names the schema.

    Args:
        pointer: where the schema stands in the document.
        reason: what is wrong with the value that came nearest.
        where: whose schema it is, for example `getOrder 200`.
    """

    def __init__(self, pointer: str, reason: str, where: str = "") -> None:
        owner = f" ({where})" if where else ""
        message = f"No value was found that the schema at #{pointer}{owner} accepts; the nearest one fails: {reason}."
        super().__init__("not_implemented", message)
        self.pointer = pointer
        self.reason = reason
        self.where = where


class UnusableExample(Problem):
    """An example that was asked for by name, and cannot be sent: 400, which says why."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid_request", message)


@record(frozen=True)
class SampleFault:
    """Why an operation has no sample, or an example of it is not used."""

    operation: str
    status: str
    """The key under `responses`."""
    pointer: str
    """Where the schema, or the example, stands."""
    reason: str

    def __str__(self) -> str:
        return f"#{self.pointer} ({self.operation} {self.status}): {self.reason}"
