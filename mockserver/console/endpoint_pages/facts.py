"""The facts of an operation as a page tells them: keys, scopes, limits, what a status means and what to do about it.

All of it is read from the contract and the API's terms. Must not know: how a page looks, requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from mockserver.apis import Api
from mockserver.apis.api import one_tenant
from mockserver.console.endpoint_pages.blocks import Code, Inline, Text, joined, plain, prose
from mockserver.contract import Operation
from mockserver.contract.parameters import Parameter
from mockserver.contract.samples.words import spaced
from mockserver.contract.servers import base_paths

_BETA = re.compile(r"(?:^|[-_])(?:alpha|beta|preview|experimental)s?(?:$|[-_])", re.IGNORECASE)
"""What names of headers have that switch unfinished features on."""
_STATUS = re.compile(r"[1-5](?:\d\d|XX|xx)|default")
_PERIODS = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86_400.0: "day"}
_OAUTH = {"oauth2": "OAuth 2.0", "openIdConnect": "OpenID Connect", "mutualTLS": "Client certificate"}

Security = list[tuple[str, dict[str, Any], list[str]]]
"""Schemes that are needed together: the name of each, what it is, and the scopes."""


def securities(api: Api, operation: Operation) -> list[Security]:
    """The ways to authenticate, as the contract names them; none for an open operation."""
    document, refs = api.contract.document, api.contract.refs
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    found: list[Security] = []
    for requirement in operation.node.get("security", document.get("security")) or []:
        together: Security = []
        for name, scopes in requirement.items() if isinstance(requirement, dict) else ():
            scheme, _ = refs.follow(schemes.get(name), "")
            if isinstance(scheme, dict):
                together.append((name, scheme, [str(scope) for scope in scopes or ()]))
        found.append(together)
    return found


def auth(api: Api, operation: Operation) -> Text:
    """How to authenticate, in a cell."""
    ways = [
        joined([(f"{_kind_of(scheme)} (", Code(name), ")") for name, scheme, _ in together], " and ")
        for together in securities(api, operation)
        if together
    ]
    if not ways:
        return ("None",)
    is_optional = any(not together for together in securities(api, operation))
    return (*joined(ways, " or ", " or "), *((" (optional)",) if is_optional else ()))


def _kind_of(scheme: dict[str, Any]) -> str:
    kind = str(scheme.get("type", ""))
    if kind == "apiKey":
        return f"Key in the {scheme.get('in', 'header')} {scheme.get('name', '')}"
    return _OAUTH.get(kind) or str(scheme.get("scheme", "bearer")).capitalize()


def scopes(api: Api, operation: Operation) -> list[str]:
    """The scopes of the first way to authenticate that asks for some."""
    for together in securities(api, operation):
        needed = [scope for _, _, scopes in together for scope in scopes]
        if needed:
            return list(dict.fromkeys(needed))
    return []


def rate_limit(api: Api, operation: Operation) -> str:
    """How often it may be called, in a cell."""
    limits = [limit for limit in api.limits if operation.id in limit.operations]
    if limits:
        return "; ".join(_limit(limit.limit.max, limit.limit.window, _shared(api, limit.per)) for limit in limits)
    if api.limit is not None:
        per = ("path", "method") if api.tenant is one_tenant else ("tenant", "path", "method")
        return _limit(api.limit.max, api.limit.window, _shared(api, per))
    return "Not stated"


def _shared(api: Api, per: tuple[str, ...]) -> str:
    names = [api.tenant_name if name == "tenant" else name for name in per]
    return f", per {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f", per {names[0]}" if names else ""


def _limit(most: int, window: float, shared: str) -> str:
    period = _PERIODS.get(window)
    return f"{most:,} requests per {period or f'{window:g} seconds'}{shared}"


def beta_headers(operation: Operation) -> list[Parameter]:
    """The headers that switch unfinished features on."""
    return [p for p in operation.parameters if p.place == "header" and _BETA.search(p.name)]


def deprecated_parameters(api: Api, operation: Operation) -> list[str]:
    """The names of the parameters that should not be used any more."""
    return [p.name for p in operation.parameters if parameter_node(api, operation, p).get("deprecated") is True]


def parameter_node(api: Api, operation: Operation, parameter: Parameter) -> dict[str, Any]:
    """What the contract says of a parameter beside its schema."""
    pointer = re.sub(r"/(?:schema|content/[^/]+/schema)$", "", parameter.pointer)
    try:
        node, _ = api.contract.refs.follow(api.contract.refs.lookup(pointer), pointer)
    except KeyError:
        return {}
    return node if isinstance(node, dict) else {}


def statuses(operation: Operation) -> Iterator[tuple[str, Text]]:
    """The declared statuses in order, each with what it means."""
    known = [key for key in operation.declared if _STATUS.fullmatch(key)]  # the rest is an extension, or a mistake
    for key in sorted(known, key=lambda key: (not key[0].isdigit(), key)):
        declared = operation.response(_number(key)) if key != "default" else operation.response(599)
        said = prose(declared.node.get("description"), 200) if declared is not None else ()
        yield key, said or (_phrase(key),)


def _number(key: str) -> int:
    return int(key) if key.isdigit() else int(key[0]) * 100 + 99


def _phrase(key: str) -> str:
    if key.isdigit() and int(key) in HTTPStatus._value2member_map_:
        return f"{HTTPStatus(int(key)).phrase}."
    return {"1": "Informational.", "2": "Success.", "3": "Redirection.", "4": "The request is wrong."}.get(
        key[0], "Any other status." if key == "default" else "The server failed."
    )


def fix(api: Api, operation: Operation, key: str, required: list[str], maker: Text) -> Text:
    """What to do about a status; () where there is nothing to do.

    Args:
        api: the API.
        operation: the operation.
        key: the status, a range or `default`.
        required: names of the fields and parameters that a request must have.
        maker: the operation that makes what this one names; () for none.
    """
    if key == "default":
        return ("Read the status and the body of the response.",)
    if key[0] in "123":
        return ()
    if key in ("400", "422"):
        fields: list[Text] = [(Code(name),) for name in required[:6]]
        return ("Provide ", *joined(fields), ".") if fields else ("Correct what the response names.",)
    if key == "401":
        return ("Send a valid key as ", *_sent_as(api, operation), ".")
    if key == "403" and (needed := scopes(api, operation)):
        return ("Use a key with ", *joined([(Code(scope),) for scope in needed]), ".")
    if key == "404":
        return ("Use an id that exists, such as one that ", *maker, " answered.") if maker else ("Correct the path.",)
    if key == "415":
        return ("Send ", Code(f"Content-Type: {operation.request_type}"), ".") if operation.request_type else ()
    if key == "406":
        return ("Accept ", Code(operation.success_types), ".") if operation.success_types else ()
    return tuple(_with_code(_FIXES.get(key) or _FIXES[f"{key[0]}XX"]))


def _sent_as(api: Api, operation: Operation) -> Text:
    """How a key is sent: the first way, each part of it."""
    places: list[Text] = []
    for credential in next(iter(api.contract.security(operation)), ()):
        if credential.place == "authorization":
            places.append((Code(f"Authorization: {credential.name.capitalize()} KEY"),))
        else:
            mark = {"header": ": ", "query": "=", "cookie": "="}[credential.place]
            before = "Cookie: " if credential.place == "cookie" else "?" if credential.place == "query" else ""
            places.append((Code(f"{before}{credential.name}{mark}KEY"),))
    return joined(places) if places else ("the contract says",)


def _with_code(text: str) -> Iterator[Inline]:
    for index, part in enumerate(text.split("`")):
        if part:
            yield Code(part) if index % 2 else part


_FIXES = {
    "402": "Add credits, then send it again.",
    "403": "Use a key that may do this.",
    "405": "Use a method that `Allow` names.",
    "408": "Send it again.",
    "409": "Read the current state, and decide by that.",
    "410": "It is gone; make a new one.",
    "412": "Read it again, and send its new `ETag`.",
    "413": "Send less at a time.",
    "428": "Send the condition that the response asks for.",
    "429": "Wait as long as `Retry-After` says, then send it again.",
    "4XX": "Correct what the response names.",
    "500": "Send it again later; report it when it stays.",
    "501": "Use another endpoint: this one is not there yet.",
    "503": "Wait as long as `Retry-After` says, then send it again.",
    "5XX": "Send it again later, and wait longer each time.",
}
"""What to do, for statuses of which the contract does not say more."""


def path_of(api: Api, operation: Operation) -> str:
    """The path of an operation behind the host of the API's server."""
    servers = operation.node.get("servers")
    return (base_paths(servers)[0] if servers else api.contract.base_path) + operation.path


def summary(operation: Operation) -> str:
    """What it does in a line."""
    for name in ("summary", "description"):
        text = plain(prose(operation.node.get(name), 160))
        if text:
            return text
    words = spaced(operation.id).split()
    if "/" in operation.id or not words:
        return f"{operation.method} {operation.path}"
    return " ".join([words[0].capitalize(), *words[1:]])


__all__ = [
    "auth",
    "beta_headers",
    "deprecated_parameters",
    "fix",
    "parameter_node",
    "path_of",
    "rate_limit",
    "scopes",
    "securities",
    "statuses",
    "summary",
]
