"""The life of a request, as one synchronous function, and how it is built from settings.

May import: `sandbox` and everything below it.
Must not know: ASGI, sockets, or the admin API.
"""
