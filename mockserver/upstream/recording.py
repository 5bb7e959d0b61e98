"""Exchange files and a scenario from what was recorded: the same files for the same session, however often it is made.

An exchange file is one exchange as an example; a second one of the same kind is left out. The scenario plays a session
back: requests get the responses that they had, in their order, and what the rules do not answer, the twin does, from
rows that were there before. Must not know: how the journal was read, where files are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mockserver.apis import Api
from mockserver.messages import JSON
from mockserver.text.writing import to_yaml
from mockserver.upstream.recorded import Recorded, Session

_NO_NAME = re.compile(r"[^A-Za-z0-9]+")
MAX_NAME = 48
"""Characters of an operation in the name of a file."""


def exchange_files(session: Session) -> dict[str, str]:
    """The text of a file by its name, for each kind of exchange the first one."""
    files: dict[str, str] = {}
    for one in session.exchanges:
        name = f"{_name(one)}-{one.status}-{one.shape}.yaml"
        if name not in files:
            files[name] = _exchange_file(one)
    return files


def scenario(name: str, api: Api, session: Session) -> tuple[str, int]:
    """The scenario that plays the session of an API back, and the number of exchanges that it cannot have."""
    known = [one for one in session.exchanges if one.api == api.name and one.operation in api.contract.operations]
    playable = [one for one in known if one.status]
    rules = list(_rules(playable))
    document: dict[str, Any] = {"version": 1, "name": name, "api": api.name}
    if state := rows_before(api, known):
        document["state"] = state
    document["rules"] = rules
    head = f"# A session of {api.name} as it was recorded. Requests get the responses that they had, in that order.\n"
    of_api = sum(one.api == api.name for one in session.exchanges)
    return head + to_yaml(document), of_api - len(playable)


def _exchange_file(one: Recorded) -> str:
    request: dict[str, Any] = {"method": one.method, "path": one.path}
    if one.query:
        request["query"] = _repeated(one.query)
    if one.sent:
        request["headers"] = dict(one.sent)
    if one.has_body:
        request["content" if isinstance(one.body, str) else "body"] = one.body
    response: dict[str, Any] = {"status": one.status}
    if one.headers:
        response["headers"] = {name: text for name, text in one.headers.items() if isinstance(text, str)}
    if one.answer is not None:
        response["body"] = {"equals": one.answer}
    what = one.operation or f"{one.method} {one.path}"
    head = f"# Recorded: {what} answers {one.status}.\n"
    return head + to_yaml({"api": one.api, "request": request, "response": response})


def _name(one: Recorded) -> str:
    text = one.operation or f"{one.method} {one.path}"
    return _NO_NAME.sub("-", text).strip("-")[:MAX_NAME].lower() or "exchange"


def _repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Values by name, a list for a name that is repeated."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _rules(exchanges: list[Recorded]) -> Iterable[dict[str, Any]]:
    """A rule for each different request, with what it got each time; a read goes on getting the last of it."""
    names: dict[str, set[str]] = {}
    for one in exchanges:
        names.setdefault(one.operation, set()).update(name for name, _ in one.query)
    groups: dict[str, list[Recorded]] = {}
    whens: dict[str, dict[str, Any]] = {}
    for one in exchanges:
        when = _when(one, names[one.operation])
        key = f"{one.operation} {to_yaml(when)}"
        groups.setdefault(key, []).append(one)
        whens[key] = when
    for number, (key, group) in enumerate(groups.items(), 1):
        first, last = group[0], group[-1]
        rule: dict[str, Any] = {"id": f"{_name(first)}-{number}", "op": first.operation}
        if when := whens[key]:
            rule["when"] = when
        if first.method in ("GET", "HEAD") and len({to_yaml(_action(one)) for one in group}) == 1:
            yield rule | _action(first)
            continue
        yield rule | {"sequence": [_action(one) for one in group]}
        if first.method in ("GET", "HEAD"):
            yield {**rule, "id": f"{rule['id']}-again", **_action(last)}


def _when(one: Recorded, names: set[str]) -> dict[str, Any]:
    """What tells this request from the others to its operation."""
    when: dict[str, Any] = {"method": one.method}
    if one.variables:
        when["path"] = {name: {"equals": value} for name, value in one.variables.items()}
    given: dict[str, Any] = {}
    for name, value in one.query:
        given.setdefault(name, {"equals": value})
    given |= {name: {"present": False} for name in sorted(names) if name not in given}
    if given:
        when["query"] = given
    if one.has_body:
        when["body"] = {"equals": one.body}
    return when


def _action(one: Recorded) -> dict[str, Any]:
    """The response that it had."""
    reply: dict[str, Any] = {"status": one.status}
    headers: dict[str, Any] = {name: text for name, text in one.headers.items() if _is_sendable(text)}
    if one.media_type is not None and one.media_type != "application/json":
        headers["content-type"] = one.media_type
    if headers:
        reply["headers"] = headers
    if one.answer is not None:
        reply["body"] = _literal(one.answer)
    action: dict[str, Any] = {"reply": reply}
    if one.violations:
        action["violates"] = f"as recorded: {one.violations[0]}"[:200]
    return action


def _is_sendable(text: str | list[str]) -> bool:
    return all(line.isascii() and line.isprintable() for line in ([text] if isinstance(text, str) else text))


def _literal(value: JSON) -> JSON:
    """The value as a template that makes it: a member whose name begins with `$` would be an expression."""
    return {"$literal": value} if _has_expression(value) else value


def _has_expression(value: JSON) -> bool:
    if isinstance(value, dict):
        return any(str(name).startswith("$") or _has_expression(item) for name, item in value.items())
    return isinstance(value, list) and any(map(_has_expression, value))


def rows_before(api: Api, exchanges: Iterable[Recorded]) -> dict[str, list[dict[str, Any]]]:
    """The rows that reads showed and that the session did not make itself, by table, the oldest first."""
    tables = api.state_tables
    made: set[str] = set()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in exchanges:
        if not 200 <= one.status < 300:
            continue
        if one.method != "GET":
            made |= {str(row["id"]) for row in _rows(one.answer) if "id" in row}
            continue
        for row in _rows(one.answer):
            id = str(row.get("id", ""))
            if not id or id in made:
                continue
            table = _table(api, one.operation, list(tables))
            if table and not tables[table].problems(api.contract, row):
                found.setdefault(table, {}).setdefault(id, row)
    return {table: list(reversed(rows.values())) for table, rows in found.items()}


def _rows(answer: JSON) -> list[dict[str, Any]]:
    """The objects that a response shows: its array's, or itself."""
    if isinstance(answer, list):
        return [item for item in answer if isinstance(item, dict)]
    if not isinstance(answer, dict):
        return []
    for value in answer.values():
        if isinstance(value, list) and value and all(isinstance(item, dict) and "id" in item for item in value):
            return value
    return [answer]


def _table(api: Api, operation: str, tables: list[str]) -> str:
    """The table whose rows an operation shows; "" when that is not known."""
    for resource in api.resources:
        if operation in resource.operations and resource.name in tables:
            return resource.name
    return tables[0] if len(tables) == 1 and api.tables else ""


__all__ = ["exchange_files", "rows_before", "scenario"]
