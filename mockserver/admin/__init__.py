"""The admin API, both ends: the handlers that steer and show a server, and the client that asks for them.

May import: `pipeline` and everything below it; the client imports the modules at the package's root only.
Must not know: ASGI, sockets, or who uses the client. This file imports nothing, so that commands start fast.
"""
