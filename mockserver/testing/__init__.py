"""Helpers for test suites that run the server beside themselves. Each module says which extra it needs."""
