"""All changes between two contracts: operations, what is sent to them, what they answer, and the calls they make.

Must not know: how findings are shown, or which are accepted.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from mockserver.contract.contract import Contract
from mockserver.contract.diff.calls import Call, Parameter, calls, webhooks
from mockserver.contract.diff.findings import change, location, merged
from mockserver.contract.diff.normal import Side as Schemas
from mockserver.contract.diff.schema_changes import Comparison
from mockserver.contract.diff.security_changes import security_changes
from mockserver.contract.media_types import covers
from mockserver.contract.servers import base_paths
from mockserver.text.documents import uncollected
from mockserver.text.findings import Finding, Location, Side


@uncollected()
def differences(old: Contract, new: Contract, titles: Container[str] | None = None) -> list[Finding]:
    """Every change between two contracts, the worst first; one that concerns several operations stands once.

    `titles`: of the operations to compare that both have, such as `GET /pets`; None for all.
    """
    return merged(_Difference(old, new).findings(titles))


class _Difference:
    def __init__(self, old: Contract, new: Contract) -> None:
        self._old = old
        self._new = new
        sent, read = Schemas(old, "request"), Schemas(old, "response")
        new_sent, new_read = Schemas(new, "request"), Schemas(new, "response")
        # What a client makes must not narrow; what it reads must not widen. In a webhook the server makes the request.
        self._requests = Comparison(sent, new_sent, is_sent=True)
        self._responses = Comparison(read, new_read, is_sent=False)
        self._called = Comparison(sent, new_sent, is_sent=False)
        self._answered = Comparison(read, new_read, is_sent=True)

    def findings(self, titles: Container[str] | None) -> Iterator[Finding]:
        """The changes, in the order of the new document."""
        yield from self._bases(self._old.base_paths, self._new.base_paths, "every operation")
        before, after = calls(self._old), calls(self._new)
        for key, call in before.items():
            if key not in after:
                rule = "operation-removed-after-deprecation" if _is_deprecated(call) else "operation-removed"
                yield self._finding(rule, call, f"{call.title} was removed", call.pointer, None)
        for key, call in after.items():
            if key not in before:
                yield self._finding("operation-added", call, f"{call.title} was added", None, call.pointer)
            elif titles is None or call.title in titles:
                yield from self._operation(before[key], call)
        yield from self._incoming("webhook", webhooks(self._old), webhooks(self._new))

    def _finding(
        self, rule: str, call: Call | str, message: str, old: str | None, new: str | None, side: Side = "document"
    ) -> Finding:
        title = call if isinstance(call, str) else call.title
        return change(rule, side, title, message, self._place(self._old, old), self._place(self._new, new))

    @staticmethod
    def _place(contract: Contract, pointer: str | None) -> Location | None:
        return None if pointer is None else location(contract, pointer)

    def _bases(self, before: list[str], after: list[str], title: str) -> Iterator[Finding]:
        for base in before:
            if base not in after:
                yield self._finding(
                    "base-path-removed", title, f"the base path {base or '/'} was removed", "/servers", "/servers"
                )
        for base in after:
            if base not in before:
                yield self._finding(
                    "base-path-added", title, f"the base path {base or '/'} was added", "/servers", "/servers"
                )

    def _operation(self, old: Call, new: Call) -> Iterator[Finding]:
        was, is_ = old.node.get("operationId"), new.node.get("operationId")
        if was is not None and was != is_:
            text = f"the operationId was {was} and is {is_ or 'not set'}"
            yield self._finding("operation-id-changed", new, text, old.pointer, new.pointer)
        if _is_deprecated(old) != _is_deprecated(new):
            rule = "operation-deprecated" if _is_deprecated(new) else "operation-undeprecated"
            text = f"{new.title} is {'now' if _is_deprecated(new) else 'no longer'} deprecated"
            yield self._finding(rule, new, text, old.pointer, new.pointer)
        own = [call.node.get("servers") or call.item.get("servers") for call in (old, new)]
        if any(own):
            before = base_paths(own[0]) if own[0] else self._old.base_paths
            after = base_paths(own[1]) if own[1] else self._new.base_paths
            yield from self._bases(before, after, new.title)
        for rule, text in security_changes(self._old, self._new, old.node, new.node):
            yield self._finding(rule, new, text, old.pointer, new.pointer, "request")
        yield from self._parameters(old, new, self._requests)
        yield from self._request_body(old, new, self._requests)
        yield from self._all_responses(old, new, self._responses)
        yield from self._incoming("callback", old.callbacks, new.callbacks)

    def _incoming(self, kind: str, before: dict[Any, Call], after: dict[Any, Call]) -> Iterator[Finding]:
        """What became of calls that the server makes and a client receives."""
        for key, call in before.items():
            if key not in after:
                yield self._finding(f"{kind}-removed", call, f"{call.title} was removed", call.pointer, None)
        for key, call in after.items():
            if key not in before:
                yield self._finding(f"{kind}-added", call, f"{call.title} was added", None, call.pointer)
                continue
            old = before[key]
            yield from self._content(old, call, old.body, call.body, self._called, "the call's body")
            for status, holder in call.responses.items():
                if status in old.responses:
                    where = f"the answer {status}"
                    yield from self._content(old, call, old.responses[status], holder, self._answered, where)

    def _schemas(
        self, old: Call, new: Call, pointers: tuple[str, str], comparison: Comparison, where: str
    ) -> Iterator[Finding]:
        side: Side = "request" if comparison is self._requests or comparison is self._called else "response"
        for found in comparison.changes(*pointers):
            yield change(
                found.rule,
                side,
                new.title,
                f"{where}{found.where}: {found.text}",
                self._place(self._old, found.old or old.pointer),
                self._place(self._new, found.new or new.pointer),
                found.witness,
                found.text,
            )

    def _parameters(self, old: Call, new: Call, comparison: Comparison) -> Iterator[Finding]:
        before, after = old.parameters, new.parameters
        for key, parameter in before.items():
            if key not in after:
                text = f"the {_title(parameter)} was removed"
                yield self._finding("parameter-removed", new, text, parameter.pointer, new.pointer, "request")
        for key, parameter in after.items():
            if key in before:
                yield from self._parameter(old, new, before[key], parameter, comparison)
                continue
            rule = "required-parameter-added" if parameter.required else "parameter-added"
            yield self._finding(
                rule, new, f"the {_title(parameter)} was added", old.pointer, parameter.pointer, "request"
            )

    def _parameter(
        self, old: Call, new: Call, before: Parameter, after: Parameter, comparison: Comparison
    ) -> Iterator[Finding]:
        def finding(rule: str, text: str) -> Finding:
            return self._finding(rule, new, f"the {_title(after)} {text}", before.pointer, after.pointer, "request")

        if before.required != after.required:
            word = "required" if after.required else "optional"
            yield finding(f"parameter-became-{word}", f"became {word}")
        if before.serialization != after.serialization:
            yield finding("parameter-serialization-changed", "is written in another way")
        empty = before.node.get("allowEmptyValue") is True, after.node.get("allowEmptyValue") is True
        if empty[0] != empty[1]:
            rule = "parameter-empty-value-allowed" if empty[1] else "parameter-empty-value-rejected"
            yield finding(rule, f"may {'now' if empty[1] else 'no longer'} be empty")
        if before.node.get("deprecated") is not True and after.node.get("deprecated") is True:
            yield finding("parameter-deprecated", "is now deprecated")
        defaults = [_default(call, parameter) for call, parameter in ((old, before), (new, after))]
        if defaults[0] != defaults[1]:
            yield finding("parameter-default-changed", f"had the default {defaults[0]!r} and has {defaults[1]!r}")
        yield from self._schemas(old, new, (before.schema, after.schema), comparison, f"the {_title(after)}")

    def _request_body(self, old: Call, new: Call, comparison: Comparison) -> Iterator[Finding]:
        before, after = old.body, new.body
        if before is None and after is not None:
            rule = "required-request-body-added" if after[0].get("required") is True else "request-body-added"
            yield self._finding(rule, new, "the request body was added", old.pointer, after[1], "request")
        elif before is not None and after is None:
            yield self._finding(
                "request-body-removed", new, "the request body was removed", before[1], new.pointer, "request"
            )
        if before is None or after is None:
            return
        was, is_ = before[0].get("required") is True, after[0].get("required") is True
        if was != is_:
            word = "required" if is_ else "optional"
            text = f"the request body became {word}"
            yield self._finding(f"request-body-became-{word}", new, text, before[1], after[1], "request")
        yield from self._content(old, new, before, after, comparison, "the request body")

    def _content(
        self,
        old: Call,
        new: Call,
        before: tuple[dict[str, Any], str] | None,
        after: tuple[dict[str, Any], str] | None,
        comparison: Comparison,
        where: str,
    ) -> Iterator[Finding]:
        """What became of the media types of a body, and of their schemas."""
        if before is None or after is None:
            return
        was, is_ = old.media_types(before), new.media_types(after)
        side: Side = "request" if comparison is self._requests else "response"
        if side == "response" and bool(was) != bool(is_):
            rule = "response-body-added" if is_ else "response-body-removed"
            yield self._finding(
                rule, new, f"{where} {'was added' if is_ else 'was removed'}", before[1], after[1], side
            )
            return
        for media_type, schema in was.items():
            other = _covering(is_, media_type)
            if other is None:
                text = f"{where}: {media_type} was removed"
                yield self._finding(f"{side}-media-type-removed", new, text, before[1], after[1], side)
            else:
                yield from self._schemas(old, new, (schema, is_[other]), comparison, where)
        for media_type in is_:
            if _covering(was, media_type) is None:
                text = f"{where}: {media_type} was added"
                yield self._finding(f"{side}-media-type-added", new, text, before[1], after[1], side)

    def _all_responses(self, old: Call, new: Call, comparison: Comparison) -> Iterator[Finding]:
        before, after = old.responses, new.responses
        for status, holder in before.items():
            where = f"the response {status}"
            key = _answering(after, status)
            if key is None:
                rule = "success-status-removed" if status[0] in "23" else "error-status-removed"
                yield self._finding(rule, new, f"{where} was removed", holder[1], new.pointer, "response")
            elif key != status:
                yield from self._content(old, new, holder, after[key], comparison, where)
                yield from self._headers(old, new, holder, after[key], comparison, where)
        for status, holder in after.items():
            key = _answering(before, status)
            if key is None:
                rule = "success-status-added" if status[0] in "23" else "error-status-added"
                yield self._finding(rule, new, f"the response {status} was added", old.pointer, holder[1], "response")
                continue
            where = f"the response {status}"
            yield from self._content(old, new, before[key], holder, comparison, where)
            yield from self._headers(old, new, before[key], holder, comparison, where)

    def _headers(
        self,
        old: Call,
        new: Call,
        before: tuple[dict[str, Any], str],
        after: tuple[dict[str, Any], str],
        comparison: Comparison,
        where: str,
    ) -> Iterator[Finding]:
        was, is_ = old.headers(before), new.headers(after)
        for name, header in was.items():
            title = f"{where}: the header {header.name}"
            if name not in is_:
                rule = "required-response-header-removed" if header.required else "response-header-removed"
                yield self._finding(rule, new, f"{title} was removed", header.pointer, after[1], "response")
                continue
            other = is_[name]
            if header.required != other.required:
                word = "required" if other.required else "optional"
                rule = f"response-header-became-{word}"
                yield self._finding(rule, new, f"{title} became {word}", header.pointer, other.pointer, "response")
            yield from self._schemas(old, new, (header.schema, other.schema), comparison, title)
        for name, header in is_.items():
            if name not in was:
                text = f"{where}: the header {header.name} was added"
                yield self._finding("response-header-added", new, text, before[1], header.pointer, "response")


def _is_deprecated(call: Call) -> bool:
    return call.node.get("deprecated") is True


def _title(parameter: Parameter) -> str:
    return f"{parameter.place} parameter {parameter.name}"


def _default(call: Call, parameter: Parameter) -> Any:
    if not parameter.schema:
        return None
    schema, _ = call.refs.follow(call.refs.lookup(parameter.schema), parameter.schema)
    return schema.get("default") if isinstance(schema, dict) else None


def _covering(declared: dict[str, str], media_type: str) -> str | None:
    """The declared media type that is a given one, or covers it."""
    if media_type in declared:
        return media_type
    return next((name for name in declared if covers(name, media_type)), None)


def _answering(responses: dict[str, Any], status: str) -> str | None:
    """The key of the response that a status has: itself, its range, or `default`."""
    keys = (status, f"{status[0]}XX", "default") if status != "default" else ("default",)
    return next((key for key in keys if key in responses), None)


__all__ = ["differences"]
