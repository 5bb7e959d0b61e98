"""All pages of one API: their names, the links between them, and each page when it is asked for.

Must not know: formats, files, how pages are served.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from mockserver.apis import Api
from mockserver.console.endpoint_pages.blocks import INDEX, Link, Page
from mockserver.console.endpoint_pages.compose import Composer
from mockserver.console.endpoint_pages.facts import path_of
from mockserver.console.endpoint_pages.guidance import Guidance
from mockserver.console.endpoint_pages.running import Runner
from mockserver.console.endpoint_pages.sent import Sent
from mockserver.contract import Operation
from mockserver.contract.samples.words import spaced

LOCAL = "http://127.0.0.1:4010"
"""Where the samples send their requests when the contract names no host."""
_MAX_SLUG = 80


class EndpointPages:
    """The pages of one API, made one by one.

    Args:
        api: the API.
        origin: scheme, host and path before the contract's own base path, where samples send their requests;
            "" for the contract's first server.

    Raises:
        UserError: the contract's words for a page (`x-docs`) cannot be used.
    """

    def __init__(self, api: Api, origin: str = "") -> None:
        self.api = api
        self.origin = origin or origin_of(api)
        self.runner = Runner(api, urlsplit(self.origin).netloc)
        self._slugs = slugs(api)
        guidance = Guidance(api, self.runner.producers, self._linked)
        self._composer = Composer(api, self.runner, guidance, self.origin)
        for operation in api.contract.operations.values():
            self.runner.words(operation)

    def __iter__(self) -> Iterator[Page]:
        """All pages, the one that lists the others first."""
        yield self._composer.index()
        for operation, slug in self._slugs.items():
            yield self._composer.page(operation, slug)

    def page(self, slug: str) -> Page | None:
        """The page of a name; None when there is none."""
        if slug == INDEX:
            return self._composer.index()
        operation = self.operation(slug)
        return None if operation is None else self._composer.page(operation, slug)

    def operation(self, slug: str) -> Operation | None:
        """The operation that a page is of."""
        return next((operation for operation, own in self._slugs.items() if own == slug), None)

    def sent(self, operation: Operation) -> Sent | None:
        """What the samples of an operation's page send."""
        return self._composer.sent(operation)

    def failed(self) -> Iterator[tuple[str, str]]:
        """The operations whose page shows no success, each with the reason."""
        for operation in self._slugs:
            run = self.runner.run(operation)
            if not run.steps:
                yield operation.id, run.problem
            elif not run.last.is_success:
                yield operation.id, f"it is answered {run.last.response.status}"

    def _linked(self, operation: Operation) -> Link:
        return Link(f"{operation.method} {path_of(self.api, operation)}", self._slugs[operation])


def origin_of(api: Api) -> str:
    """What stands before the paths of requests: the host of the contract's first server, or this server's."""
    servers = api.contract.document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    url = str(first.get("url", ""))
    variables = first.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        if isinstance(variable, dict):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "{" in parts.netloc:
        return f"{LOCAL}/{api.name}"
    return f"{parts.scheme}://{parts.netloc}"


def slugs(api: Api) -> dict[Operation, str]:
    """The name of each operation's page, made of its operationId."""
    found: dict[Operation, str] = {}
    taken = {INDEX}
    for operation in api.contract.operations.values():
        base = "-".join(spaced(operation.id).split())[:_MAX_SLUG].strip("-") or "operation"
        slug, number = base, 2
        while slug in taken:
            slug, number = f"{base}-{number}", number + 1
        taken.add(slug)
        found[operation] = slug
    return found


__all__ = ["LOCAL", "EndpointPages", "origin_of", "slugs"]
