"""The clients that are written in Python, each as its documentation shows it: `python -m ... NAME < cases.json`.

A client's function makes one call that creates something. What a client can be configured to retry is configured to
retry a POST too, because a client that retries nothing has nothing to show; the clients of vendors are as they come.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

THING = {"name": "a"}
STATUSES = (429, 503)


def datagrid(url: str, key: str) -> None:
    from datagrid_ai import Datagrid

    Datagrid(api_key=key, base_url=url).memory.user.create(agent_id="a", memory="m")


def mem0(url: str, key: str) -> None:
    from mem0 import MemoryClient

    MemoryClient(api_key=key, host=url).add([{"role": "user", "content": "I like tea."}], user_id="u")


def openai(url: str, key: str) -> None:
    from openai import OpenAI

    messages: Any = [{"role": "user", "content": "Hello?"}]
    OpenAI(base_url=f"{url}/v1", api_key=key).chat.completions.create(model="m", messages=messages)


def anthropic(url: str, key: str) -> None:
    from anthropic import Anthropic

    client = Anthropic(base_url=url, auth_token=key)
    client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello?"}])


def stripe(url: str, key: str) -> None:
    from stripe import StripeClient

    client = StripeClient(key, base_addresses={"api": url}, max_network_retries=2)
    client.v1.charges.create(params={"amount": 100, "currency": "eur"})


def urllib3(url: str, key: str) -> None:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(total=3, backoff_factor=0.5, status_forcelist=STATUSES, allowed_methods=None)
    with requests.Session() as http:
        http.mount("http://", HTTPAdapter(max_retries=retry))
        http.post(f"{url}/things", json=THING, headers=_bearer(key)).raise_for_status()


def httpx_retries(url: str, key: str) -> None:
    import httpx
    from httpx_retries import Retry, RetryTransport

    retry = Retry(total=3, backoff_factor=0.5, allowed_methods=["POST"])
    with httpx.Client(transport=RetryTransport(retry=retry)) as http:
        http.post(f"{url}/things", json=THING, headers=_bearer(key)).raise_for_status()


def tenacity(url: str, key: str) -> None:
    import httpx
    from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

    @retry(
        stop=stop_after_attempt(4), wait=wait_exponential_jitter(0.5), retry=retry_if_exception_type(httpx.HTTPError)
    )
    def call() -> None:
        httpx.post(f"{url}/things", json=THING, headers=_bearer(key)).raise_for_status()

    call()


def aiohttp_retry(url: str, key: str) -> None:
    from aiohttp_retry import ExponentialRetry, RetryClient

    async def call() -> None:
        terms = ExponentialRetry(attempts=4, start_timeout=0.5, statuses=set(STATUSES), methods={"POST"})
        async with RetryClient(retry_options=terms, raise_for_status=True) as http:
            await http.post(f"{url}/things", json=THING, headers=_bearer(key))

    asyncio.run(call())


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class Client(NamedTuple):
    """A client."""

    api: str
    """The API that it is for."""
    call: Callable[[str, str], None]
    """Makes a call to a URL with a key."""
    module: str
    """What takes long to import."""


CLIENTS = {
    "datagrid-ai": Client("datagrid", datagrid, "datagrid_ai"),
    "mem0ai": Client("mem0", mem0, "mem0"),
    "openai": Client("vendors", openai, "openai"),
    "anthropic": Client("vendors", anthropic, "anthropic"),
    "stripe": Client("vendors", stripe, "stripe"),
    "urllib3": Client("vendors", urllib3, "requests"),
    "httpx-retries": Client("vendors", httpx_retries, "httpx_retries"),
    "tenacity": Client("vendors", tenacity, "tenacity"),
    "aiohttp-retry": Client("vendors", aiohttp_retry, "aiohttp_retry"),
}
"""The clients, by the names of their packages."""


def main() -> None:
    """Make the calls of one client, all at once, and print what came of each."""
    asked = json.load(sys.stdin)
    client = CLIENTS[asked["client"]]
    import_module(client.module)
    outcomes: dict[str, str] = {}

    def run(case: str, url: str, key: str) -> None:
        try:
            client.call(url, key)
            outcomes[case] = "ok"
        except Exception as error:
            outcomes[case] = type(error).__name__

    threads = [
        threading.Thread(target=run, args=(case, target["url"], target["key"]), daemon=True)
        for case, target in asked["cases"].items()
    ]
    deadline = threading.Timer(asked["seconds"], _end, (outcomes,))
    deadline.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _end(outcomes)


def _end(outcomes: dict[str, str]) -> None:
    """Print what there is; a call that still waits is not there."""
    print(json.dumps(outcomes), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
