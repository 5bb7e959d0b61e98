"""Exchanges that other tools wrote down: HAR files, Postman collections, VCR cassettes, WireMock mappings.

Each module reads one format into `Seen`. Must not know: contracts, what becomes of the exchanges.
"""
