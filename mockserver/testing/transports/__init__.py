"""Transports that answer in process: no socket, no thread, faults included. One module for each client library."""
