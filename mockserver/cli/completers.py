"""What a shell may complete: names of APIs and scenarios, and files. Imports nothing of the package until it is asked,
because every command does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

_PROFILE = ".mock.yaml"


def apis(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Bundled APIs, and files."""
    from mockserver.data import bundled_file

    folder = Path(bundled_file("spec", "datagrid.yaml")).parent
    return _named([path.name.removesuffix(_PROFILE) for path in folder.glob(f"*{_PROFILE}")], incomplete)


def scenarios(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Bundled scenarios, and files."""
    from mockserver.scenarios import bundled_scenarios

    return _named(list(bundled_scenarios()), incomplete)


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, for arguments that may also be something else: `-`, or a revision."""
    return _named([], incomplete)


def _named(names: list[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    # The file goes first: bash's script forgets what came before it.
    found = [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *found]
