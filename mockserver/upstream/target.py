"""Which server is meant by `--upstream`, and how it is reached: TLS, a client certificate, an HTTP proxy.

Everything comes from options. The environment (`HTTPS_PROXY`, `SSL_CERT_FILE`) is not asked, so that no request
goes to a host that was not named. Must not know: requests, contracts.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urlsplit

from mockserver.errors import UserError

if TYPE_CHECKING:
    from ssl import SSLContext

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """An HTTP proxy on the way to the upstream."""

    host: str
    port: int
    authorization: bytes = b""
    """The value of `Proxy-Authorization`; empty for none."""


@dataclass(frozen=True, slots=True)
class Target:
    """The upstream: one origin, and what stands before every path."""

    url: str
    """As it is shown; it holds no secret."""
    host: str
    port: int
    host_field: bytes
    """The value of `Host`."""
    base: bytes = b""
    """What stands before every path: `/v1`, or nothing."""
    tls: SSLContext | None = None
    """None for plain HTTP."""
    proxy: HttpProxy | None = None

    def request_target(self, local: bytes) -> bytes:
        """The target of a request line for a path and query as the client sent them.

        A proxy that reads plain HTTP wants the whole URL.
        """
        path = self.base + local
        if self.proxy is not None and self.tls is None and local != b"*":
            return b"http://" + self.host_field + path
        return path if local != b"*" else local


def target_of(
    url: str, *, ca: str = "", certificate: str = "", key: str = "", proxy: str = "", option: str = "--upstream"
) -> Target:
    """The upstream that a URL means.

    Args:
        url: `http://` or `https://`, a host, perhaps a port and a path.
        ca: a PEM file with the authorities that are trusted, instead of the system's.
        certificate: a PEM file with the client's certificate.
        key: a PEM file with its key, where that is not in `certificate`.
        proxy: the URL of an HTTP proxy, which may hold a name and a password.
        option: what the URL is called in messages.

    Raises UserError.
    """
    parts = _split(url, option, ("http", "https"))
    if parts.username is not None:
        raise UserError(f"{option} holds a name or a password; credentials are sent in headers, so leave it out")
    if parts.query or parts.fragment:
        raise UserError(f"{option} {url!r} has a query or a fragment; name an origin, and perhaps a path")
    host, scheme = parts.hostname or "", parts.scheme
    port = _port(parts, option)
    shown = f"[{host}]" if ":" in host else host
    origin = shown if port == PORTS[scheme] else f"{shown}:{port}"
    base = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    if scheme == "http" and (ca or certificate or key):
        raise UserError(f"certificates are for https, and {option} is an http URL; write https, or leave them out")
    return Target(
        f"{scheme}://{origin}{base}",
        host,
        port,
        origin.encode("ascii"),
        base.encode("ascii"),
        _tls(ca, certificate, key) if scheme == "https" else None,
        _proxy(proxy) if proxy else None,
    )


def _split(url: str, option: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("ascii").decode()
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in schemes or not host or any(char.isspace() for char in url):
        expected = " or ".join(f"{scheme}://HOST[:PORT]" for scheme in schemes)
        # What may be a password is not repeated.
        shown = repr(url) if "@" not in url else "what it says"
        raise UserError(f"{option}: {shown} is not the URL of a server; write {expected}")
    return parts


def _port(parts: SplitResult, option: str) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise UserError(f"{option}: the port is not one; use 1 to 65535")
    return port or PORTS[parts.scheme]


def _proxy(url: str) -> HttpProxy:
    parts = _split(url, "--upstream-proxy", ("http",))
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return HttpProxy(parts.hostname or "", _port(parts, "--upstream-proxy"), authorization)


def _tls(ca: str, certificate: str, key: str) -> SSLContext:
    import ssl  # a plain upstream does without

    for option, file in (("--upstream-ca", ca), ("--client-cert", certificate), ("--client-key", key)):
        if file and not Path(file).is_file():
            raise UserError(f"{option}: there is no file {file!r}")
    if key and not certificate:
        raise UserError("--client-key needs the certificate that it belongs to; add --client-cert")
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (ssl.SSLError, OSError) as error:
        raise UserError(f"--upstream-ca: {ca} holds no certificate in PEM: {error}") from None
    context.set_alpn_protocols(["http/1.1"])
    if certificate:
        try:
            # A key that needs a password would be asked for on the terminal; a server cannot ask.
            context.load_cert_chain(certificate, key or None, password=lambda: "")
        except (ssl.SSLError, OSError) as error:
            raise UserError(f"--client-cert: the certificate or its key cannot be used: {error}") from None
    return context
