"""The contract engine: load a document, match requests, check both directions, explain, make samples.

May import: `text` and the modules at the package's root.
Must not know: state, time, sockets, or any vendor.
"""

from mockserver.contract.contract import Contract
from mockserver.contract.load import load_contract
from mockserver.contract.operation import Checked, Operation
from mockserver.contract.outgoing import Outgoing
from mockserver.contract.sample_errors import Unsatisfiable
from mockserver.contract.security import Alternative, Credential

__all__ = [
    "Alternative",
    "Checked",
    "Contract",
    "Credential",
    "Operation",
    "Outgoing",
    "Unsatisfiable",
    "load_contract",
]
