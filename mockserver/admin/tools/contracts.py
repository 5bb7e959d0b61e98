"""Tools that show contracts: the APIs, their operations, and the schemas of these."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mockserver.admin.tools.excerpts import fitting, operation_excerpt, part_excerpt
from mockserver.admin.tools.shared import Limit, Offset, Result, Tools
from mockserver.errors import UserError, did_you_mean

_API = ("name", "title", "version", "base_url")


class ContractTools(Tools):
    """The tools about contracts."""

    def list_apis(self) -> Result:
        """List the APIs that the mock server serves: name, title, version, base URL and number of operations.

        The base URL is that of the default sandbox; create_sandbox and show_sandbox tell those of others.
        """
        apis = self._client.apis()
        rows = [{**{name: api[name] for name in _API}, "operations": len(api["operations"])} for api in apis]
        return {"apis": fitting(rows), "total": len(rows)}

    def list_operations(
        self,
        api: Annotated[str, Field(description="Name of an API. Empty means all.")] = "",
        search: Annotated[str, Field(description="Text in the operationId, method or path, in any case.")] = "",
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> Result:
        """List the operations of the APIs: operationId, method and path.

        Other tools name an operation by its operationId. describe_operation shows its parameters and schemas.
        `total` counts all that match; ask again with a larger `offset` for the rest.
        """
        apis = self._client.apis()
        if api and api not in (names := [known["name"] for known in apis]):
            raise UserError(f"there is no API {api!r}{did_you_mean(api, names)}; there are {', '.join(names)}")
        rows = [
            {"api": known["name"], **operation}
            for known in apis
            if api in ("", known["name"])
            for operation in known["operations"]
            if search.lower() in f"{operation['id']} {operation['method']} {operation['path']}".lower()
        ]
        return {"operations": fitting(rows[offset : offset + limit]), "total": len(rows)}

    def describe_operation(
        self, operation: Annotated[str, Field(description="An operationId, as list_operations shows it.")]
    ) -> Result:
        """Show an operation as its contract has it: parameters, request body, responses, and the schemas of these.

        `referenced` holds what a `$ref` leads to, by the `$ref`. Where there was no room for all, `left_off` names the
        rest; read_contract shows it.
        """
        known = {entry["id"]: api["name"] for api in self._client.apis() for entry in api["operations"]}
        if operation not in known:
            raise UserError(f"there is no operation {operation[:80]!r}{did_you_mean(operation, known)}")
        api = known[operation]
        try:
            return {"api": api, **operation_excerpt(self._client.contract(api), operation)}
        except KeyError:
            raise UserError(
                f"the document of {api} does not name {operation!r}; look at it with read_contract"
            ) from None

    def read_contract(
        self,
        api: Annotated[str, Field(description="Name of an API.")],
        pointer: Annotated[str, Field(description="JSON Pointer or `$ref`: /components/schemas, #/paths/~1orders.")],
    ) -> Result:
        """Show a part of an API's OpenAPI document, which includes what the mock's overlay adds to it.

        Long texts, lists and objects are cut and say so; ask for a deeper part then.
        """
        return part_excerpt(self._client.contract(api), pointer)
