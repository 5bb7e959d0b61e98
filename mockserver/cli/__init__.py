"""The commands: they parse, call and print. `main` puts them together; the other modules hold a group of them each.

May import: everything. A command imports what it needs when it runs, so that `serve` and `health` start fast.
Must not know: how anything is done. This file imports nothing.
"""
