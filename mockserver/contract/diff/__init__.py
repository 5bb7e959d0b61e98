"""What changed between two documents, and whom it breaks.

Must not know: how findings are printed, and where the documents came from.
"""
