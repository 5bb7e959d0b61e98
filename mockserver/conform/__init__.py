"""A real server against its contract and its twin: what is sent, what is judged, and what would mend the contract.

May import: ground, text, contract, state, journal, apis, scenarios, sandbox, upstream, pipeline.
Must not know: the command line, the admin API, or how a report is printed.
"""
