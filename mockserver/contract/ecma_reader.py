"""Read a regular expression of ECMA-262 as a tree.

JSON Schema's `pattern` is ECMA-262 in Unicode mode (JSON Schema Core 6.4). This reader also takes what the web takes
(Annex B of ECMA-262: `a{,3}`, `\\-` anywhere, `[\\w-.]`) and what other engines write and vendors publish: `\\A`,
`\\z`, `(?i)`, `(?P<name>a)`, Java's names of properties.
"""

from __future__ import annotations

from functools import lru_cache

from mockserver.contract.ecma import LAST, Anchor, Back, Chars, Choice, Group, Look, Node, Ranges, Repeat, Sequence

MAX_NESTING = 60
"""Groups inside groups that are read."""
MAX_LENGTH = 20_000
"""Characters of a pattern that is read."""
_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029))
_SPACE += ((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF))
_LINE_ENDS: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
_CONTROLS = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "a": 7, "e": 27}
_JAVA: dict[str, tuple[Ranges, tuple[tuple[str, bool], ...]]] = {
    "all": (((0, LAST),), ()),
    "Alnum": (((48, 57), (65, 90), (97, 122)), ()),
    "Punct": (((33, 47), (58, 64), (91, 96), (123, 126)), ()),
    "Graph": (((33, 126),), ()),
    "Print": (((32, 126),), ()),
    "XDigit": (((48, 57), (65, 70), (97, 102)), ()),
    "LD": ((), (("L", False), ("Nd", False))),
}
"""Properties by the names that Java gives them, which vendors publish."""


class PatternError(ValueError):
    """A text that is no regular expression."""


@lru_cache(maxsize=4096)
def parse(pattern: str) -> Node:
    """The tree of a pattern. Raises PatternError."""
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"is longer than {MAX_LENGTH:,} characters")
    reader = _Reader(pattern)
    node = reader.choice(0)
    if reader.at < len(pattern):
        raise PatternError(f"has a ')' too many at character {reader.at + 1}")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._groups = 0
        self._any_case = False
        self._dot_all = False

    def _peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        if self._peek(text):
            self.at += len(text)
            return True
        return False

    def _next(self, what: str) -> str:
        if self.at >= len(self.text):
            raise PatternError(f"ends inside {what}")
        self.at += 1
        return self.text[self.at - 1]

    def choice(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise PatternError(f"has groups more than {MAX_NESTING} deep")
        any_case, dot_all = self._any_case, self._dot_all
        options = [self._sequence(depth)]
        while self._take("|"):
            options.append(self._sequence(depth))
        self._any_case, self._dot_all = any_case, dot_all
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and not self._peek("|") and not self._peek(")"):
            part = self._atom(depth)
            if part is not None:
                parts.append(self._repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return node
        if isinstance(node, Anchor):
            raise PatternError("repeats an anchor")
        return Repeat(node, *bounds, "?" if self._take("?") else "")

    def _bounds(self) -> tuple[int, int | None] | None:
        if self._take("*"):
            return 0, None
        if self._take("+"):
            return 1, None
        if self._take("?"):
            return 0, 1
        if not self._peek("{"):
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        if end < 0 or not low.isdecimal() or not (high == "" or high.isdecimal()) or len(low + high) > 12:
            return None  # a brace that stands for itself
        self.at = end + 1
        most = int(high) if high else (None if comma else int(low))
        if most is not None and most < int(low):
            raise PatternError(f"repeats from {low} to {high}")
        return int(low), most

    def _atom(self, depth: int) -> Node | None:
        char = self._next("nothing")
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == ".":
            return Chars((), (), True) if self._dot_all else Chars(_LINE_ENDS, (), True)
        if char in "^$":
            return Anchor(char)
        if char == "\\":
            return self._escape()
        if char in "*+?":
            raise PatternError(f"has a {char!r} with nothing to repeat at character {self.at}")
        return self._literal(ord(char))

    def _literal(self, code: int) -> Chars:
        return Chars(((code, code),), any_case=self._any_case)

    def _group(self, depth: int) -> Node | None:
        node: Node
        for start, ahead, negated in (("?=", 1, 0), ("?!", 1, 1), ("?<=", 0, 0), ("?<!", 0, 1)):
            if self._take(start):
                node = Look(self.choice(depth + 1), bool(ahead), bool(negated))
                return self._closed(node)
        if self._take("?#"):
            self.at = self.text.find(")", self.at) + 1 or len(self.text)
            return None
        if self._take("?:"):
            return self._closed(self.choice(depth + 1))
        if self._take("?P=") or self._take("?P>"):
            return self._closed(Back(self._name(")", keep=True)))
        if self._take("?P<") or self._take("?<"):
            name = self._name(">")
            self._groups += 1
            number = self._groups
            return self._closed(Group(self.choice(depth + 1), number, name))
        if self._take("?"):
            return self._flags(depth)
        self._groups += 1
        number = self._groups
        return self._closed(Group(self.choice(depth + 1), number))

    def _flags(self, depth: int) -> Node | None:
        was = self._any_case, self._dot_all
        on = True
        while (char := self._next("a group")) not in ":)":
            if char == "-":
                on = False
            elif char == "i":
                self._any_case = on
            elif char == "s":
                self._dot_all = on
            elif char not in "muxgy":
                raise PatternError(f"has an unknown kind of group, '(?{char}'")
        if char == ")":
            return None
        node = self._closed(self.choice(depth + 1))
        self._any_case, self._dot_all = was
        return node

    def _closed(self, node: Node) -> Node:
        if not self._take(")"):
            raise PatternError("has a group without its ')'")
        return node

    def _name(self, end: str, keep: bool = False) -> str:
        close = self.text.find(end, self.at)
        name = self.text[self.at : close] if close > 0 else ""
        if not name.replace("$", "_").isidentifier():
            raise PatternError(f"has a group with the name {name[:40]!r}")
        self.at = close + (0 if keep else 1)
        return name

    def _escape(self) -> Node:
        char = self._next("an escape")
        if char in "bB":
            return Anchor("\\" + char)
        if char == "A":
            return Anchor("^")
        if char in "zZ":
            return Anchor("$")
        if char in "123456789":
            digits = char
            while self.at < len(self.text) and self.text[self.at].isdecimal() and len(digits) < 3:
                digits += self._next("")
            return Back(int(digits))
        if char == "k" and self._take("<"):
            return Back(self._name(">"))
        found = self._set(char)
        return found if found is not None else self._literal(self._code(char))

    def _set(self, char: str) -> Chars | None:
        """What `\\d` and the like stand for."""
        for letter, ranges in (("d", _DIGIT), ("w", _WORD), ("s", _SPACE)):
            if char.lower() == letter:
                return Chars(ranges, (), char.isupper())
        if char in "pP" and self.at < len(self.text):
            if self._take("{"):
                close = self.text.find("}", self.at)
                name = self.text[self.at : close] if close > 0 else ""
                self.at = close + 1
            elif self.text[self.at] in "LMNPSZC":
                name = self._next("")
            else:
                return None
            if name in _JAVA:
                ranges, properties = _JAVA[name]
                return Chars(ranges, properties, char == "P")
            if not name.lstrip("^").replace("=", "").replace("_", "").replace("-", "").isalnum():
                raise PatternError(f"names the property {name[:40]!r}")
            return Chars((), ((name.lstrip("^"), (char == "P") != name.startswith("^")),))
        return None

    def _code(self, char: str) -> int:
        """The character that an escape stands for."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "c" and self.text[self.at : self.at + 1].isalpha():
            return ord(self._next("")) % 32
        if char == "0":
            return 0
        if char == "x" and (code := self._hex(2)) is not None:
            return code
        if char == "u":
            if self._take("{"):
                close = self.text.find("}", self.at)
                digits = self.text[self.at : close] if close > 0 else ""
                try:
                    code = int(digits, 16)
                except ValueError:
                    raise PatternError("has a \\u{...} that is no number") from None
                if code > LAST:
                    raise PatternError(f"names the character \\u{{{digits[:20]}}}, which there is not")
                self.at = close + 1
                return code
            code = self._hex(4)
            if code is not None:
                if 0xD800 <= code < 0xDC00 and self._take("\\u"):
                    low = self._hex(4)
                    if low is not None and 0xDC00 <= low < 0xE000:
                        return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    raise PatternError("has half of a surrogate pair")
                return code
        return ord(char)

    def _hex(self, count: int) -> int | None:
        digits = self.text[self.at : self.at + count]
        if len(digits) < count or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            return None
        self.at += count
        return int(digits, 16)

    def _class(self) -> Chars:
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        properties: list[tuple[str, bool]] = []
        while not self._take("]"):
            low = self._member(ranges, properties)
            if low is None or not self._peek("-") or self.text[self.at + 1 : self.at + 2] in ("]", ""):
                if low is not None:
                    ranges.append((low, low))
                continue
            self.at += 1
            high = self._member(ranges, properties)
            if high is None:  # `[a-\d]`: the dash stands for itself
                ranges += [(low, low), (45, 45)]
            elif high < low:
                raise PatternError(f"has the range {chr(low)}-{chr(high)}, which is the wrong way round")
            else:
                ranges.append((low, high))
        return Chars(tuple(ranges), tuple(properties), negated, self._any_case)

    def _member(self, ranges: list[tuple[int, int]], properties: list[tuple[str, bool]]) -> int | None:
        """The character that stands here in a class; None for a set, which was added."""
        char = self._next("a class, [...]")
        if char != "\\":
            return ord(char)
        char = self._next("an escape")
        if char == "b":
            return 8
        members = self._set(char)
        if members is None:
            return self._code(char)
        if members.negated and members.properties:
            properties += [(name, not negated) for name, negated in members.properties]
        else:
            properties += members.properties
            ranges += _outside(members.ranges) if members.negated else members.ranges
        return None


def _outside(ranges: Ranges) -> list[tuple[int, int]]:
    """The characters that are in none of some ranges, which are in order."""
    found, start = [], 0
    for low, high in ranges:
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    return [*found, (start, LAST)]
