"""An inferred resource beside the bundled Datagrid API: CPU time for a POST and a GET, as ratios of one run.

`python -m benchmarks.inferred [--rounds N]`. The document is the bundled shop without its profile, so that everything
it does is inferred. Rounds alternate, and the median of the ratios is told.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time

from benchmarks.inside import page, post
from benchmarks.inside import pipeline as datagrid
from mockserver.apis import Api
from mockserver.data import bundled_file
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline

ROUNDS = 15
REQUESTS = 1000
"""Requests of a round."""


def spent(pipeline: Pipeline, request: Request) -> float:
    """Seconds of CPU time for the requests of a round."""
    gc.collect()
    started = time.process_time()
    for _ in range(REQUESTS):
        pipeline.exchange(request)
    return time.process_time() - started


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    shop = Pipeline([Api.from_openapi(bundled_file("spec", "shop.yaml"))])
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    body = json.dumps({"item_id": "itm_4f7a2c91", "quantity": 2}).encode()
    create = Request("POST", "/v1/orders", "", headers, body)
    made = shop.exchange(create).response
    assert made is not None
    read = Request("GET", f"/v1/orders/{made.data['id']}", "", {"authorization": "Bearer k"})
    bundled = datagrid()
    for name, ours, theirs in (("POST", create, post()), ("GET of a row beside GET of 1", read, page(1))):
        ratios = [spent(shop, ours) / spent(bundled, theirs) for _ in range(rounds)]
        low, high = min(ratios), max(ratios)
        print(f"{name:<30} {statistics.median(ratios):.2f} x of Datagrid's ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
