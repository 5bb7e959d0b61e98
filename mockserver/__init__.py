"""A twin of a vendor's HTTP API, for the people who write clients against it."""

__version__ = "0.1.0"
