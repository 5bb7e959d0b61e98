"""Webhooks and callbacks: what the API sends to the client's own server, when, and how it is signed.

Only what is sent is made here. Must not know: sockets, sandboxes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import field
from random import Random
from typing import Any

from mockserver.contract import Contract, Operation, Outgoing
from mockserver.contract.outline import Place
from mockserver.messages import JSON
from mockserver.records import record
from mockserver.text.jsontext import copied
from mockserver.text.references import runtime_template
from mockserver.text.templates import Template, compile_template


@record(frozen=True)
class Signature:
    """How a webhook is signed: an HMAC in a header of the vendor's."""

    header: str
    secret: bytes
    algorithm: str = "sha256"
    encoding: str = "hex"
    """`hex` or `base64`."""
    signed: str = "{body}"
    """What is signed, with `{id}`, `{timestamp}` and `{body}` in it."""
    form: str = "{signature}"
    """The value of the header, with `{signature}`, `{id}` and `{timestamp}` in it."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Other headers, of the same form."""

    def headers(self, id: str, timestamp: int, body: bytes, spoilt: bool = False) -> dict[str, str]:
        """The headers of one attempt; `spoilt` signs it with another secret."""
        known = {"id": id, "timestamp": str(timestamp)}
        before, _, after = self.signed.partition("{body}")
        text = _filled(before, known).encode() + body + _filled(after, known).encode()
        digest = hmac.new(self.secret + b"?" * spoilt, text, getattr(hashlib, self.algorithm)).digest()
        known["signature"] = digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()
        return {name: _filled(value, known) for name, value in {**self.more, self.header: self.form}.items()}


def standard_webhooks(secret: str) -> Signature:
    """The signature of the Standard Webhooks specification, whose secrets are base64 after `whsec_`.

    Raises ValueError for a secret that is no base64.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return Signature(
        header="webhook-signature",
        secret=key,
        encoding="base64",
        signed="{id}.{timestamp}.{body}",
        form="v1,{signature}",
        more={"webhook-id": "{id}", "webhook-timestamp": "{timestamp}"},
    )


def _filled(text: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@record(frozen=True, eq=False)
class Webhook:
    """A request that the API sends."""

    name: str
    method: str = "POST"
    media_type: str = "application/json"
    to: Template | None = None
    """The URL; None where each sending says it."""
    data: Template | None = None
    """The body; None makes one by the document, with what the response says in it."""
    schema: Place | None = None
    """The schema of the body."""
    on: frozenset[str] = frozenset()
    """The operations after whose success it is sent."""
    after: float = 0.0
    """Seconds on the sandbox's clock between the response and the first attempt."""
    signature: Signature | None = None
    attempts: int = 3
    """How often it is sent until a 2xx comes back."""
    wait: float = 5.0
    """Seconds on the sandbox's clock before the second attempt; each further wait is twice as long."""

    def body(self, contract: Contract, response: JSON) -> JSON:
        """The body that the document describes, with the members of a response where they fit."""
        if self.schema is None:
            return response
        sample = contract.value(self.schema, Random(self.name))
        if isinstance(response, dict):
            for candidate in (response, *_filled_in(sample, response)):
                if contract.accepts(self.schema, candidate):
                    return candidate
        return sample


def _filled_in(sample: JSON, response: dict[str, Any]) -> list[JSON]:
    """A sample with a response in it: as the member that has its members, or by its members."""
    if not isinstance(sample, dict):
        return []
    candidates: list[JSON] = []
    for name, member in sample.items():
        if isinstance(member, dict) and len(member.keys() & response.keys()) * 2 >= len(member.keys() | {""}):
            candidates.append({**copied(sample), name: copied(response)})
            candidates.append({**copied(sample), name: {**member, **_shared(member, response)}})
        elif isinstance(member, dict):
            candidates += [{**copied(sample), name: inner} for inner in _filled_in(member, response)]
    candidates.append({**copied(sample), **_shared(sample, response)})
    return candidates


def _shared(sample: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    return {name: copied(value) for name, value in response.items() if name in sample}


def declared(contract: Contract) -> dict[str, Webhook]:
    """The webhooks of a document, which a rule or a command sends."""
    return {
        name: Webhook(name, outgoing.method, outgoing.media_type, schema=outgoing.schema)
        for name, outgoing in contract.webhooks.items()
    }


def callback(operation: Operation, outgoing: Outgoing) -> Webhook:
    """A callback as what is sent after each success of its operation. Raises UserError for a URL with a mistake."""
    to = compile_template(runtime_template(outgoing.url))
    return Webhook(
        f"{operation.id}.{outgoing.name}",
        outgoing.method,
        outgoing.media_type,
        to=to,
        schema=outgoing.schema,
        on=frozenset([operation.id]),
    )


__all__ = ["Signature", "Webhook", "callback", "declared", "standard_webhooks"]
