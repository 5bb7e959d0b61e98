"""The commands that talk to a running server over its admin API: steer a sandbox, look at it, judge it.

A command parses, calls `Remote` and prints. `register` puts them on the command line.
"""

from __future__ import annotations

import click

from mockserver.commands.control import clock, scenario
from mockserver.commands.sandboxes import credits, reset, sandboxes, state
from mockserver.commands.verification import expect, journal, verify

_COMMANDS: tuple[click.Command, ...] = (scenario, clock, journal, verify, expect, reset, credits, sandboxes, state)


def register(cli: click.Group) -> None:
    """Add the commands to the command line."""
    for command in _COMMANDS:
        cli.add_command(command)
