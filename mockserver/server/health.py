"""Asks a server of this machine whether it is ready: what a container's health check runs every few seconds.

It speaks HTTP over a plain socket, because a client library would take longer to import than the answer takes.
"""

from __future__ import annotations

import socket

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Where a server that listens on every address is asked."""


def unready(host: str, port: int, timeout: float) -> str:
    """Why a server is not ready; "" when it is.

    Args:
        host, port: where its admin API listens.
        timeout: seconds that it may take to connect, and then to answer.
    """
    host = _ANY.get(host, host)
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(b"GET /__admin/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with connection.makefile("rb") as response:
                line = response.readline(200).decode("latin-1").strip()
    except TimeoutError:
        return f"{name} did not answer within {timeout:g} seconds"
    except OSError as error:
        return f"nothing answers at {name}: {error.strerror or error}"
    if not line.startswith("HTTP/1.1 "):
        return f"{name} is no mockserver: it does not speak HTTP/1.1"
    status = line.split(" ")[1]
    if status == "200":
        return ""
    return f"{name} is draining" if status == "503" else f"{name} is no mockserver: it answered with status {status}"
