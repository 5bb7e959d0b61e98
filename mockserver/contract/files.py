"""Makes every reference of a document local: other files are put into it, anchors and `$id`s become pointers.

Afterwards each `$ref` is `#` and an RFC 6901 pointer, and nothing else has to know of files and URIs. Another file
stands whole under MOUNT. Only files in one folder are read, the document's own unless another is named; what leads
out of it, through `..`, an absolute path or a symbolic link, is a fault, and so is a remote URL unless allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urlsplit

from mockserver.contract.faults import MOUNT, Findings, Source
from mockserver.contract.objects import NO_REFERENCE, Met, join, path_of, steps_of, walk
from mockserver.contract.references import Refs, escape, pointer_of
from mockserver.errors import UserError
from mockserver.text.documents import parse, parts_of, read_text

if TYPE_CHECKING:
    from mockserver.contract.load import Terms

MAX_FILES = 2000
"""Files that one document may refer to."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes of all files of one document."""
_IDENTIFIERS = (
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveRef",
    "$self",
)
_NAMING = ("$id", "$anchor", "$dynamicAnchor")
"""Members that give a schema a name to refer to it by."""
_TELLING = frozenset(("$ref", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "discriminator"))
"""Members of a schema that may have to be rewritten."""
_MAPPING = re.compile(r"""apping["']?\s*:""")
"""`mapping` or `defaultMapping` as a member."""
_NOT_LOCAL = re.compile(r"""\$ref["']?\s*:(?!\s*["']?#/)""")
_RECURSIVE = "recursive"
"""The `$dynamicAnchor` that stands for `$recursiveAnchor: true` of 2019-09."""


def is_local(text: str) -> bool:
    """Whether a text can be seen at once to hold nothing but references by pointers into itself."""
    return not (any(name in text for name in _IDENTIFIERS) or _MAPPING.search(text) or _NOT_LOCAL.search(text))


def names_schemas(text: str) -> bool:
    """Whether a text may hold a schema that has a name, so that all of it must be looked through for these."""
    return any(name in text for name in _NAMING)


class _Resource:
    """What a URI without fragment names: a file, or a schema with an `$id`."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer
        self.anchors: dict[str, str] = {}
        self.dynamic: set[str] = set()


class _File:
    def __init__(self, uri: str, document: Any, pointer: str) -> None:
        self.uri = uri
        self.document = document
        self.pointer = pointer
        """Where the file stands in the whole document."""


class Refused(Exception):
    """A reference that is not followed, and why."""

    def __init__(self, message: str, rule_id: str) -> None:
        super().__init__(message)
        self.rule_id = rule_id


class Bundle:
    """Puts the files of one document together.

    Args:
        document: the document; it is changed.
        path: where it was read from.
        findings: takes what is wrong.
        terms: what may be read.
        has_names: whether the document itself may hold schemas with names.
    """

    def __init__(
        self, document: dict[str, Any], path: Path, findings: Findings, terms: Terms, has_names: bool = True
    ) -> None:
        self._has_names = has_names
        self._document = document
        self._findings = findings
        self._whole = Refs(document)
        self._folder = None if terms.url else (terms.ref_folder or path.parent).resolve()
        """The folder that files are read from; None for a document from elsewhere, which reads none."""
        self._allow_remote = terms.allow_remote_refs
        self._beside_refs = not str(document.get("openapi", "")).startswith("3.0")
        self._bytes = len(findings.sources.root.text)
        self._resources: dict[str, _Resource] = {}
        self._failed: dict[str, Refused] = {}
        self._seen: set[int] = set()
        uri = terms.url or path.resolve().as_uri()
        self._root = _File(uri, document, "")
        self._files = {uri: self._root}
        self._waiting: list[tuple[_File, str, str]] = []
        """Parts of files that a walk has not met yet: the file, the pointer in it, and the kind."""
        self.targets: dict[tuple[tuple[str | int, ...], str], None] = {}
        """What is referred to in other files: the path to it in the whole document, and its kind."""

    def make_local(self) -> None:
        """Rewrite every reference, and note those that cannot be followed."""
        self._index(self._root, self._has_names)
        own = self._document.get("$self")
        if isinstance(own, str):
            self._resources.setdefault(join(self._root.uri, own), self._resources[self._root.uri])
        self._walk(self._root, self._document, "document", "")
        while self._waiting:
            file, pointer, kind = self._waiting.pop()
            try:
                node = Refs(file.document).lookup(pointer)
            except KeyError:
                continue
            if file is not self._root:
                self.targets[tuple(parts_of(file.pointer + pointer)), kind] = None
            self._walk(file, node, kind, pointer)

    def _walk(self, file: _File, node: Any, kind: str, pointer: str) -> None:
        place = steps_of(parts_of(file.pointer + pointer))
        base = self._base(file, pointer)
        for met in walk(node, kind, place, base, beside_refs=self._beside_refs, telling=_TELLING):
            if id(met[1]) in self._seen:
                continue
            self._seen.add(id(met[1]))
            self._rewrite(file, met)

    def _base(self, file: _File, pointer: str) -> str:
        """The base URI at a place: that of the file, changed by each `$id` above."""
        base, node = file.uri, file.document
        for part in parts_of(pointer):
            if isinstance(node, dict) and isinstance(node.get("$id"), str):
                base = join(base, node["$id"])
            try:
                node = Refs(node).lookup(pointer_of([part]))
            except (KeyError, AttributeError):
                break
        return base

    def _rewrite(self, file: _File, met: Met) -> None:
        kind, node, _, base = met
        if kind not in NO_REFERENCE and isinstance(node.get("$ref"), str):
            self._set(node, "$ref", met, lambda: self._resolve(file, node["$ref"], base, kind))
        if kind != "schema":
            return
        if node.get("$recursiveAnchor") is True:
            node["$dynamicAnchor"] = _RECURSIVE
        for key in ("$dynamicRef", "$recursiveRef"):
            if isinstance(node.get(key), str):
                self._set(node, key, met, lambda key=key: self._resolve(file, node[key], base, kind))  # type: ignore[misc]
                self._plain(node, key)
        discriminator = node.get("discriminator")
        if isinstance(discriminator, dict):
            self._mapping(file, discriminator, met)

    def _set(self, node: dict[str, Any], key: str, met: Met, resolve: Callable[[], str]) -> None:
        try:
            node[key] = resolve()
        except Refused as refused:
            path = [*path_of(met[2]), key]
            self._findings.add("error", path, str(refused), CONSEQUENCES.get(met[0], LEFT_OUT), refused.rule_id)
            del node[key]
            if met[0] != "schema":
                node.clear()  # what is left is no object of its kind, and goes when it is validated
                node["x-unresolved"] = True

    def _plain(self, node: dict[str, Any], key: str) -> None:
        """A dynamic reference that does not lead to a `$dynamicAnchor` is a plain one (2020-12, 8.2.3.2)."""
        if key not in node:
            return
        target = self._whole.lookup(node[key].removeprefix("#")) if _exists(self._whole, node[key]) else None
        name = "$dynamicAnchor" if key == "$dynamicRef" else "$recursiveAnchor"
        if isinstance(target, dict) and target.get(name):
            if key == "$recursiveRef":
                target["$dynamicAnchor"] = _RECURSIVE  # it may not have been met yet
                node["$dynamicRef"] = node.pop(key)
            return
        ref = node.pop(key)
        if "$ref" in node:
            node["allOf"] = [*node.get("allOf", []), {"$ref": ref}]
        else:
            node["$ref"] = ref

    def _mapping(self, file: _File, discriminator: dict[str, Any], met: Met) -> None:
        """The values of a mapping are names of schemas or references (3.0.4, Discriminator Object)."""
        schemas = (self._document.get("components") or {}).get("schemas") or {}
        mapping = discriminator.get("mapping")
        holders = [mapping] if isinstance(mapping, dict) else []
        for holder, key in [(h, key) for h in holders for key in h] + [(discriminator, "defaultMapping")]:
            value = holder.get(key)
            if not isinstance(value, str) or value in schemas or not re.search(r"[#/.]", value):
                continue
            try:
                holder[key] = self._resolve(file, value, met[3], "schema")
            except Refused as refused:
                path = [*path_of(met[2]), "discriminator", *([] if holder is discriminator else ["mapping"]), key]
                self._findings.add("warning", path, str(refused), "the name means no schema", refused.rule_id)
                holder[key] = "#/"

    def _resolve(self, file: _File, ref: str, base: str, kind: str) -> str:
        """The local reference for one as it was written. Raises Refused."""
        if ref.startswith("#/") and base == file.uri:
            if not file.pointer:
                return ref
            pointer = unquote(ref[1:])
            self._waiting.append((file, pointer, kind))
            return escape(file.pointer + pointer)
        uri, fragment = urldefrag(ref)
        fragment = unquote(fragment)
        target = join(base, uri) if uri else base
        resource = self._resources.get(target) or self._resources.get(target.rstrip("#"))
        if resource is None:
            resource = self._other(file, uri, target, kind, fragment)
        if not fragment or fragment.startswith("/"):
            pointer = resource.pointer + fragment
            if not _exists(self._whole, "#" + pointer) and fragment and not uri:
                pointer = file.pointer + fragment  # many write it below an `$id` as if that changed nothing
            return escape(pointer)
        if fragment not in resource.anchors:
            raise Refused(f"refers to {ref!r}, but there is no $anchor {fragment!r}", "reference-not-found")
        return escape(resource.anchors[fragment])

    def _other(self, file: _File, uri: str, target: str, kind: str, fragment: str) -> _Resource:
        """The resource of another file, read when it was not yet."""
        candidates = dict.fromkeys((target, join(file.uri, uri)))
        refused: Refused | None = None
        for candidate in candidates:
            try:
                self._guard(file, candidate)
                other = self._file(candidate)
            except Refused as error:
                refused = refused or error
                continue
            pointer = fragment if fragment.startswith("/") else ""
            if other is not self._root:
                self._waiting.append((other, pointer, kind))
            return self._resources[other.uri]
        assert refused is not None
        raise refused

    def _guard(self, file: _File, uri: str) -> None:
        """Let no document from a public address make this machine ask its own network. Raises Refused."""
        schemes = ("http://", "https://")
        if self._allow_remote and uri not in self._files and file.uri.startswith(schemes) and uri.startswith(schemes):
            from mockserver.contract.remote import leads_inside

            if leads_inside(file.uri, uri):
                text = f"refers to {uri!r} from a public address, and it is no public one; no such URL is fetched"
                raise Refused(text, "reference-outside")

    def _file(self, uri: str) -> _File:
        if uri in self._failed:
            raise self._failed[uri]
        try:
            return self._read(uri)
        except Refused as refused:
            self._failed[uri] = refused
            raise

    def _read(self, uri: str) -> _File:
        parts = urlsplit(uri)
        if parts.scheme in ("http", "https"):
            if not self._allow_remote:
                text = f"refers to {uri!r}; remote documents are not read unless allowed (--allow-remote-refs)"
                raise Refused(text, "reference-remote")
            from mockserver.contract.remote import fetch  # few documents need it, and it brings all of urllib

            name, read = uri, partial(fetch, uri)
        elif parts.scheme == "file" and not parts.netloc:
            path = Path(unquote(parts.path))
            name, path = self._allowed(path)
            uri, read = path.as_uri(), partial(read_text, path, MAX_BYTES - self._bytes)
        else:
            raise Refused(f"refers to {uri!r}, which is neither a file nor an http URL", "reference-not-found")
        if uri in self._files:
            return self._files[uri]
        if len(self._files) >= MAX_FILES:
            raise Refused(f"refers to one more file than the {MAX_FILES} that are read", "reference-too-many")
        try:
            text = read()
            self._bytes += len(text)
            document = parse(text, name)
        except UserError as error:
            text = f"refers to a file that cannot be used: {error}"
            self._findings.sources.unread[name if "://" in name else str(path)] = text
            raise Refused(text, "reference-not-found") from None
        file = self._files[uri] = _File(uri, document, pointer_of([MOUNT, name]))
        self._document.setdefault(MOUNT, {})[name] = document
        self._findings.sources.mounted[name] = Source(name, text)
        self._index(file, names_schemas(text))
        return file

    def _allowed(self, path: Path) -> tuple[str, Path]:
        """The name and the real path of a file in the folder. Raises Refused for any other."""
        if self._folder is None:
            raise Refused(f"refers to the file {str(path)!r} from a remote document", "reference-outside")
        try:
            real = path.resolve()
            relative = real.relative_to(self._folder)
        except (OSError, RuntimeError, ValueError):
            raise Refused(
                f"refers to {str(path)!r}, which is outside of the folder {str(self._folder)!r}; no such file is read",
                "reference-outside",
            ) from None
        if not real.is_file():
            text = f"refers to the file {str(relative)!r}, which does not exist"
            self._findings.sources.unread[str(real)] = text
            raise Refused(text, "reference-not-found")
        return relative.as_posix(), real

    def _index(self, file: _File, has_names: bool) -> None:
        """Note the `$id`s and anchors of a file, wherever a schema may stand in it."""
        resource = self._resources[file.uri] = _Resource(file.pointer)
        if not has_names:
            return
        waiting: list[tuple[Any, tuple[str | int, ...], str, _Resource]] = [(file.document, (), file.uri, resource)]
        seen: set[int] = set()
        while waiting:
            node, path, base, resource = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, list):
                waiting += [(child, (*path, index), base, resource) for index, child in enumerate(node)]
                continue
            if not isinstance(node, dict):
                continue
            is_named = not (path and path[-1] in ("properties", "patternProperties", "$defs", "schemas"))
            if is_named and isinstance(node.get("$id"), str):
                base = join(base, node["$id"]).removesuffix("#")
                resource = self._resources.setdefault(base, _Resource(file.pointer + pointer_of(path)))
            for key in ("$anchor", "$dynamicAnchor") if is_named else ():
                if isinstance(node.get(key), str):
                    resource.anchors.setdefault(node[key], file.pointer + pointer_of(path))
            waiting += [
                (child, (*path, key), base, resource)
                for key, child in node.items()
                if key not in ("example", "default", "enum", "const") or not is_named
            ]


def _exists(refs: Refs, ref: str) -> bool:
    try:
        refs.lookup(unquote(ref.removeprefix("#")))
    except KeyError:
        return False
    return True


LEFT_OUT = "it is left out"
CONSEQUENCES = {"schema": "any value is taken there", "path-item": "the path is left out"}
"""What comes of a reference that cannot be followed, by the kind of object that it stands for."""
