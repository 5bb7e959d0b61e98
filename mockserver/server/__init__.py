"""ASGI and sockets: the Starlette application, the process that serves it, and its workers.

May import: `admin`, `pipeline` and everything below them. The only room that imports Starlette and uvicorn.
Must not know: what a test suite or a command does with a server.
"""
