"""The page on `mockserver conform` lists every rule with its level. Its example is run by test_snippets.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockserver.conform.rules import RULES

PAGE = (Path(__file__).parent.parent / "docs" / "conform.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES)
def test_the_page_lists_every_rule_with_its_level(rule):
    part, _, name = rule.partition("-")
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    levels = {
        id: (row[2].split(",") * 9)[number if "," in row[2] else 0].strip()
        for row in rows
        for number, id in enumerate(re.findall(r"`([^`]+)`", row[1]))
    }
    listed = levels.get(rule) or (levels.get(f"…-{name}") if part in ("body", "error", "header") else None)
    assert listed == RULES[rule].level


def test_no_rule_is_listed_that_there_is_not():
    listed = re.findall(r"`([a-z-]+-[a-z-]+)`", PAGE.partition("## Rules")[2])
    assert set(listed) <= set(RULES)
