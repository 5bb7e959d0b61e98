"""One isolated world (state, credits, limits, clock, scenario, journal), and all the worlds of a server.

May import: `scenarios`, `apis` and everything below them.
Must not know: the pipeline, ASGI, or sockets.
"""
