"""What the tools share: the parameters that many have, and the sandbox that is meant."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mockserver.admin.client import AdminClient

Result = dict[str, Any]

Sandbox = Annotated[
    str,
    Field(description="Name of the sandbox. Leave it out for the one that this tool server was started for."),
]
Operation = Annotated[str, Field(description="An operationId, as list_operations shows it. Empty: any.")]
Limit = Annotated[int, Field(ge=1, le=100, description="At most so many.")]
Offset = Annotated[int, Field(ge=0, description="Leave out so many from the start.")]


class Tools:
    """Tools for one server.

    Args:
        client: the server, at the sandbox that is meant where none is named.
    """

    def __init__(self, client: AdminClient) -> None:
        self._client = client

    def _at(self, sandbox: str) -> AdminClient:
        return self._client.at(sandbox) if sandbox else self._client
