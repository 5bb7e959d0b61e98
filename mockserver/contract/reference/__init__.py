"""openapi-core as a second opinion on the contract engine, with every deviation named and explained.

May import: `contract`, `text` and the modules at the package's root. Imported only for `--oracle` and the tests.
Must not know: anything that `contract` must not know.
"""
