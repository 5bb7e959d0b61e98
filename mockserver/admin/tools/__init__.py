"""What an agent can do with a running mockserver: one method a tool, its docstring the description that is read.

May import: the admin client, and what reads contracts and scenarios. Must not know: the protocol that brings a call.
Every tool goes through the admin API, raises UserError with what to do about it, and returns a bounded JSON object.
"""
