"""The real API behind a sandbox, for as long as a test wants: what the client sends passes on, checked and recorded.

It is a proxy over the sandbox's own server, so that its journal, assertions and scenarios hold as before. Must not
know: what the test does with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.text.findings import Finding
    from mockserver.upstream.connection import Patience
    from mockserver.upstream.target import Target


class Upstream:
    """A way to the real API. A context manager that ends it.

    Args:
        pipeline: whose sandboxes these are.
        target: the real API.
        patience: how long it may take.
        twin: operations that the twin goes on answering.
    """

    def __init__(self, pipeline: Pipeline, target: Target, patience: Patience, twin: Sequence[str]) -> None:
        from mockserver.server.proxied import ProxyTerms, create_proxy_app
        from mockserver.server.thread import serve_in_thread
        from mockserver.settings import Settings
        from mockserver.upstream.drift import Drift

        self._drift = Drift()
        self._running = ExitStack()
        terms = ProxyTerms(target, patience, tuple(twin), self._drift)
        app = create_proxy_app(terms, Settings(), pipeline, admin=False)
        self._origin = self._running.enter_context(serve_in_thread(app)).url

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether requests pass on."""
        return bool(self._origin)

    def moved(self, base_urls: Mapping[str, Any]) -> dict[str, Any]:
        """URLs of the sandbox as URLs that lead to the real API; other values stay."""
        return {name: self._moved(value) for name, value in base_urls.items()}

    def _moved(self, value: Any) -> Any:
        if not isinstance(value, str) or "://" not in value:
            return value
        parts = urlsplit(value)
        return self._origin + value[len(f"{parts.scheme}://{parts.netloc}") :]

    @property
    def drift(self) -> list[Finding]:
        """What has not agreed with the contract so far, each kind once; that of the real API first."""
        return self._drift.findings

    @property
    def unchecked(self) -> list[str]:
        """Why something could not be checked; "no request came" is one reason."""
        return self._drift.unchecked

    def assert_no_drift(self) -> None:
        """Assert that everything passed and agreed with the contract. Raises AssertionError that tells what did not."""
        __tracebackhide__ = True
        found = [
            f"{finding.operations[0]}: {finding.message} [{finding.rule}], {finding.why}" for finding in self.drift
        ]
        found += [f"not checked: {reason}" for reason in self.unchecked]
        if found:
            raise AssertionError("\n".join(found))

    def close(self) -> None:
        """End it: the twin answers again."""
        self._origin = ""
        self._running.close()


__all__ = ["Upstream"]
