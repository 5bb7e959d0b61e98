"""Every fenced block of README.md and docs/ does what its page says.

    python tests/test_snippets.py                       # how many ran, on which page, and how long it took
    WRITE_SNIPPETS=1 pytest tests/test_snippets.py      # writes what was printed into the pages

A page is one story, done from top to bottom in an empty folder; docs/contributing.md says how blocks are written.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from snippets.pages import Page, paths, read
from snippets.programs import warm
from snippets.story import Done, Story, Wrong, is_run, needs_server, rewrite

from mockserver.pipeline.build import build
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

ELSEWHERE = {
    "docs/architecture.md": "tests/test_recipes.py",
    "docs/api/": "tests/test_endpoint_page_samples.py",
}
"""Pages whose blocks another module runs."""

PAGES = [read(path) for path in paths()]


def elsewhere(page: Page) -> str:
    """The module that runs a page; "" for this one."""
    return next((module for prefix, module in ELSEWHERE.items() if page.name.startswith(prefix)), "")


OWN = [page for page in PAGES if not elsewhere(page) and any(map(is_run, page.blocks))]
LONG = [page for page in OWN if any(block.long for block in page.blocks)]
_NAMES = (
    "agents",
    "credits",
    "faults",
    "proxy",
    "pytest",
    "rate-limits",
    "record",
    "sandboxes",
    "sidecar",
    "start",
    "time",
)
SLOW = {f"docs/{name}.md" for name in _NAMES}
"""Pages that take seconds and run with the long tests; what they tell of has tests of its own in each run."""


class Runner:
    """What the pages share: the warm programs, and a server for pages that start none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._programs = self._stack.enter_context(warm(folder / "programs"))
        self._count = 0

    def close(self) -> None:
        self._stack.close()

    def run(self, page: Page, long: bool = False, writes: bool = False) -> Done:
        self._count += 1
        with self._server(page) as port:
            folder = self._folder / f"{self._count}-{page.path.stem}"
            return Story(page, folder, self._programs, port, long=long, writes=writes).run()

    @contextmanager
    def _server(self, page: Page) -> Iterator[int | None]:
        if not needs_server(page):
            yield None
            return
        with serve_in_thread(create_app(pipeline=build(Settings()))) as served:
            yield served.port


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("snippets"))
    yield runner
    runner.close()


def check(runner: Runner, page: Page, long: bool = False) -> None:
    writes = bool(os.environ.get("WRITE_SNIPPETS"))
    done = runner.run(read(page.path), long, writes)  # an earlier run may have written into it
    if done.rewritten:
        rewrite(page.path, done.rewritten)


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.long] * (page.name in SLOW)) for page in OWN],
    ids=lambda page: page.name,
)
def test_a_page_does_what_it_says(page, runner):
    check(runner, page)


@pytest.mark.long
@pytest.mark.parametrize("page", LONG, ids=lambda page: page.name)
def test_a_page_does_what_it_says_in_the_blocks_that_take_long_too(page, runner):
    check(runner, page, long=True)


def test_a_page_without_a_snippet_says_why():
    pages = [page for page in PAGES if not elsewhere(page) and not any(map(is_run, page.blocks))]
    silent = [page.name for page in pages if not page.front.get("no_snippet")]
    assert silent == []


def test_no_code_stands_outside_of_a_fence():
    assert [f"{page.name}:{line}" for page in PAGES for line in page.loose] == []


def test_modules_that_are_said_to_run_a_block_are_there():
    root = Path(__file__).parent.parent
    named = {(f"{page.name}:{block.line}", block.not_run) for page in PAGES for block in page.blocks}
    named |= {(page.name, str(page.front.get("no_snippet", ""))) for page in PAGES} | set(ELSEWHERE.items())
    wrong = [(place, file) for place, said in named for file in re.findall(r"tests/[\w*]+\.py", said)]
    assert [(place, file) for place, file in wrong if not list(root.glob(file))] == []


def page_of(folder: Path, text: str) -> Page:
    (folder / "page.md").write_text(text, encoding="utf-8")
    return read(folder / "page.md")


DRIFTS = {
    "an output that changed": ("```console\n$ mockserver --version\nmockserver, version 9.9\n```\n", 3),
    "a line more": ("# T\n\n```console\n$ printf 'a\\nb\\n'\na\n```\n", 6),
    "a command that fails": ("```console\n$ mockserver check none.yaml\n```\n", 2),
    "an option that is gone": ("```text\nmockserver serve --colour\n```\n", 2),
    "an extra that is gone": ("```console\n$ pip install 'mockserver[everything]'\n```\n", 2),
    "Python that raises": ("```python\nimport mockserver.nothing\n```\n", 2),
    "Python that prints something else": ("```python\nprint(1)\n```\n\n```text\n2\n```\n", 6),
    "a test that fails": (
        "```python\ndef test_it(mockserver):\n    assert mockserver.credits.remaining == 1\n```\n",
        2,
    ),
    "a key that no scenario has": ("```yaml\n# rules\nrules:\n  - {id: a, op: x, whem: {}}\n```\n", 2),
    "a file of another tool": ("```yaml\n# compose\nservices: {a: {imagine: b}}\n```\n", 2),
    "data that is none": ("```json\n{a: 1}\n```\n", 2),
    "a language that nobody knows": ("```cobol\nSTOP RUN.\n```\n", 2),
    "a status": ("```http\nGET /datagrid/v1/user-memories\n\nHTTP/1.1 200 OK\n```\n", 4),
    "a body": (
        "```http\nGET /datagrid/v1/organization/credits\nAuthorization: Bearer k\n\n"
        'HTTP/1.1 200 OK\n\n{"total": 1, "...": 0}\n```\n',
        7,
    ),
}


@pytest.mark.parametrize("what", DRIFTS)
def test_a_page_that_is_not_true_any_more_is_told_with_its_line(what, runner, tmp_path):
    text, line = DRIFTS[what]
    with pytest.raises(Wrong, match=rf"^page\.md:{line}: "):
        runner.run(page_of(tmp_path, text))


def test_what_differs_from_run_to_run_is_no_drift(runner, tmp_path):
    page = page_of(
        tmp_path,
        "```console\n$ mockserver serve --api datagrid\n"
        "2026-01-01 10:00:00,000 INFO datagrid on http://127.0.0.1:4010/datagrid/v1\n...\n"
        "$ export NAME=tea && cd /tmp\n$ echo $NAME; pwd; echo http://127.0.0.1:4010; echo '1 passed in 3.2s'\n"
        "tea\n/tmp\nhttp://127.0.0.1:4010\n1 passed in 0.1s\n```\n",
    )
    assert runner.run(page).counts == {"commands": 3, "outputs": 2}


def test_an_output_is_written_into_its_page(runner, tmp_path):
    page = page_of(tmp_path, "One\n\n```console\n$ printf 'a\\nb\\n'\nold\n$ echo c\nc\n```\n\nTwo\n")
    rewrite(page.path, runner.run(page, writes=True).rewritten)
    assert page.path.read_text() == "One\n\n```console\n$ printf 'a\\nb\\n'\na\nb\n$ echo c\nc\n```\n\nTwo\n"


def test_what_a_failing_command_printed_is_not_written_into_a_page(runner, tmp_path):
    page = page_of(tmp_path, "```console\n$ echo broken; (exit 3)\nfine\n```\n")
    with pytest.raises(Wrong, match=r"^page\.md:3: [\s\S]*exit code 3"):
        runner.run(page, writes=True)


COLUMNS = ("files", "commands", "outputs", "python", "tests", "javascript", "yaml", "data", "http", "shown", "not run")


def report() -> None:
    """Run every page, and print what was run."""
    total = Done()
    print(f"{'page':28}" + "".join(f"{name:>11}" for name in COLUMNS) + f"{'seconds':>9}")
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        for page in PAGES:
            if page in OWN:
                done = runner.run(page, long="--long" in sys.argv)
                total.counts += done.counts
                total.seconds += done.seconds
                print(_row(page.name, done))
            elif elsewhere(page):
                total.counts["elsewhere"] += len(page.blocks)
        runner.close()
    print(_row("all", total))
    print(f"{total.counts['elsewhere']} blocks are run by {', '.join(ELSEWHERE.values())}")


def _row(name: str, done: Done) -> str:
    return f"{name:28}" + "".join(f"{done.counts[one] or '':>11}" for one in COLUMNS) + f"{done.seconds:9.1f}"


if __name__ == "__main__":
    report()
