"""Where requests to a document go: the base paths of its servers.

Every server counts, with each value that the `enum` of a variable in its path allows (3.0.4, Server Object). Relative
URLs are resolved; the host does not matter. Knows nothing of operations.
"""

from __future__ import annotations

import re
from itertools import islice, product
from typing import Any
from urllib.parse import urljoin, urlsplit

MAX_BASES = 64
"""Base paths of one list of servers; variables can make millions of them."""
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_ANYWHERE = "http://server.invalid/"
"""What relative URLs are resolved against when the document does not say where it is."""


def base_paths(servers: Any, document_url: str = "") -> list[str]:
    """The paths of a list of Server Objects, without a trailing slash, each once; [""] when there are none.

    Args:
        servers: the value of `servers`; what is no server in it is passed over.
        document_url: where the document says it is (`$self` in 3.2), for relative URLs.
    """
    found: dict[str, None] = {}
    for server in servers if isinstance(servers, list) else []:
        if isinstance(server, dict) and isinstance(server.get("url"), str):
            for url in islice(_filled(server["url"], server.get("variables")), MAX_BASES):
                found.setdefault(_path(url, document_url))
    return list(found)[:MAX_BASES] or [""]


def _path(url: str, document_url: str) -> str:
    try:
        absolute = urljoin(urljoin(_ANYWHERE, document_url), url)
        return urlsplit(absolute).path.rstrip("/")
    except ValueError:  # such as `https://[`
        return ""


def _filled(url: str, variables: Any) -> list[str]:
    """The URLs that the variables of a server make: each value of those in the path, the default of the others."""
    variables = variables if isinstance(variables, dict) else {}
    names = list(dict.fromkeys(_VARIABLE.findall(url)))
    path = url.partition("://")[2].partition("/")[2] if "://" in url and not url.startswith("{") else url
    choices = [_values(variables.get(name), f"{{{name}}}" in path) for name in names]
    urls = []
    for values in islice(product(*choices), MAX_BASES):
        filled = url
        for name, value in zip(names, values, strict=True):
            filled = filled.replace(f"{{{name}}}", value)
        urls.append(filled)
    return urls


def _values(variable: Any, is_in_path: bool) -> list[str]:
    """What a server variable may be, its default first. A host's variable has one value: hosts do not matter here."""
    if not isinstance(variable, dict):
        return [""]
    default = str(variable.get("default", ""))
    options = variable.get("enum") if is_in_path else None
    return list(dict.fromkeys([default, *map(str, options if isinstance(options, list) else [])]))
