"""What real clients do when an API fails: `python -m benchmarks.clients`.

Each client makes one call that creates something and costs a credit, once for every way in which the call can fail.
The journal tells what it did: how long it waited, whether it gave up, and how often it paid.
"""
