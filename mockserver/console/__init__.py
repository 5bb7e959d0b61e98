"""The console: pages and scripts that show a server through its admin API, and nothing else.

May import: the modules at the package's root.
Must not know: the pipeline, the admin API's handlers, ASGI. All that it shows, the browser asks the admin API for.
"""

from mockserver.console.pages import PREFIX, answer

__all__ = ["PREFIX", "answer"]
