"""What all the benchmarks send."""

from __future__ import annotations

import orjson

PATH = "/v1/user-memories"
KEY = "Bearer bench-key"
MEMORY = {
    "agent_id": "support",
    "memory": "Prefers tea to coffee, and a window seat on long flights.",
    "context": "Booking a trip to Lisbon in May",
    "user_prompt": "Please remember how I like to travel",
}
BODY = orjson.dumps(MEMORY)
INCOMPLETE = orjson.dumps({name: text for name, text in MEMORY.items() if name != "memory"})
"""A creation that has to be refused: `memory` is missing."""
