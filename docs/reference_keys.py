"""The pages of all keys of scenarios and profiles: types and defaults from the models, words from `keys.yaml`.

`docs/tables.py` writes the pages; `tests/test_reference_keys.py` runs every example.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.apis.profiles.model import ProfileModel
from mockserver.scenarios.model import ScenarioModel
from mockserver.text.documents import parse

DOCS = Path(__file__).resolve().parent
MODELS = {"scenario": ScenarioModel, "profile": ProfileModel}
IMPLIED = {"Step", "Named"}
"""Models whose keys are those of another section."""
DURATION = "duration"
ABOUT = {"scenario": "[scenario file](scenarios.md)", "profile": "[profile](profiles.md)"}
HEAD = """\
---
no_snippet: "each example of the tables is run by tests/test_reference_keys.py"
---

# Keys of a {kind}

Every key of a {about}, with an example of each. An example shows the key where it stands; what is around it is left
out. A duration is text such as `500ms`, `2s` or `1h30m`. A count is `3`, `2..4`, `4..`, `..6` or `every 10`.

<!-- written by docs/tables.py from docs/keys.yaml and the model -->
"""


class Example(NamedTuple):
    """One key with its example as a whole file."""

    key: str
    content: dict[str, Any]
    api: str


def page(kind: str) -> str:
    """The text of the page of all keys of a kind of file."""
    parts = [HEAD.format(kind=kind, about=ABOUT[kind]).rstrip()]
    schemas = definitions(kind)
    for section in sections(kind):
        parts += [f"## {section['title']}", "\n".join(table(section, schemas[section["model"]]))]
    return "\n\n".join(parts) + "\n"


def sections(kind: str) -> list[dict[str, Any]]:
    """The sections of `keys.yaml` for a kind of file."""
    return list(parse((DOCS / "keys.yaml").read_text(encoding="utf-8"), "keys.yaml")[kind])


def definitions(kind: str) -> dict[str, Any]:
    """The JSON Schema of each model, by its name."""
    model = MODELS[kind]
    schema = model.model_json_schema(by_alias=True)
    return {model.__name__: schema, **schema.get("$defs", {})}


def unexplained(kind: str) -> list[str]:
    """Keys of the models that `keys.yaml` does not have, and the other way round."""
    found: dict[str, set[str]] = {}
    for section in sections(kind):
        found.setdefault(section["model"], set()).update(section["keys"])
    models = {name: set(schema.get("properties", ())) for name, schema in definitions(kind).items()}
    wanted = {name: keys for name, keys in models.items() if keys and name not in IMPLIED}
    both = {name: wanted.get(name, set()) ^ found.get(name, set()) for name in {*wanted, *found}}
    return sorted(f"{name}.{key}" for name, keys in both.items() for key in keys)


def table(section: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """The table of one section."""
    yield "| key | takes | default | meaning | example |"
    yield "|---|---|---|---|---|"
    for key, (meaning, example, *_) in section["keys"].items():
        known = schema["properties"][key]
        cells = (f"`{key}`", takes(known), default(key, known, schema), meaning, f"`{example}`")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def default(key: str, known: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a key has when it is left out."""
    if key in schema.get("required", ()):
        return "required"
    value = known.get("default")
    if value in (None, [], {}, "") or isinstance(value, dict):
        return "none"
    if DURATION in takes(known):
        return f"{value:g}s" if isinstance(value, int | float) else str(value)
    if isinstance(value, list):
        return f"`{', '.join(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def takes(known: dict[str, Any]) -> str:
    """What a key takes, in words."""
    if "$ref" in known:
        return named(known["$ref"])
    if "enum" in known:
        return "one of " + ", ".join(f"`{value}`" for value in known["enum"])
    if "const" in known:
        return f"`{str(known['const']).lower()}`"
    if "anyOf" in known:
        return " or ".join(dict.fromkeys(takes(each) for each in known["anyOf"] if each.get("type") != "null"))
    match known.get("type"):
        case "array" if "prefixItems" in known:
            return "two of them: " + takes(known["prefixItems"][0])
        case "array":
            inner = takes(known["items"]) if known.get("items") else ""
            return f"list of {inner}" if inner else "list"
        case "string":
            return DURATION if "500ms" in known.get("examples", ()) else "text"
        case "integer" | "number":
            least, most = known.get("minimum"), known.get("maximum", known.get("exclusiveMaximum"))
            some = f", {least:g} or more" if least and most is None else ""
            return ("whole number" if known["type"] == "integer" else "number") + some
        case "object":
            return "mapping"
        case "boolean":
            return "true or false"
    return "anything"


def named(reference: str) -> str:
    """What a reference to another model means for a reader."""
    name = reference.rpartition("/")[2]
    simple = {"Reset": "`before` or `after_commit`", "Empty": "`true`", "Hang": DURATION, "BillingWrite": "`lost`"}
    return {**simple, "ContentType": "text", "Latency": f"{DURATION} or mapping"}.get(name, "mapping")


def examples(kind: str) -> Iterator[Example]:
    """Every example as a whole file, with the API that it is for."""
    for section in sections(kind):
        usual = section.get("api", "shop" if kind == "profile" else "datagrid")
        for key, (_, example, *other) in section["keys"].items():
            api = other[0] if other else usual
            head = {"contract": f"{api}.yaml"} if kind == "profile" else {"name": "example", "api": api}
            content = filled(parse(section["frame"], key), parse(f"{{{example}}}", key))
            yield Example(f"{section['title']}: {key}", {"version": 1, **head, **content}, api)


def filled(frame: Any, example: dict[str, Any]) -> Any:
    """A frame with the keys of an example where it says so; they replace what the frame says of them."""
    if isinstance(frame, list):
        return [filled(each, example) for each in frame]
    if not isinstance(frame, dict):
        return frame
    rest = {key: filled(value, example) for key, value in frame.items() if key != "EXAMPLE"}
    return {**rest, **example} if "EXAMPLE" in frame else rest
