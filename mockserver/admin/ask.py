"""A request to the admin API as its handlers get it: checked, with the server that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.contract import Checked
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from mockserver.admin.journal import JournalReader


class Ask:
    """A checked request to the admin API."""

    def __init__(
        self,
        pipeline: Pipeline,
        checked: Checked,
        journal: Callable[[], JournalReader],
        origin: str,
        draining: bool,
        scenario_dir: str = "",
        steers: bool = True,
    ) -> None:
        self.pipeline = pipeline
        self._journal = journal
        self.params = checked.params
        self.body = checked.body
        self.has_body = checked.has_body
        self.origin = origin
        """Scheme and host, as the caller sees them."""
        self.draining = draining
        self.scenario_dir = scenario_dir
        """Where scenarios of the server's own are, by their names; "" when there are none."""
        self.steers = steers
        """Whether it has the header that writes need, which no web page can send."""

    @property
    def journal(self) -> JournalReader:
        """What reads the journals."""
        return self._journal()

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox that the path names. Raises NoSandbox."""
        return self.pipeline.sandboxes.get(self.params["name"])
