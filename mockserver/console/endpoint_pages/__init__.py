"""A page for every endpoint of a contract, with requests that were executed and the responses that they got.

May import: `pipeline` and everything below it. The requests run in a sandbox of their own, in this process, so this is
the one part of the console that looks into a server; the rest of it asks the admin API.
Must not know: ASGI, commands, the admin API. This file imports nothing: a server makes pages when one is asked for.
"""
