"""YAML as this project writes it: what `documents.parse` reads is the same value again.

Must not know: what the values mean.
"""

from __future__ import annotations

from typing import Any

import yaml

from mockserver.text import yaml12


class _Dumper(yaml.CSafeDumper):
    """Writes shared values out each time."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """A text, in quotes where YAML 1.2 would read something else: PyYAML knows the 1.1 schema alone."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), None if yaml12.is_text(text) else "'")


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


def to_yaml(value: Any, width: int = 120) -> str:
    """The text of a JSON value as YAML, members in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)


__all__ = ["to_yaml"]
