"""What a page advises: when to use an endpoint and what else to use, what to beware of, what to do when it is repeated.

Composed of what the contract says and of what is known of the operation's resource; the words of the contract go before
(`x-docs`). Must not know: formats, how requests are executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mockserver.apis import Api
from mockserver.apis.resources.behaviours import Resourceful
from mockserver.apis.resources.model import Resource, Role, folded
from mockserver.apis.resources.paging import PAGING, SIZE
from mockserver.console.endpoint_pages import facts
from mockserver.console.endpoint_pages.blocks import Code, Link, Text, ended, joined, prose
from mockserver.console.endpoint_pages.names import with_article
from mockserver.console.endpoint_pages.producers import Producers
from mockserver.console.endpoint_pages.words import Words
from mockserver.contract import Operation
from mockserver.contract.router import split

Linked = Callable[[Operation], Link]
"""Makes the link to the page of an operation."""

_USES = {
    "create": "to make {one}",
    "list": "to see several {many}, or to find one",
    "read": "to see {one} whose id you know",
    "update": "to change some fields of {one}",
    "replace": "to change {one}",
    "delete": "to remove {one}",
    "action": "to act on {one}: {summary}",
    "create_many": "to make several {many} with one request",
    "update_many": "to change several {many} with one request",
    "delete_many": "to remove several {many} with one request",
}
_ALTERNATIVES: dict[str, tuple[tuple[Role, str], ...]] = {
    "create": (
        ("create_many", "for several at once"),
        ("update", "to change one that exists"),
        ("list", "to see what there is"),
    ),
    "list": (("read", "for one whose id you know"),),
    "read": (("list", "to find one"),),
    "update": (("replace", "to replace it whole"), ("update_many", "for several at once"), ("read", "to see it")),
    "replace": (("update", "to change some fields"), ("update_many", "for several at once"), ("read", "to see it")),
    "delete": (("delete_many", "for several at once"), ("update", "to change it"), ("read", "to see it")),
    "action": (("update", "to change its fields"), ("read", "to see it")),
    "create_many": (("create", "for one"),),
    "update_many": (("update", "for one"), ("replace", "for one")),
    "delete_many": (("delete", "for one"),),
}
_IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
"""RFC 9110, 9.2.2."""
_MAX_SCOPES = 6
_ICONS = {
    "list": "list",
    "read": "eye",
    "update": "pen",
    "replace": "pen",
    "update_many": "pen",
    "delete": "trash",
    "delete_many": "trash",
    "action": "play",
}
_VERSION = re.compile(r"v?\d+(?:\.\d+)*|api|rest", re.IGNORECASE)
"""Words of a path that say nothing of what it is about."""
_BATCH = ("batch", "bulk")


class Guidance:
    """Advises on the operations of one API.

    Args:
        api: the API.
        producers: what its operations make for each other.
        linked: makes links to pages.
    """

    def __init__(self, api: Api, producers: Producers, linked: Linked) -> None:
        self._api = api
        self._producers = producers
        self._linked = linked

    def icon(self, operation: Operation, words: Words) -> str:
        """The icon of a page."""
        return words.icon or _ICONS.get(self._producers.role(operation), "bolt")

    def use(self, operation: Operation, words: Words) -> Text:
        """When to use it, and what to use otherwise."""
        resource, role = self._producers.resource(operation), self._producers.role(operation)
        if words.use:
            use: Text = ("Use this endpoint ", *prose(words.use))
        elif resource is not None and role:
            one, many = _one(resource), resource.name.rpartition(".")[2].replace("-", " ").replace("_", " ")
            summary = facts.summary(operation).rstrip(".")
            use = (f"Use this endpoint {_USES[role].format(one=one, many=many, summary=summary)}",)
        else:
            use = ("Use this endpoint for this: ", facts.summary(operation).rstrip("."))
        return (*ended(use), *self._alternative(operation, words))

    def _alternative(self, operation: Operation, words: Words) -> Text:
        if words.prefer[0]:
            return self._preferred(self._api.contract.operations[words.prefer[0]], words.prefer[1])
        resource, role = self._producers.resource(operation), self._producers.role(operation)
        for wanted, purpose in _ALTERNATIVES.get(role, ()):
            other = resource.with_role(wanted) if resource is not None else None
            if other is not None and other is not operation:
                return self._preferred(other, purpose)
        for other in self.related(operation, 1):
            if _shared_words(operation, other) or resource is not None:
                return self._preferred(other, f"for this: {facts.summary(other)}")
        return ()

    def _preferred(self, other: Operation, purpose: str) -> Text:
        known = purpose.startswith(("to ", "for ", "when "))
        return ended((" Prefer ", self._linked(other), " " if known else " for ", *prose(purpose)))

    def warning(self, operation: Operation, words: Words) -> Text:
        """What to beware of; () for nothing."""
        said: list[Text] = [prose(words.warning)] if words.warning else []
        if operation.node.get("deprecated") is True:
            said.append(("This endpoint is deprecated.",))
        if needed := facts.scopes(self._api, operation):
            is_only = len(facts.securities(self._api, operation)) == 1
            plural = "scopes" if len(needed) > 1 else "scope"
            named: list[Text] = [(Code(scope),) for scope in needed[:_MAX_SCOPES]]
            named += [(f"{len(needed) - _MAX_SCOPES} more",)] if len(needed) > _MAX_SCOPES else []
            who = "The key needs" if is_only else "A key with scopes needs"
            said.append((f"{who} the {plural} ", *joined(named), "."))
        for parameter in facts.beta_headers(operation):
            must = "needs" if parameter.required else "takes"
            said.append((f"This endpoint {must} the header ", Code(parameter.name), ", and may change."))
        if old := facts.deprecated_parameters(self._api, operation):
            verb = "are" if len(old) > 1 else "is"
            said.append((*joined([(Code(name),) for name in old]), f" {verb} deprecated."))
        return joined([ended(text) for text in said], " ", " ")

    def tip(self, operation: Operation, words: Words) -> Text:
        """The form for several, and what to do when it is not known whether a request was done."""
        said: list[Text] = [ended(prose(words.tip))] if words.tip else []
        batch = self.batch_form(operation)
        if batch is not None:
            said.append(("Several at once? Use ", self._linked(batch), "."))
        said.append(self._repetition(operation))
        return joined(said, " ", " ")

    def _repetition(self, operation: Operation) -> Text:
        header = self.idempotency_header(operation)
        if header:
            return ("Send a new ", Code(header), " with each request: sent again with the same key, it is done once.")
        if operation.method in ("GET", "HEAD", "OPTIONS", "TRACE"):
            return ("It changes nothing, so it can be sent again at any time.",)
        if operation.method in _IDEMPOTENT:
            return (f"{operation.method} is idempotent: when no response arrives, send it again.",)
        return ("It is not idempotent: when no response arrives, look whether it was done before you send it again.",)

    def idempotency_header(self, operation: Operation) -> str:
        """The header that makes a repeated request harmless; "" where there is none."""
        terms = self._api.idempotency
        if terms is not None and operation.id in terms.operations:
            return "-".join(word.capitalize() for word in terms.header.split("-"))
        headers = [p.name for p in operation.parameters if p.place == "header"]
        return next((name for name in headers if folded(name).removeprefix("x") == "idempotencykey"), "")

    def batch_form(self, operation: Operation) -> Operation | None:
        """The operation that does the same to several rows."""
        resource, role = self._producers.resource(operation), self._producers.role(operation)
        wanted: dict[str, Role] = {"create": "create_many", "update": "update_many", "delete": "delete_many"}
        wanted["replace"] = "update_many"
        if resource is not None and role in wanted and (many := resource.with_role(wanted[role])) is not None:
            return many
        path = split(operation.path)
        for other in self._api.contract.operations.values():
            segments = split(other.path)
            below = segments[:-1] == path and bool(segments) and folded(segments[-1]).startswith(_BATCH)
            if other.method == operation.method and below:
                return other
        return None

    def note(self, operation: Operation, words: Words) -> Text:
        """How to get the next page, or that there is none."""
        if words.note:
            return ended(prose(words.note))
        resource = self._producers.resource(operation)
        if resource is None or self._producers.role(operation) != "list":
            return self._pages_by_name(operation)
        listing = Resourceful(self._api.contract, resource).listing(operation)
        paging = listing.paging
        size: Text = (" ", Code(paging.size), " says how many one page holds.") if paging.size else ()
        if not paging.parameter:
            return ("This response is whole: there are no pages.", *size)
        tells = [tell for tell in paging.tells if tell.kind in ("next", "next_url", "more")]
        where = Code(".".join(tells[0].at)) if tells else None
        if where is not None and tells[0].kind == "next_url":
            return ("The next page is at the address in ", where, ".", *size)
        if paging.style == "cursor":
            taken: Text = ("the token in ", where) if where is not None else ("the id of the last row",)
            return ("For the next page send ", *taken, " as ", Code(paging.parameter), ".", *size)
        step = "the number of the next page" if paging.style == "page" else "the number of rows that you have"
        more: Text = (", as long as ", where, " says that more follow") if where is not None else ()
        return (f"For the next page send {step} as ", Code(paging.parameter), *more, ".", *size)

    def _pages_by_name(self, operation: Operation) -> Text:
        """What the names of parameters and fields tell of pages, where no list of rows is known."""
        names = [p.name for p in operation.parameters if p.place == "query"]
        names += self._api.contract.outlines.of(operation.request_schema).members
        moving = [(Code(name),) for name in names if folded(name) in PAGING and folded(name) not in SIZE]
        sizes = [(Code(name),) for name in names if folded(name) in SIZE]
        if moving:
            return ("Another page is asked for with ", *joined(list(moving)), ".")
        if sizes:
            return ("How much one response holds is asked for with ", *joined(list(sizes)), ".")
        return ("This response is whole: there are no pages.",)

    def related(self, operation: Operation, most: int = 6) -> list[Operation]:
        """The operations that one who reads of this one may need: linked, of the same rows, or of a path like it."""
        contract, resource = self._api.contract, self._producers.resource(operation)
        found = self._producers.linked(operation)
        found += [contract.operations[id] for id in resource.operations] if resource is not None else []
        found += sorted(
            (other for other in contract.operations.values() if _shared_words(operation, other)),
            key=lambda other: -_shared_words(operation, other),
        )
        tags = operation.node.get("tags") or [None]
        found += [other for other in contract.operations.values() if tags[0] in (other.node.get("tags") or [])]
        if not any(other is not operation for other in found):
            found += contract.operations.values()
        return [other for other in dict.fromkeys(found) if other is not operation][:most]

    def maker(self, operation: Operation) -> Text:
        """The operation whose response has the id that this one takes; () for none."""
        if "{" not in operation.path:
            return ()
        before = self._producers.before(operation)
        return (self._linked(before[-1]),) if before else ()

    def linked(self, operation: Operation) -> Link:
        """The link to an operation's page."""
        return self._linked(operation)


def _shared_words(operation: Operation, other: Operation) -> int:
    """How many words two paths begin with in common, but for versions and variables."""
    count = 0
    for left, right in zip(_words(operation.path), _words(other.path), strict=False):
        if left != right:
            break
        count += 1
    return count


def _words(path: str) -> list[str]:
    return [word for word in split(path) if not word.startswith("{") and not _VERSION.fullmatch(word)]


def _one(resource: Resource) -> str:
    noun = resource.singular.replace("-", " ").replace("_", " ")
    if resource.is_singleton:
        return f"the {noun}"
    return with_article(noun)


__all__ = ["Guidance", "Linked"]
