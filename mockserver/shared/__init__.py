"""State that several processes share, in Redis: sandboxes, clocks, rows, credits, limits, counters and journals.

Imported only when a server is told to use it. Everything that must be one step is one Lua script, so it is
one round trip too; `lua/common.lua` says what the keys are.
"""

from mockserver.shared.connection import Connection
from mockserver.shared.figures import SharedFigures
from mockserver.shared.sandboxes import SharedSandboxes
from mockserver.shared.store import RedisStore

__all__ = ["Connection", "RedisStore", "SharedFigures", "SharedSandboxes"]
