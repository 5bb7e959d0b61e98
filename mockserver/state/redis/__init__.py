"""The store that several processes share, in Redis. What must be one step is one Lua script, so one round trip.

May import: `state`, `text` and the modules at the package's root. Imported only when a server is told to use it.
Must not know: any API or contract. `lua/common.lua` says what the keys are.
"""
