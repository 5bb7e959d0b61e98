"""The vendors: what an `Api` is, which route a request means, and how each API behaves.

May import: `contract`, `state`, `text` and the modules at the package's root.
Must not know: sandboxes, scenarios, the pipeline. Adding a bundled API is a module and a line in `loader.BUNDLED`.
"""

from __future__ import annotations

from mockserver.apis.api import Api, Price
from mockserver.apis.base import Behaviour, Call, Table, Variant, nobody
from mockserver.apis.loader import BUNDLED, load_api

__all__ = ["BUNDLED", "Api", "Behaviour", "Call", "Price", "Table", "Variant", "load_api", "nobody"]
