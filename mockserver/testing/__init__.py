"""What a test suite holds: the pytest plugin, sessions and mocks, transports, the clock bridge, coverage, fuzzing.

May import: everything but `cli`. This file imports nothing, so that the plugin costs a suite little.
Must not know: the inside of the pipeline; it asks the admin API, as any other client does.
"""
