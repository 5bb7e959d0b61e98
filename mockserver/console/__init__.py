"""The console: pages and scripts that show a server through its admin API, and nothing else.

May import: the modules at the package's root; `endpoint_pages` also `pipeline` and everything below it, because the
requests on its pages are executed, in this process.
Must not know: the admin API's handlers, ASGI. All that the console shows, the browser asks the admin API for.
"""

from mockserver.console.pages import PREFIX, answer

__all__ = ["PREFIX", "answer"]
