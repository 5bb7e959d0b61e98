"""A twin of a vendor's HTTP API, for the people who write clients against it.

The public Python API is `Mock`, which the pytest fixture `mockserver` gives, and `Session`, which
makes one by hand:

    from mockserver import Session

    session = Session()
    mock = session.make(scenario="out-of-credits")
    client = Datagrid(**mock.client_kwargs("datagrid"))
    ...
    session.close()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.apis import Api, Call
    from mockserver.errors import Problem, UserError
    from mockserver.testing.mock import Entry, Mock
    from mockserver.testing.session import Session

__all__ = ["Api", "Call", "Entry", "Mock", "Problem", "Session", "UserError", "__version__"]

_HOMES = {
    "Api": "apis.api",
    "Call": "apis.base",
    "Entry": "testing.mock",
    "Mock": "testing.mock",
    "Problem": "errors",
    "Session": "testing.session",
    "UserError": "errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command starts fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mockserver' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"mockserver.{_HOMES[name]}"), name)
