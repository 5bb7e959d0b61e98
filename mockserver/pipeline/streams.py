"""Samples of successes, also those that are streams: which media type a request asks for in its body."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.apis.routes import Plan
from mockserver.messages import JSON, Response


def wants_stream(body: JSON) -> bool:
    """Whether the body of a request says `stream: true`, as clients of language models do."""
    return isinstance(body, dict) and body.get("stream") is True


def sampled(plan: Plan, variables: Mapping[str, str], accept: str, streams: bool) -> Response:
    """A success of an operation from the contract.

    Args:
        plan: the operation's plan.
        variables: the variables of the path.
        accept: the client's `Accept` header.
        streams: whether the body of the request asks for a stream.
    """
    operation, terms = plan.operation, plan.stream
    if streams and plan.streams_on_request:
        accept = plan.streams_on_request
    response = plan.api.contract.sample(operation, operation.success, values=variables, accept=accept)
    if terms is not None and isinstance(response.data, list) and len(response.data) == 1:
        response.data = response.data * terms.count
    return response


__all__ = ["sampled", "wants_stream"]
