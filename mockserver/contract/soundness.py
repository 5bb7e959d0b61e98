"""Finds what no meta-schema can: references that lead nowhere, patterns nobody reads, names given twice.

Each finding is left out of the document, the smallest thing that can be, so that the rest of it is served.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Any

from mockserver.contract.contract import METHODS, operations_of
from mockserver.contract.dialects import draft_of
from mockserver.contract.drafts import draft
from mockserver.contract.faults import Findings
from mockserver.contract.files import CONSEQUENCES, LEFT_OUT
from mockserver.contract.objects import GRAMMAR, NO_REFERENCE, Steps, path_of, steps_of, walk
from mockserver.contract.patterns import Patterns
from mockserver.contract.references import Refs, pointer_of, unescape
from mockserver.contract.repair import Part
from mockserver.text.documents import parts_of

_MAX_ROUNDS = 10
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_TELLING = frozenset(("$ref", "$schema", "pattern", "patternProperties", "x-unresolved"))
"""Members that are looked at."""
_PLACES = frozenset(f"/{key}" for key in GRAMMAR["document"])


def make_sound(document: dict[str, Any], parts: list[Part], findings: Findings) -> None:
    """Note what is wrong with a document that fits its meta-schema, and leave it out."""
    for _ in range(_MAX_ROUNDS):
        if not _Texts(document, parts, findings).leave_out():
            break  # nothing went that something else may refer to
    _check_dialect(document, findings)
    _check_paths(document, findings)
    _check_security(document, findings)


class _Texts:
    """Looks at every reference and every pattern."""

    def __init__(self, document: dict[str, Any], parts: list[Part], findings: Findings) -> None:
        self._document = document
        self._refs = Refs(document)
        self._patterns = Patterns(draft_of(document))
        self._findings = findings
        self._beside_refs = not document["openapi"].startswith("3.0")
        self._faults: dict[str, str] = {}
        self._waiting: list[tuple[str, tuple[str | int, ...]]] = [(part.kind, part.path) for part in parts]
        self._gone: list[tuple[list[str | int], Any]] = []
        """What is left out: the path to it, and itself. An alias of YAML may put it in several places."""

    def leave_out(self) -> bool:
        """Whether anything was removed."""
        self._walk("document", ())
        met: set[tuple[str | int, ...]] = set()
        while self._waiting:
            kind, path = self._waiting.pop()
            if path not in met:
                met.add(path)
                self._walk(kind, path)
        for gone, value in sorted(self._gone, key=itemgetter(0), reverse=True):  # of a list its end first
            self._delete(gone, value)
        return bool(self._gone)

    def _walk(self, root_kind: str, path: tuple[str | int, ...]) -> None:
        root: Any = self._document
        if path:
            try:
                root = self._refs.lookup(pointer_of(path))
            except KeyError:
                return
        steps = steps_of(list(path))
        for kind, node, place, _ in walk(root, root_kind, steps, beside_refs=self._beside_refs, telling=_TELLING):
            if _TELLING.isdisjoint(node):
                continue
            if kind not in NO_REFERENCE and type(node.get("$ref")) is str:
                self._reference(kind, node, place)
            if kind == "schema":
                pattern = node.get("pattern")
                if type(pattern) is str:
                    self._pattern(node, pattern, place)
                if type(node.get("patternProperties")) is dict:
                    self._names(node["patternProperties"], place)
                if type(node.get("$schema")) is str:
                    _note_dialect(node["$schema"], [*path_of(place), "$schema"], self._findings)
            if "x-unresolved" in node and kind not in NO_REFERENCE:
                self._gone.append((path_of(place), node))

    def _reference(self, kind: str, node: dict[str, Any], place: Steps) -> None:
        ref = node["$ref"]
        fault = self._faults.get(ref)
        if fault is None:
            fault = self._faults[ref] = self._refs.fault(ref)
            if not fault and "/" + ref[2:].partition("/")[0] not in _PLACES:
                self._waiting.append((kind, tuple(parts_of(unescape(ref)))))
        if not fault:
            return
        path = path_of(place)
        consequence = CONSEQUENCES.get(kind, LEFT_OUT)
        self._findings.add("error", [*path, "$ref"], fault, consequence, "reference-not-found")
        self._gone.append(([*path, "$ref"], ref) if kind in ("schema", "path-item") else (path, node))

    def _pattern(self, node: dict[str, Any], pattern: str, place: Steps) -> None:
        fault = self._patterns.fault(pattern)
        if fault:
            path = [*path_of(place), "pattern"]
            self._findings.add("error", path, fault, "any text is taken there", "pattern")
            self._gone.append((path, pattern))

    def _names(self, patterns: dict[str, Any], place: Steps) -> None:
        for pattern in patterns:
            fault = self._patterns.fault(pattern)
            if fault:
                path = [*path_of(place), "patternProperties", pattern]
                self._findings.add("error", path, fault, "the pattern is ignored", "pattern")
                self._gone.append((path, patterns[pattern]))

    def _delete(self, path: list[str | int], value: Any) -> None:
        node: Any = self._document
        for part in path[:-1]:
            if isinstance(node, dict):
                node = node.get(str(part))
            elif isinstance(node, list) and isinstance(part, int) and part < len(node):
                node = node[part]
            else:
                return  # it went with something around it
        key = path[-1]
        if isinstance(node, dict) and node.get(str(key)) is value:
            del node[str(key)]
        elif isinstance(node, list) and isinstance(key, int) and key < len(node) and node[key] is value:
            del node[key]


def _check_dialect(document: dict[str, Any], findings: Findings) -> None:
    if isinstance(document.get("jsonSchemaDialect"), str):
        _note_dialect(document["jsonSchemaDialect"], ["jsonSchemaDialect"], findings)


def _note_dialect(dialect: str, path: list[str | int], findings: Findings) -> None:
    if draft(dialect) is None:
        message = f"{dialect!r} is a dialect of JSON Schema that is not known here"
        findings.add("warning", path, message, "it is read as 2020-12", "unknown-dialect")


def _check_paths(document: dict[str, Any], findings: Findings) -> None:
    """Paths and operations: what their names are, and whether each variable is declared."""
    refs = Refs(document)
    names: dict[str, str] = {}
    forms: dict[tuple[str, str], str] = {}
    paths = document.get("paths")
    for path, item in (paths if isinstance(paths, dict) else {}).items():
        if not path.startswith("/"):
            continue
        at: list[str | int] = ["paths", path]
        plain = re.split("[?#]", path)[0]
        form = _VARIABLE.sub("{}", plain)
        if plain != path:
            message = f"has a {path[len(plain)]!r}, which is no part of a path"
            findings.add("warning", at, message, _served(plain, form, item, forms), "path-not-plain")
        for node, pointer in refs.chain(item, pointer_of(at)):
            shared = node.get("parameters") if isinstance(node, dict) else None
            for method, operation, where in operations_of(node, pointer):
                place = parts_of(where)
                same = forms.setdefault((method, form), path)
                if same != path == plain:
                    message = f"means the same requests as {same}"
                    findings.add("warning", [*place], message, f"{method} {path} is never reached", "path-twice")
                _check_name(document, findings, names, operation, f"{method} {path}", place)
                _check_variables(
                    refs, findings, path, method, place, [*(shared or []), *(operation.get("parameters") or [])]
                )


def _served(plain: str, form: str, item: Any, forms: dict[tuple[str, str], str]) -> str:
    """What comes of a path that is served without what follows a `?` or a `#`."""
    methods = [method for method, _, _ in operations_of(item, "")]
    hidden = [method for method in methods if (method, form) in forms]
    if not hidden:
        return f"it is served as {plain!r}"
    return f"{', '.join(hidden)} is never reached, since {forms[hidden[0], form]} means the same requests"


def _check_name(
    document: dict[str, Any],
    findings: Findings,
    names: dict[str, str],
    operation: dict[str, Any],
    name: str,
    place: list[str],
) -> None:
    id = operation.get("operationId")
    if not isinstance(id, str):
        return
    if id in names and names[id] != name:
        message = f"{id!r} is the operationId of {names[id]} too"
        findings.add("error", [*place, "operationId"], message, f"it is called {name!r} here", "operation-id-twice")
        parent = Refs(document).lookup(pointer_of(place[:-1]))
        # A copy: in YAML both may be one and the same object.
        parent[place[-1]] = {key: value for key, value in operation.items() if key != "operationId"}
    names.setdefault(id, name)


def _check_variables(
    refs: Refs, findings: Findings, path: str, method: str, place: list[str], parameters: list[Any]
) -> None:
    declared = set()
    for parameter in parameters:
        target, _ = refs.follow(parameter, "")
        if isinstance(target, dict) and target.get("in") == "path":
            declared.add(target.get("name"))
    for name in _VARIABLE.findall(path.partition("?")[0].partition("#")[0]):
        if name not in declared:
            message = f"the path has the variable {name!r}, for which {method} {path} has no parameter"
            findings.add("error", place, message, "the variable takes any text", "path-parameter-missing")


def _check_security(document: dict[str, Any], findings: Findings) -> None:
    """Schemes that are demanded and not declared."""
    components = document.get("components")
    schemes = (components.get("securitySchemes") if isinstance(components, dict) else None) or {}
    places: list[tuple[list[str | int], Any]] = [(["security"], document.get("security"))]
    for path, item in (document.get("paths") or {}).items():
        if path.startswith("/") and isinstance(item, dict):
            places += [
                (["paths", path, method, "security"], item[method].get("security"))
                for method in METHODS
                if isinstance(item.get(method), dict)
            ]
    for place, demands in places:
        for index, demand in enumerate(demands or []):
            for name in demand:
                if name not in schemes and not re.search(r"[#/]", name):
                    message = f"demands the security scheme {name!r}, which is not declared"
                    findings.add("warning", [*place, index, name], message, "it demands nothing", "security-scheme")
