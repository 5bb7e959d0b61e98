"""What is recorded of every exchange, and what can be concluded from it: verification, retries, metrics, log lines.

May import: `text` and the modules at the package's root.
Must not know: contracts, stores, or any API.
"""
