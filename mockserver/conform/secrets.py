"""Keys on their way out, and kept out of everything else: requests carry a stand-in until they leave.

Must not know: sockets, reports.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, quote_plus

from mockserver.contract import Contract
from mockserver.contract.request_samples import KEY
from mockserver.journal.masking import MIN_LENGTH, Masking
from mockserver.messages import Headers, Request, Response
from mockserver.text.jsontext import to_json

MASKED = "***"


class Secrets:
    """What a person gave for the real server alone.

    Args:
        contract: whose credentials are masked too.
        key: the API key; "" for none.
        headers: further headers by lower-case name, all of which are secrets.
    """

    def __init__(self, contract: Contract, key: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._key, self._headers = key, dict(headers or {})
        places = contract.credentials
        self._masking = Masking(
            [one.name for one in places if one.place == "header"], [one.name for one in places if one.place == "query"]
        )
        given = [key, key.partition(" ")[2], *self._headers.values()]
        given += [value.partition(" ")[2] for value in self._headers.values()]
        given += [base64.b64encode(key.encode()).decode()] if ":" in key else []
        spelled = {text for value in given if value for text in _spellings(value)}
        self._texts = sorted((text for text in spelled if len(text) >= MIN_LENGTH), key=len, reverse=True)

    @property
    def has_key(self) -> bool:
        """Whether there is something to authenticate with."""
        return bool(self._key or self._headers)

    def dressed(self, request: Request, bare: bool = False) -> Request:
        """A request as it leaves: its stand-in replaced by the key, or without any where there is none.

        `bare` leaves out every credential.
        """
        headers = Headers()
        for name, value in request.headers.items():
            if KEY not in value:
                headers[name] = value
            elif self._key and not bare:
                headers[name] = self._credential(name, value)
        query = request.query
        if KEY in query:
            parts = query.split("&")
            if self._key and not bare:
                query = "&".join(part.replace(KEY, quote_plus(self._key)) for part in parts)
            else:
                query = "&".join(part for part in parts if KEY not in part)
        if not bare:
            headers.update(self._headers)
        return replace(request, headers=headers, query=query)

    def _credential(self, name: str, value: str) -> str:
        if name == "authorization" and value.lower().startswith("basic ") and ":" in self._key:
            return "Basic " + base64.b64encode(self._key.encode()).decode()
        return value.replace(KEY, self._key)

    def cleaned(self, response: Response) -> Response:
        """A response without secrets: those that were sent, cookies, and members of bodies that are known for it."""
        headers = Headers()
        lines = response.headers.pairs() if isinstance(response.headers, Headers) else response.headers.items()
        for name, value in lines:
            headers.add(name, self._masking.cookies([value])[0] if name == "set-cookie" else self.text(value))
        content = self._masking.body(response.content or b"", response.media_type or "")
        for text in self._texts:
            content = content.replace(text.encode(), MASKED.encode())
        return replace(response, headers=headers, content=content)

    def text(self, text: str) -> str:
        """A text without what was given."""
        for secret in self._texts:
            text = text.replace(secret, MASKED)
        return text

    def shown(self, request: Request) -> str:
        """The request line for a reader."""
        query = self._masking.query(request.query)
        return self.text(f"{request.method} {request.path}{f'?{query}' if query else ''}")


def _spellings(value: str) -> tuple[str, ...]:
    """How a text may stand in a header, a URL, and a JSON text, of which some writers escape the slashes."""
    in_json = to_json(value).decode()[1:-1]
    return value, quote(value, safe=""), quote_plus(value), in_json, in_json.replace("/", "\\/")


__all__ = ["Secrets"]
