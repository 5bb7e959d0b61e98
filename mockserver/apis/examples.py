"""Any other OpenAPI document: every operation answers a sample of its documented success."""

from __future__ import annotations

from mockserver.apis.base import Api
from mockserver.contract import Contract
from mockserver.errors import MEDIA_TYPE, problem_body


def api(contract: Contract) -> Api:
    """An API without behaviours of its own. Errors are RFC 9457 problem details."""
    return Api(
        name=contract.name, contract=contract, behaviours={}, error_body=problem_body, error_media_type=MEDIA_TYPE
    )
