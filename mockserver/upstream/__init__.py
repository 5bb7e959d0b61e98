"""The real API beside the twin: how it is reached, and what passed is turned into files.

May import: ground, text, contract, state, journal, apis, scenarios, sandbox.
Must not know: the pipeline, ASGI, or who listens for clients.
"""
