"""Resilience coverage for a reader: lines for a terminal, and one HTML file for screen, phone and paper."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from http import HTTPStatus

from mockserver.testing.coverage.goals import FAULT_KINDS, Coverage, Goal

WIDTH = 100
"""Columns of the terminal's table."""
STAR = "*"
"""Marks a goal that rests on an assumption of the mock."""


def terminal_lines(coverage: Coverage) -> list[str]:
    """A table: per operation the goals seen and those missing, then the totals. Without colour."""
    lines: list[str] = []
    names = [id for api in coverage.apis.values() for id in api.contract.operations]
    column = min(40, max(map(len, map(_plain, [*names, "faults"])), default=0))
    for api in coverage.apis.values():
        goals = [goal for goal in coverage.goals() if goal.api == api.name]
        if not coverage.called(api.name):
            lines.append(f"{_plain(api.name)}: not called, not counted")
            continue
        lines.append(f"{_plain(api.name)}: {_share(goals)}")
        for operation in [*api.contract.operations, ""]:
            rows = [goal for goal in goals if goal.operation == operation]
            if rows:
                lines += _row(_plain(operation) or "faults", rows, column)
    counted = coverage.counted()
    seen = f"{_share(counted)} seen" if counted else "nothing was called"
    lines.append(f"resilience coverage {percent_text(coverage.percent)}: {seen}")
    assumed = [goal for goal in counted if goal.provenance == "assumed"]
    if assumed:
        lines.append(f"{STAR} the vendor does not say so; the mock assumes it ({_share(assumed)} seen)")
    return lines


def _row(name: str, goals: Sequence[Goal], column: int) -> list[str]:
    missing = ", ".join(_name(goal) for goal in _sorted(goals) if not goal.seen)
    head = f"  {name:<{column}}  {_share(goals, '/'):>5}  "
    if not missing:
        return [head.rstrip()]
    return textwrap.wrap(f"{head}missing {missing}", WIDTH, subsequent_indent=" " * (column + 11), drop_whitespace=True)


def percent_text(percent: float) -> str:
    """A percentage with one decimal, never rounded up: 99.96 is not 100."""
    return f"{int(percent * 10) / 10:.1f} %"


def _share(goals: Sequence[Goal], of: str = " of ") -> str:
    return f"{sum(goal.seen > 0 for goal in goals)}{of}{len(goals)}"


def _name(goal: Goal) -> str:
    return _plain(goal.name) + (STAR if goal.provenance == "assumed" else "")


def _plain(text: str) -> str:
    """Control characters escaped, so that a document cannot steer the terminal."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _sorted(goals: Iterable[Goal]) -> list[Goal]:
    """Statuses by number, the rest as declared."""
    return sorted(goals, key=lambda goal: (goal.kind != "status", goal.name if goal.kind == "status" else ""))


def html(coverage: Coverage, title: str) -> str:
    """The report as one file that needs nothing else: no script, no other resource."""
    called = [name for name in coverage.apis if coverage.called(name)]
    idle = [name for name in coverage.apis if name not in called]
    parts = [_HEAD.format(title=escape(title), css=CSS), _summary(coverage, title)]
    parts += [_api(coverage, name, bar=len(called) > 1) for name in called]
    if idle:
        parts.append(f'<p class="note">Not called, and so not counted: {escape(", ".join(idle))}.</p>')
    return "\n".join([*parts, "</main>", "</body>", "</html>", ""])


def _summary(coverage: Coverage, title: str) -> str:
    goals = coverage.counted()
    kinds = (("statuses", "status"), ("variants", "variant"), ("kinds of fault", "fault"))
    facts = [(_share(found), name) for name, kind in kinds if (found := [g for g in goals if g.kind == kind])]
    assumed = [goal for goal in goals if goal.provenance == "assumed" and goal.seen]
    seen = f"{_share(goals)} ways to be answered were seen" if goals else "nothing was called"
    cells = "".join(f"<li><b>{share}</b> {name}</li>" for share, name in facts)
    if assumed:
        cells += f"<li><b>{len(assumed)}</b> of those seen rest on an assumption</li>"
    return f"""<header>
<h1>{escape(title)}</h1>
<p class="big"><b>{percent_text(coverage.percent)}</b> {seen}</p>
{_bar(goals)}
<ul class="facts">{cells}</ul>
<ul class="legend" aria-label="Legend">
<li><span class="chip seen">200<i>×3</i></span> seen, and how often</li>
<li><span class="chip missing">429</span> not seen yet</li>
<li><span class="chip missing assumed">404{STAR}</span> assumed: the vendor does not say so</li>
</ul>
</header>"""


def _bar(goals: Sequence[Goal]) -> str:
    share = 100 * sum(goal.seen > 0 for goal in goals) / len(goals) if goals else 0
    return f'<div class="bar" role="img" aria-label="{_share(goals)}"><span style="width:{share:.1f}%"></span></div>'


def _api(coverage: Coverage, name: str, bar: bool) -> str:
    contract = coverage.apis[name].contract
    goals = [goal for goal in coverage.goals() if goal.api == name]
    parts = [
        f'<section>\n<h2>{escape(name)} <span class="count">{_share(goals)}</span></h2>\n{_bar(goals) if bar else ""}'
    ]
    for operation in contract.operations.values():
        rows = [goal for goal in goals if goal.operation == operation.id]
        calls = coverage.calls(name, operation.id)
        times = "never called" if not calls else "called once" if calls == 1 else f"called {calls} times"
        route = f"{operation.method} {operation.path}"
        parts.append(_article(operation.id, route if route != operation.id else "", times, rows))
    faults = [goal for goal in goals if goal.kind == "fault"]
    if faults:
        parts.append(_article("Faults", "", "of any operation", faults))
    return "\n".join([*parts, "</section>"])


def _article(name: str, route: str, note: str, goals: Sequence[Goal]) -> str:
    lists = ""
    for kind in ("status", "variant", "fault"):
        chips = "\n".join(_chip(goal) for goal in _sorted(goals) if goal.kind == kind)
        if chips:
            lists += f'\n<ul class="chips {kind}">\n{chips}\n</ul>'
    path = f"<code>{escape(route)}</code> " if route else ""
    return f"""<article>
<h3>{escape(name)} <span class="count">{_share(goals, "/")}</span></h3>
<p class="route">{path}{note}</p>{lists}
</article>"""


def _chip(goal: Goal) -> str:
    assumed = goal.provenance == "assumed"
    classes = ("chip seen" if goal.seen else "chip missing") + (" assumed" if assumed else "")
    about = [f"seen {goal.seen} times" if goal.seen else "not seen yet", *filter(None, [goal.provenance])]
    if goal.kind == "status" and goal.name.isdigit() and int(goal.name) in HTTPStatus._value2member_map_:
        about.insert(0, HTTPStatus(int(goal.name)).phrase)
    text = escape(goal.name) + (STAR if assumed else "")
    if goal.seen:
        text += f"<i>×{goal.seen}</i>"
    elif goal.kind == "fault":
        text += f"<code>{escape(FAULT_KINDS[goal.name].how)}</code>"
    return f'<li class="{classes}" title="{escape(", ".join(about))}">{text}</li>'


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<main>"""

CSS = """
:root { --page: #f6f7f9; --card: #fff; --ink: #1b2430; --soft: #596575; --line: #d5dae1;
  --good: #14683a; --good-back: #def3e6; --bad: #a3321f; --bad-back: #fff; --track: #e3e7ec; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #12161c; --card: #1a2029; --ink: #e4e9ef; --soft: #9ba8b7; --line: #323b48;
    --good: #8fe0b0; --good-back: #173826; --bad: #ff9d89; --bad-back: #1a2029; --track: #2b3440; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1, h2, h3, p, ul { margin: 0; padding: 0; }
h1 { font-size: 1.25rem; line-height: 1.3; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
h3 { font-size: 1rem; display: flex; gap: .75rem; justify-content: space-between; align-items: baseline; }
.big { color: var(--soft); } .big b { display: block; font-size: 2.75rem; line-height: 1.2; color: var(--ink); }
.count { font-weight: 400; color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { height: .5rem; margin: .5rem 0 1rem; background: var(--track); border-radius: .25rem; overflow: hidden; }
.bar span { display: block; height: 100%; background: var(--good); }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; color: var(--soft); }
.facts b { color: var(--ink); }
article { margin-top: .75rem; padding: .75rem 1rem 1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; }
.route, .note { color: var(--soft); font-size: .875rem; } .note { margin-top: 2rem; }
code { font: .875em ui-monospace, monospace; } .route code { margin-right: .5rem; color: var(--ink); }
.chips { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .375rem; margin-top: .5rem; list-style: none; }
.chip { padding: .125rem .625rem; border: 1px solid; border-radius: .5rem; font-size: .875rem;
  font-variant-numeric: tabular-nums; }
.seen { color: var(--good); background: var(--good-back); } .missing { color: var(--bad); background: var(--bad-back); }
.seen::before { content: "✓ "; } .missing::before { content: "○ "; } .assumed { border-style: dashed; }
.chip i { margin-left: .375rem; font-style: normal; opacity: .85; }
.chip code { display: block; color: var(--soft); font-size: .8125em; }
.legend { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin-top: 1rem; list-style: none; font-size: .875rem; }
.legend .chip { margin-right: .25rem; }
@media (max-width: 30rem) { .legend { flex-direction: column; } article { padding: .625rem .75rem .75rem; }
  .chip { padding: .125rem .5rem; } }
@media print {
  html { font-size: 13px; } body { background: #fff; font-size: 1rem; } main { max-width: none; padding: 0; }
  article, header { break-inside: avoid; } h2, h2 + .bar { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
