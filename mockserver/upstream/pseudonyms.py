"""Secrets and personal data of what was recorded, each replaced by the same stand-in wherever it turns up.

A stand-in has the form of what it stands for, so that a contract still takes it, and is numbered in the order in which
values came: nothing can be read from it. Ids stay as they are, so that a row and the requests about it belong together.
Must not know: files, contracts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote

from mockserver.journal.masking import SECRET_MEMBERS
from mockserver.messages import JSON

PERSONAL_MEMBERS = (
    *("first_name", "last_name", "full_name", "display_name", "phone", "phone_number", "mobile", "address", "street"),
    *("birthday", "birth_date", "date_of_birth", "ssn", "iban", "card_number", "firstname", "lastname"),
)
"""Members whose whole value is about a person."""
MIN_LENGTH = 4
"""Characters of a value that is replaced within longer texts too; a shorter one is in many words."""
MASKED = "***"
"""What the journal writes for a secret."""

_FOUND: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")),
    ("token", re.compile(r"\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*")),
    ("token", re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abp]|whsec|AKIA)[-_]?[A-Za-z0-9][\w-]{12,}")),
    ("token", re.compile(r"(?<=Bearer )[\w.~+/=-]{6,}")),
    ("address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("phone", re.compile(r"(?<!\w)\+\d[\d ()-]{7,16}\d\b")),
)
"""What is a secret or personal by its own form."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")


class Pseudonyms:
    """Learns what is to be replaced, and replaces it.

    Args:
        members: names of further members whose values are replaced, for example `user_id`.
    """

    def __init__(self, members: Iterable[str] = ()) -> None:
        own = dict.fromkeys((name.lower() for name in members), "value")
        secret = dict.fromkeys(SECRET_MEMBERS, "token")
        self._members = {**dict.fromkeys(PERSONAL_MEMBERS, "value"), **secret, **own}
        self._stand_ins: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    @property
    def count(self) -> int:
        """How many values are replaced."""
        return len(self._stand_ins)

    def learn(self, value: JSON) -> None:
        """Look for what is to be replaced in a JSON value or a text."""
        for name, text in _texts(value):
            kind = self._members.get(name.lower())
            if kind is not None and text and MASKED not in text:
                self._add(kind, text)
            for found_kind, pattern in _FOUND:
                for match in pattern.finditer(text):
                    self._add(found_kind, match[0])

    def learn_parameters(self, pairs: Iterable[tuple[str, str]]) -> None:
        """The same for the parameters of a query."""
        for name, text in pairs:
            self.learn({name: text})

    def replaced(self, value: JSON) -> JSON:
        """A JSON value with its stand-ins; names of members too."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._text(name): self._member(name, item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.replaced(item) for item in value]
        return value

    def path(self, path: str) -> str:
        """A path, percent-encoded as it was sent, with its stand-ins."""
        parts = [(part, unquote(part)) for part in path.split("/")]
        return "/".join(part if self._text(text) == text else quote(self._text(text), safe="") for part, text in parts)

    def _member(self, name: str, value: JSON) -> JSON:
        if type(value) is not int or name.lower() not in self._members:
            return self.replaced(value)
        stand_in = self._stand_ins.get(str(value))
        if stand_in is None:
            return value
        return int(stand_in) if stand_in.isdecimal() else 0

    def _text(self, text: str) -> str:
        if text in self._stand_ins:
            return self._stand_ins[text]
        if self._pattern is None:
            known = sorted((t for t in self._stand_ins if len(t) >= MIN_LENGTH), key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, known)) if known else r"(?!)")
        return self._pattern.sub(lambda match: self._stand_ins[match[0]], text)

    def _add(self, kind: str, text: str) -> None:
        if text in self._stand_ins or text in self._stand_ins.values():
            return
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        self._stand_ins[text] = _MAKERS[kind](number, text)
        self._pattern = None


def _value(number: int, text: str) -> str:
    """Something of the same form: a UUID, a date, digits, or words."""
    if _UUID.fullmatch(text):
        return f"00000000-0000-4000-8000-{number:012d}"
    if _DATE.fullmatch(text):
        return f"{1900 + number % 100}-01-01" + text[10:]
    if text.isdecimal():
        return str(10 ** (len(text) - 1) + number)
    return f"value-{number}"


_MAKERS: dict[str, Callable[[int, str], str]] = {
    "email": lambda number, text: f"user-{number}@example.com",
    "token": lambda number, text: f"token-{number}",
    "address": lambda number, text: f"192.0.2.{number % 256}",  # RFC 5737
    "phone": lambda number, text: f"+1555{number:07d}",
    "value": _value,
}


def _texts(value: JSON, name: str = "") -> Iterable[tuple[str, str]]:
    """Every text of a JSON value with the name of the member that it stands in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield "", str(key)
            yield from _texts(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    elif type(value) is int and name:
        yield name, str(value)
