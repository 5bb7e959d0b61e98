"""The samples of a request: cURL, Python with httpx, TypeScript with fetch. Each runs as it stands.

Must not know: contracts, pages.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from mockserver.console.endpoint_pages.sent import FormPart, Sent, Value, Variable
from mockserver.messages import JSON

_ROOM = 100
"""Characters of a line."""
_SHORT = ("get", "post", "put", "patch", "delete", "head", "options")
_BODILESS = ("GET", "HEAD")
"""Methods with which `fetch` sends no body."""
_FORBIDDEN = ("CONNECT", "TRACE", "TRACK")
"""Methods that `fetch` does not send (WHATWG Fetch, 2.2.1)."""


def curl(request: Sent) -> str:
    """The request for a shell."""
    url = _url(request)
    first = "curl -g" if any(mark in _joined(url) for mark in "[]{}") else "curl"
    options: list[str] = []
    has_body = request.kind != "none"
    if request.method == "HEAD":
        options.append("-I")
    elif request.method != ("POST" if has_body else "GET"):
        options.append(f"-X {request.method}")
    options += [f"-H {_shell(_with(f'{name}: ', value))}" for name, value in request.headers]
    match request.kind:
        case "json":
            options.append(f"-d {_shell(_pretty(request.value))}")
        case "fields":
            options.append(f"-d {_shell(request.content.decode())}")
        case "parts":
            options += [_form_option(part) for part in request.parts]
        case "text":
            options.append(f"--data-binary {_shell(request.content.decode())}")
        case "bytes":
            first = f"base64 -d <<< '{base64.b64encode(request.content).decode()}' | {first}"
            options.append("--data-binary @-")
    return " \\\n  ".join([f"{first} {_shell(url)}", *options])


def python(request: Sent) -> str:
    """The request for httpx."""
    imports = ["import os"] if _has_keys(request) else []
    arguments = [_literal(request.url)]
    method = request.method.lower()
    takes_body = method in ("post", "put", "patch")
    call = f"httpx.{method}"
    if method not in _SHORT or (request.kind != "none" and not takes_body):
        call, arguments = "httpx.request", [_literal(request.method), *arguments]
    if request.query:
        arguments.append(f"params={_python_pairs(request.query, numbers=True)}")
    implied = {"json": "application/json", "fields": "application/x-www-form-urlencoded"}.get(request.kind)
    headers = [(name, value) for name, value in request.headers if (name, value) != ("Content-Type", implied)]
    if headers:
        arguments.append(f"headers={_python_pairs(headers)}")
    match request.kind:
        case "json":
            arguments.append(f"json={_python(request.value, 1)}")
        case "fields":
            arguments.append(f"data={_python_pairs(request.fields)}")
        case "parts":
            arguments.append(f"files={_python_files(request.parts)}")
        case "text":
            arguments.append(f"content={_literal(request.content.decode())}")
        case "bytes":
            imports.insert(0, "import base64")
            text = base64.b64encode(request.content).decode()
            arguments.append(f"content=base64.b64decode({_literal(text)})")
    lines = [*imports, *([""] if imports else []), "import httpx", "", f"response = {call}("]
    lines += [f"    {argument}," for argument in arguments]
    lines += [")", *(["response.raise_for_status()"] if request.expects < 300 else [])]
    shown = "response.json()" if request.is_json_response else "response.text"
    return "\n".join([*lines, f"print({shown if request.has_response_body else 'response.status_code'})"])


def typescript(request: Sent) -> str:
    """The request for fetch; "" for one that fetch cannot send."""
    if request.method in _FORBIDDEN or (request.kind != "none" and request.method in _BODILESS):
        return ""
    lines: list[str] = []
    options: list[str] = [] if request.method == "GET" else [f"  method: {_string(request.method)},"]
    if request.expects in range(300, 400):
        options.append('  redirect: "manual",')
    headers = request.headers
    if request.kind == "fields":
        headers = tuple(pair for pair in headers if pair != ("Content-Type", "application/x-www-form-urlencoded"))
    if headers:
        named = [f"    {_member(name)}: {_template(value)}," for name, value in headers]
        options += ["  headers: {", *named, "  },"]
    match request.kind:
        case "json":
            body = f"JSON.stringify({_typescript(request.value, 1)})"
            if _has_large(request.value):  # a number of JavaScript would not be the same
                body = _string(json.dumps(request.value, ensure_ascii=False))
            options.append(f"  body: {body},")
        case "fields":
            pairs = "".join(f"\n    [{_string(name)}, {_string(value)}]," for name, value in request.fields)
            options.append(f"  body: new URLSearchParams([{pairs}\n  ]),")
        case "parts":
            lines += ["const form = new FormData();", *map(_append, request.parts)]
            options.append("  body: form,")
        case "text":
            options.append(f"  body: {_string(request.content.decode())},")
        case "bytes":
            text = base64.b64encode(request.content).decode()
            options.append(f'  body: Buffer.from({_string(text)}, "base64"),')
    url = _template(_url(request))
    lines.append(f"const response = await fetch({url}, {{" if options else f"const response = await fetch({url});")
    lines += [*options, "});"] if options else []
    if request.expects < 300:
        lines.append("if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);")
    shown = "await response.json()" if request.is_json_response else "await response.text()"
    return "\n".join([*lines, f"console.log({shown if request.has_response_body else 'response.status'});"])


def _has_keys(request: Sent) -> bool:
    return any(isinstance(value, Variable) for _, value in (*request.query, *request.headers))


def _url(request: Sent) -> Value:
    """The address with its query."""
    before, variable, after = request.url, "", ""
    for index, (name, value) in enumerate(request.query):
        mark = f"{'&' if index else '?'}{quote(name, safe='[]$.,:')}="
        text = value if isinstance(value, str) else value.before
        escaped = mark + quote(text, safe=",:/$@")
        if variable:
            after += escaped
        else:
            before += escaped
        if isinstance(value, Variable):
            variable = value.name
    return Variable(before, variable, after) if variable else before


def _joined(value: Value) -> str:
    return value if isinstance(value, str) else value.before + value.after


def _with(before: str, value: Value) -> Value:
    return before + value if isinstance(value, str) else Variable(before + value.before, value.name, value.after)


# -- shells -------------------------------------------------------------------------------------------


def _shell(value: Value) -> str:
    if isinstance(value, str):
        plain = all(letter.isascii() and (letter.isalnum() or letter in "/:._-~%@") for letter in value)
        return value if plain and value else '"' + value + '"' if _is_tame(value) else _single(value)
    if _is_tame(value.before + value.after):
        return f'"{value.before}${{{value.name}}}{value.after}"' if value.after else f'"{value.before}${value.name}"'
    return f'{_single(value.before)}"${value.name}"{_single(value.after) if value.after else ""}'


def _is_tame(text: str) -> bool:
    """Whether a text means itself in double quotes, and is no JSON, which has quotes of its own."""
    return not any(letter in '"$`\\!\n' for letter in text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _form_option(part: FormPart) -> str:
    if not part.content_type:
        return f"--form-string {_single(f'{part.name}={part.text}')}"
    quoted = part.text.replace("\\", "\\\\").replace('"', '\\"')
    return "-F " + _single(f'{part.name}="{quoted}";type={part.content_type}')


# -- JSON ---------------------------------------------------------------------------------------------


def _pretty(value: JSON) -> str:
    short = _compact(value)
    return short if len(short) <= _ROOM else json.dumps(value, ensure_ascii=False, indent=2)


def _compact(value: JSON) -> str:
    """JSON in one line, with room in its brackets as the vendor's pages have it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {_compact(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_compact, value))}]"
    return json.dumps(value, ensure_ascii=False)


# -- Python -------------------------------------------------------------------------------------------


def _literal(text: str) -> str:
    """A text as Python writes it, in double quotes. What JSON's notation cannot say there, repr says."""
    written = json.dumps(text, ensure_ascii=False)
    return written if text.isprintable() or ("\n" in text and text.replace("\n", "").isprintable()) else ascii(text)


def _python_value(value: Value) -> str:
    if isinstance(value, str):
        return _literal(value)
    before, after = (text.replace("{", "{{").replace("}", "}}") for text in (value.before, value.after))
    environ = f"os.environ['{value.name}']"
    if not before and not after:
        return f'os.environ["{value.name}"]'
    return f'f"{_literal(before)[1:-1]}{{{environ}}}{_literal(after)[1:-1]}"'


def _python_pairs(pairs: Sequence[tuple[str, Value]], numbers: bool = False) -> str:
    """Names and values as a dict; with `numbers`, whole numbers are written as such."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        is_number = numbers and isinstance(value, str) and value.isdecimal() and str(int(value)) == value
        values.setdefault(name, []).append(str(value) if is_number else _python_value(value))
    joined = {name: texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" for name, texts in values.items()}
    items = [f"{_literal(name)}: {text}" for name, text in joined.items()]
    line = f"{{{', '.join(items)}}}"
    if len(line) <= _ROOM - 14:
        return line
    return "{\n" + "".join(f"        {item},\n" for item in items) + "    }"


def _python_files(parts: tuple[FormPart, ...]) -> str:
    lines = []
    for part in parts:
        kind = f", {_literal(part.content_type)}" if part.content_type else ""
        lines.append(f"        ({_literal(part.name)}, (None, {_literal(part.text)}{kind})),\n")
    return "[\n" + "".join(lines) + "    ]"


def _python(value: JSON, level: int) -> str:
    """A JSON value as a Python expression."""
    return _broken(value, level, _Syntax("    ", 6, _literal, _python_line))


def _python_line(value: JSON) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(name)}: {_python_line(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_python_line, value))}]"
    return _literal(value) if isinstance(value, str) else repr(value)


# -- both ---------------------------------------------------------------------------------------------


class _Syntax(NamedTuple):
    """How a language writes a JSON value."""

    indent: str
    margin: int
    """Columns that stand before and behind a value."""
    name: Callable[[str], str]
    """The name of a member."""
    line: Callable[[JSON], str]
    """A value in one line."""


def _broken(value: JSON, level: int, syntax: _Syntax) -> str:
    """A JSON value in one line where there is room for it, else a member or an item on a line."""
    line = syntax.line(value)
    room = _ROOM - len(syntax.indent) * level - syntax.margin
    if len(line) <= room or not isinstance(value, dict | list) or not value:
        return line
    pad, end = syntax.indent * (level + 1), syntax.indent * level
    if isinstance(value, dict):
        items = [f"{pad}{syntax.name(name)}: {_broken(item, level + 1, syntax)},\n" for name, item in value.items()]
        return "{\n" + "".join(items) + f"{end}}}"
    return "[\n" + "".join(f"{pad}{_broken(item, level + 1, syntax)},\n" for item in value) + f"{end}]"


# -- TypeScript ---------------------------------------------------------------------------------------


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _typescript(value: JSON, level: int) -> str:
    """A JSON value as a TypeScript expression."""
    return _broken(value, level, _Syntax("  ", 24, _member, _typescript_line))


def _typescript_line(value: JSON) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_member(name)}: {_typescript_line(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_typescript_line, value))}]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _has_large(value: JSON) -> bool:
    """Whether a value has an integer that no number of JavaScript holds exactly."""
    if isinstance(value, dict | list):
        return any(map(_has_large, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and abs(value) > 2**53


def _template(value: Value) -> str:
    if isinstance(value, str):
        return _string(value)
    before, after = (_backticked(text) for text in (value.before, value.after))
    environ = f"${{process.env.{value.name}}}"
    return f"`{before}{environ}{after}`"


def _backticked(text: str) -> str:
    return text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")


def _member(name: str) -> str:
    if name == "__proto__":
        return '["__proto__"]'  # plain, it would set the prototype
    return name if name.isidentifier() and name.isascii() else _string(name)


def _append(part: FormPart) -> str:
    value = _string(part.text)
    if part.content_type:
        value = f"new Blob([{value}], {{ type: {_string(part.content_type)} }})"
    return f"form.append({_string(part.name)}, {value});"


LANGUAGES: dict[str, tuple[str, Callable[[Sent], str]]] = {
    "bash": ("Shell", curl),
    "python": ("Python", python),
    "ts": ("TypeScript", typescript),
}
"""Of each language the title of its samples, and what writes them."""

__all__ = ["LANGUAGES", "curl", "python", "typescript"]
