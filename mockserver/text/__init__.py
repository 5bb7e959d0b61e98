"""What people write: YAML, JSON, ranges and matchers, read strictly and with the place of every value.

May import: the modules at the package's root.
Must not know: HTTP, OpenAPI, or what the text is about.
"""
