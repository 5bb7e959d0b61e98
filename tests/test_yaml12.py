"""The reader of YAML events against PyYAML's graph of nodes, and against values written out."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.text.documents import DocumentError, parse
from mockserver.text.writing import to_yaml
from mockserver.text.yaml12 import load

LEVELS = 200


class Nodes(yaml.composer.Composer, yaml.resolver.BaseResolver):
    """Composes nodes with the tags of the core schema from libyaml's events; an anchor may be used again."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def __init__(self, text: str) -> None:
        yaml.composer.Composer.__init__(self)
        yaml.resolver.BaseResolver.__init__(self)
        parser = yaml.CSafeLoader(text)
        self.check_event, self.get_event, self.peek_event = parser.check_event, parser.get_event, parser.peek_event

    def compose_node(self, parent, index):
        event = self.peek_event()
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


TYPES = {
    "bool": re.compile("(true|True|TRUE|false|False|FALSE)$"),
    "null": re.compile("(~|null|Null|NULL|)$"),
    "int": re.compile("([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    "float": re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"),
}
for name, pattern in TYPES.items():
    Nodes.add_implicit_resolver(f"tag:yaml.org,2002:{name}", pattern, None)


def value_of(node: Any, around: tuple[Any, ...] = ()) -> Any:
    """The value of a node. Raises ValueError for what is to be refused."""
    kind = node.tag.rpartition(":")[2] if node.tag.startswith("tag:yaml.org,2002:") else None
    if any(node is one for one in around):
        raise ValueError("it stands within itself")
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        return [value_of(child, (*around, node)) for child in node.value]
    if isinstance(node, yaml.MappingNode) and kind == "map":
        found: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                raise ValueError("no key, or a second one")
            found[key.value] = value_of(child, (*around, node))
        return found
    if not isinstance(node, yaml.ScalarNode) or (
        kind != "str" and not (kind in TYPES and TYPES[kind].match(node.value))
    ):
        raise ValueError("the tag is wrong")
    text = node.value
    if kind == "int":
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return {"bool": text.lower() == "true", "null": None, "str": text}[str(kind)]


def by_nodes(text: str) -> str:
    """How the value of a text prints, by way of PyYAML's nodes; "refused" for a text that must not be read."""
    try:
        node = Nodes(text).get_single_node()
        return repr(None if node is None else value_of(node))
    except (yaml.YAMLError, ValueError):
        return "refused"


def by_events(text: str) -> str:
    try:
        return repr(load(text, LEVELS)[0])
    except yaml.YAMLError:
        return "refused"


PIECES = (
    *("a", "b", "key", "1", "-5", "0x1F", "0o17", "017", "1e3", ".5", ".inf", "-.INF", ".nan", "1.", "+1", "1_0"),
    *("true", "False", "yes", "on", "null", "~", "2026-01-01", "=", "<<", "é", "'1'", '"2"', "''", '"\\u00e9"'),
    *("a: ", "b: ", "'a': ", "<<: ", "? ", ": ", "- ", "- ", ", ", "[", "]", "[]", "{", "}", "{}", "[a, b]", "{a: 1}"),
    *("\n", "\n", "\n", "\n  ", "\n  ", "\n    ", "\n- ", " ", "\t"),
    *("# c\n", "|\n  t\n", ">-\n  t\n", "---\n", "...\n"),
    *("&x ", "&y ", "*x", "*x", "*y", "*x : "),
    *("! ", "!!int ", "!!str ", "!!float ", "!!map ", "!!seq ", "!!set ", "!t "),
)
soup = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)

scalars = st.sampled_from(
    ["a", "1", "!!int 5", "!!int a", "'1'", "! '1'", "~", "*x", "*y", "&x 1", "&y b", ".5", "!!str 2"]
)
keys = st.sampled_from(["a", "b", "c", "1", "'1'", "&x k", "*x", "*y", "!!int d", "? [e]", "~"])
flows = st.recursive(
    scalars,
    lambda inner: st.builds(
        lambda lead, body: lead + body,
        st.sampled_from(["", "", "&x ", "&y ", "!!map ", "!!seq ", "! ", "!!int "]),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(keys, inner), max_size=3).map(
            lambda items: "{" + ", ".join(f"{key} : {value}" for key, value in items) + "}"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=600)
@given(soup | flows)
@example("a: &x 0x10\n*x : b\n")
@example("&k key: *k")
@example("&k !!int x: 1")
@example("&k !!int x: *k")
@example("[&x a, &x b]")
@example("[&x [&x a], *x]")
@example("[&x a, *x, &x b, *x]")
@example("&x [*x]")
@example("&x {a: *x}")
@example("! '1'")
@example("! [1]")
@example("{a, b: }")
@example("- &x\n- *x")
@example("a: &x [1]\n*x : 2")
def test_every_text_reads_as_its_nodes_do_or_is_refused_as_they_are(text):
    assert by_events(text) == by_nodes(text)


def test_an_alias_means_the_nearest_anchor_before_it():
    # YAML 1.2.2, 3.2.2.2: anchors need not be unique.
    assert load("[&x a, *x, &x [b], *x]", LEVELS)[0] == ["a", "a", ["b"], ["b"]]
    assert load("[&x [&x a], *x]", LEVELS)[0] == [["a"], "a"]
    with pytest.raises(yaml.YAMLError, match="inside the value that it names"):
        load("[&x a, &x [*x]]", LEVELS)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(values, st.booleans() | st.none(), st.booleans())
def test_what_is_written_is_read_again(value, flow, unicode):
    # Everything quoted, because PyYAML leaves `1e3` bare, a string to it; so numbers get explicit tags.
    text = yaml.dump(
        value,
        Dumper=yaml.CSafeDumper,
        default_style='"',
        default_flow_style=flow,
        allow_unicode=unicode,
        sort_keys=False,
    )
    found, _ = load(text, LEVELS)
    assert repr(found) == repr(plain_numbers(value))


def plain_numbers(value: Any) -> Any:
    """PyYAML writes -nan and nan alike; apart from that, the value."""
    if isinstance(value, float) and math.isnan(value):
        return math.nan
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    return {key: plain_numbers(item) for key, item in value.items()} if isinstance(value, dict) else value


@settings(max_examples=200)
@given(values.filter(lambda value: "nan" not in repr(value) and "inf" not in repr(value)))
def test_json_is_yaml(value):
    # Line breaks other than \\n fold within YAML's quotes, and control characters must not stand there.
    text = json.dumps(value, ensure_ascii=False)
    if re.search("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", text):
        return
    assert load("# not JSON\n" + text, LEVELS)[0] == value


@pytest.mark.parametrize(
    ("text", "shared"), [("a: &x [1]\nb: *x", True), ("a: &x 1\nb: *x", False), ("a: &x [1]", False)]
)
def test_only_an_alias_of_a_collection_makes_a_value_larger(text, shared):
    assert load(text, LEVELS)[1] is shared


@pytest.mark.parametrize("text", ["[[[]]]", "- - - a", "a: {b: {c: 1}}", "- &x [[a]]\n- *x"])
def test_levels_are_counted(text):
    load(text, 3)
    with pytest.raises(RecursionError):
        load(text, 2)


def test_the_same_key_is_the_same_object():
    # Large documents repeat a few keys; each once is a third of their memory.
    one, other = load("- {description: a}\n- {description: b}\n", LEVELS)[0]
    assert next(iter(one)) is next(iter(other))


@given(st.text() | st.sampled_from(["1e3", "0o7", "0x1F", "on", "no", "~", "2026-01-01", "1_000", ".5", "", "=", "<<"]))
def test_what_is_written_is_read_as_the_same_text(text):
    assert parse(to_yaml({"value": text, "list": [text, {text: 1}]}), "x.yaml") == {
        "value": text, "list": [text, {text: 1}],
    }  # fmt: skip


def test_bytes_are_read_where_they_are_asked_for():
    assert parse("a: !!binary |\n  aGk=\n", "x.yaml", binary=True) == {"a": b"hi"}
    with pytest.raises(DocumentError, match="is no base64"):
        parse("a: !!binary '?'", "x.yaml", binary=True)
    with pytest.raises(DocumentError, match="could not determine a constructor"):
        parse("a: !!binary aGk=", "x.yaml")
