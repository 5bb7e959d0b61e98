"""A twin of a vendor's HTTP API, for the people who write clients against it.

This is the whole public Python API. `Session` and `Mock` hold a server and its sandboxes, as the pytest fixture
`mockserver` does:

    from mockserver import Session

    with Session() as session:
        mock = session.sandbox(scenario="out-of-credits")
        client = Datagrid(**mock.client_kwargs("datagrid"))

`create_app` makes the Starlette application, `serve_in_thread` serves it, `MockTransport` answers an httpx client in
process. `Api`, `Behaviours`, `Call` and `Problem` are for an API of one's own. Mistakes of the caller are `UserError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.apis import Api, Call
    from mockserver.apis.code import Behaviours
    from mockserver.errors import Problem, UserError
    from mockserver.server.app import create_app
    from mockserver.server.thread import serve_in_thread
    from mockserver.settings import Settings
    from mockserver.testing.entry import Entry
    from mockserver.testing.mock import Mock
    from mockserver.testing.session import Session
    from mockserver.testing.transports.for_httpx import MockTransport

__all__ = [
    "Api",
    "Behaviours",
    "Call",
    "Entry",
    "Mock",
    "MockTransport",
    "Problem",
    "Session",
    "Settings",
    "UserError",
    "__version__",
    "create_app",
    "serve_in_thread",
]

_MODULES = {
    "Api": "apis.api",
    "Behaviours": "apis.code",
    "Call": "apis.base",
    "Entry": "testing.entry",
    "Mock": "testing.mock",
    "MockTransport": "testing.transports.for_httpx",
    "Problem": "errors",
    "Session": "testing.session",
    "Settings": "settings",
    "UserError": "errors",
    "create_app": "server.app",
    "serve_in_thread": "server.thread",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command starts fast."""
    if name not in _MODULES:
        raise AttributeError(f"module 'mockserver' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"mockserver.{_MODULES[name]}"), name)
