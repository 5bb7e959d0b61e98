"""What orchestrators ask every few seconds: whether the server lives, and whether it takes requests.

Apart from the other handlers, so that a server that is asked for no more never imports them.
"""

from __future__ import annotations

from collections.abc import Callable

from mockserver.admin.ask import Ask
from mockserver.messages import JSON, Response
from mockserver.version import __version__

Handler = Callable[[Ask], Response]


def ready(ask: Ask) -> Response:
    """503 while draining, so that no new work is sent here."""
    report: JSON = {"status": "draining" if ask.draining else "ready", "apis": list(ask.pipeline.apis)}
    if problems := ask.pipeline.sandboxes.problems():
        report["problems"] = problems
    return Response(503 if ask.draining else 200, report)


VITAL: dict[str, Handler] = {
    "health": lambda ask: Response(200, {"status": "ok", "version": __version__}),
    "ready": ready,
}
