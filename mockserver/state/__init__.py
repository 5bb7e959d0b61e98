"""What a sandbox remembers: rows, credits, counters and rate-limit windows. Each operation of a store is atomic.

May import: `text` and the modules at the package's root.
Must not know: any API or contract, HTTP, or what a row means.
"""
