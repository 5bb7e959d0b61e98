"""An inferred resource beside the bundled Datagrid API: instructions for a POST and a GET, as ratios.

`python -m benchmarks.inferred`. Counted by valgrind as `benchmarks.instructions` does. The document is the bundled
shop without its profile, so that all that it does is inferred.
"""

from __future__ import annotations

import argparse
import gc
import shutil
from pathlib import Path

import orjson

from benchmarks.inside import page, post
from benchmarks.inside import pipeline as datagrid
from benchmarks.instructions import measure
from mockserver.apis import Api
from mockserver.data import bundled_file
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline

NAMES = ("Datagrid, POST", "Datagrid, GET 1", "shop, POST", "shop, GET of a row")
KEY = {"authorization": "Bearer k"}


def child(name: str, count: int) -> None:
    """What runs under valgrind, with the garbage collector off as in `benchmarks.instructions`."""
    gc.disable()
    if name.startswith("Datagrid"):
        pipeline = datagrid()
        create, read = post(), page(1)
        pipeline.exchange(create)
    else:
        pipeline = Pipeline([Api.from_openapi(Path(bundled_file("spec", "shop.yaml")))])
        body = orjson.dumps({"item_id": "itm_4f7a2c91", "quantity": 2})
        create = Request("POST", "/v1/orders", "", {**KEY, "content-type": "application/json"}, body)
        made = pipeline.exchange(create).response
        assert made is not None
        read = Request("GET", f"/v1/orders/{made.data['id']}", "", KEY)
    request = create if name.endswith("POST") else read
    for _ in range(count):
        pipeline.exchange(request)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", nargs=2, metavar=("NAME", "COUNT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child[0], int(asked.child[1]))
        return
    if shutil.which("valgrind") is None:
        print("instructions are not counted: valgrind is not installed")
        return
    figures = measure("benchmarks.inferred", NAMES)
    print()
    for bundled, inferred in ((NAMES[0], NAMES[2]), (NAMES[1], NAMES[3])):
        ratio = figures[inferred] / figures[bundled]
        print(f"{inferred:<20}{figures[inferred]:>10,}  {ratio:.2f} x of {bundled} ({figures[bundled]:,})")


if __name__ == "__main__":
    main()
