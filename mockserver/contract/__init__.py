"""The contract engine: load a document, match requests, check both directions, make samples.

It knows OpenAPI and nothing else: no state, no time, no sockets, no vendor.
"""

from mockserver.contract.contract import Contract
from mockserver.contract.load import load_contract
from mockserver.contract.operation import Checked, Operation
from mockserver.contract.security import Alternative, Credential

__all__ = ["Alternative", "Checked", "Contract", "Credential", "Operation", "load_contract"]
