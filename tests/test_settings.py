"""Settings stand once: the options, the variables, the pages and the other defaults follow from them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mockserver.cli.main import cli
from mockserver.messages import Limit
from mockserver.pipeline.build import build
from mockserver.sandbox.sandbox import Terms
from mockserver.sandbox.sandboxes import Bounds
from mockserver.settings import DEFAULTS, GROUPS, Settings, SocketBounds, option_name, options, variable

ROOT = Path(__file__).parent.parent
OPTIONS = list(options())
IDS = [known.name for known, _ in OPTIONS]
NUMBERS = [pair for pair in OPTIONS if pair[1].kind in ("integer", "number", "duration", "mebibytes")]


def parse(*arguments, **variables):
    """The settings that `mockserver serve` makes of its arguments and variables."""
    with CliRunner().isolation(env=variables):
        given = cli.commands["serve"].make_context("serve", list(arguments)).params
        return Settings(**{name: value for name, value in given.items() if name != "documents"})


def serve_help(columns):
    return CliRunner().invoke(cli, ["serve", "--help"], terminal_width=columns, prog_name="mockserver").output


def test_a_command_line_without_options_gives_the_defaults():
    assert parse() == Settings()


def test_every_field_has_an_option_a_variable_and_a_group():
    assert [known.name for known in fields(Settings)] != []
    assert {known.name for known, _ in OPTIONS} == {known.name for known in fields(Settings)}
    params = {param.name: param for param in cli.commands["serve"].params}
    for known, _ in OPTIONS:
        assert f"--{option_name(known)}" in params[known.name].opts
        assert params[known.name].envvar == variable(known)
    assert {option.group for _, option in OPTIONS} == set(GROUPS)


@pytest.mark.parametrize(("known", "option"), OPTIONS, ids=IDS)
def test_a_help_text_stands_alone(known, option):
    assert option.help[0].isupper() and option.help.endswith(".")
    assert option.help.split()[0] not in ("Who", "What", "One", "Bytes", "They", "Its", "The")


@pytest.mark.parametrize("columns", [80, 100])
def test_the_help_lists_every_option_under_its_heading_and_keeps_to_the_columns(columns):
    text = serve_help(columns)
    sections = text.split("\n\n")
    for known, option in OPTIONS:
        (section,) = [part for part in sections if f"\n  --{option_name(known)} " in part]
        assert section.startswith(f"{option.group} (")
    assert max(map(len, text.splitlines())) <= columns
    assert "\N{NO-BREAK SPACE}" not in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--api", "datagrid", "--api", "shop=shop.yaml"), {"apis": ("datagrid", "shop=shop.yaml")}),
        (("--no-strict", "--stateless"), {"strict": False, "stateless": True}),
        (("--rate-limit", "3/10s"), {"rate_limit": Limit(3, 10.0)}),
        (("--rate-limit", "off"), {"rate_limit": None}),
        (("--max-memory", "2"), {"max_memory": 2 * 1024 * 1024}),
        (("--sandbox-idle", "30m", "--idle-timeout", "1m30s"), {"sandbox_idle": 1800.0, "idle_timeout": 90.0}),
        (("--credits", "2.5", "--log-level", "DEBUG"), {"credits": 2.5, "log_level": "debug"}),
        (("--admin-port", "4011"), {"admin_port": 4011}),
    ],
)
def test_options_become_settings(arguments, expected):
    assert parse(*arguments) == Settings(**expected)


def test_variables_become_settings():
    variables = {"MOCKSERVER_API": "datagrid,mem0", "MOCKSERVER_STRICT": "false", "MOCKSERVER_MAX_BODY": "10"}
    assert parse(**variables) == Settings(apis=("datagrid", "mem0"), strict=False, max_body=10)


@pytest.mark.parametrize(("known", "option"), NUMBERS, ids=[known.name for known, _ in NUMBERS])
@pytest.mark.parametrize("text", ["-1", "many", "1e999", ""])
def test_a_number_that_makes_no_sense_is_rejected_with_the_name_of_its_option(known, option, text):
    if option.least is None and text == "-1":
        pytest.skip("any whole number will do")
    with pytest.raises(click.BadParameter) as caught:
        parse(f"--{option_name(known)}={text}")
    assert f"--{option_name(known)}" in caught.value.format_message()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--api-key", ""), "the value is empty"),
        (("--api", ""), "the value is empty"),
        (("--api-key", "sk-\N{SNOWMAN}"), "no HTTP header can carry this value"),
        (("--admin-token", "a\nb"), "no HTTP header can carry this value"),
        (("--state-file", "/nowhere/at/all.json"), "there is no folder '/nowhere/at'"),
        (("--rate-limit", "0"), "'0' is not a rate limit"),
        (("--idle-timeout", "0s"), "'0s' is not longer than zero"),
    ],
)
def test_a_value_that_cannot_work_is_rejected_at_the_start(arguments, said):
    with pytest.raises(click.BadParameter) as caught:
        parse(*arguments)
    message = caught.value.format_message()
    assert said in message and arguments[0] in message
    assert "sk-" not in message


def test_a_bad_variable_is_named():
    with pytest.raises(click.BadParameter) as caught:
        parse(MOCKSERVER_MAX_BODY="much")
    assert "MOCKSERVER_MAX_BODY" in caught.value.format_message()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "4011", "--admin-port", "4011"), "--port and --admin-port are both 4011; "),
        (
            ("--port", "0", "--scenario", "out-of-credits", "--scenario", "rate-limited-once"),
            "the scenarios out-of-credits and rate-limited-once are both for datagrid; start with one",
        ),
        (("--port", "0", "--api", "datagri"), "did you mean 'datagrid'?"),
        (("--port", "0", "--api", "datagrid", "--api", "datagrid"), "two APIs are called 'datagrid'"),
    ],
)
def test_a_start_that_cannot_work_ends_with_one_message(arguments, said):
    command = [sys.executable, "-m", "mockserver", "serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mockserver: ") and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_no_other_default_says_something_else():
    assert SocketBounds() == DEFAULTS.socket_bounds
    pipeline = build(Settings())
    assert pipeline.sandbox.terms == Terms()
    assert pipeline.sandboxes.bounds == Bounds()


def test_settings_reach_the_sandboxes_and_the_sockets():
    bounds = Settings(max_connections=1, max_head=2, request_timeout=3, idle_timeout=4).socket_bounds
    assert bounds == SocketBounds(1, 2, 3, 4)
    terms = build(Settings(journal_size=5, journal_bytes=6)).sandbox.terms
    assert (terms.journal_size, terms.journal_bytes) == (5, 6)


PINNED = re.search(r"^click==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)[1]


@pytest.mark.skipif(version("click") != PINNED, reason=f"the page of the commands is written with click {PINNED}")
def test_the_tables_of_the_pages_are_up_to_date():
    command = [sys.executable, str(ROOT / "docs" / "tables.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
