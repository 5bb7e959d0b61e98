"""Puts a page together, part by part in the order of the layout. Must not know: formats, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus

from mockserver.apis.api import Api
from mockserver.console.endpoint_pages import facts
from mockserver.console.endpoint_pages.blocks import (
    INDEX,
    Block,
    Callout,
    Card,
    Cards,
    Code,
    CodeBlock,
    CodeGroup,
    Heading,
    Items,
    Page,
    Paragraph,
    Table,
    Text,
    plain,
    prose,
)
from mockserver.console.endpoint_pages.code import LANGUAGES
from mockserver.console.endpoint_pages.fields import Fields, response_language
from mockserver.console.endpoint_pages.guidance import Guidance
from mockserver.console.endpoint_pages.producers import Step
from mockserver.console.endpoint_pages.running import Run, Runner
from mockserver.console.endpoint_pages.sent import Sent, sent, variables
from mockserver.contract import Operation
from mockserver.contract.media_types import is_json
from mockserver.messages import Response
from mockserver.text.jsontext import to_json

_MAX_RESPONSE = 4000
"""Characters of a response that a page shows."""


class Composer:
    """Composes the pages of one API.

    Args:
        api: the API.
        runner: executes the requests.
        guidance: advises.
        origin: what stands before the paths of requests in samples.
    """

    def __init__(self, api: Api, runner: Runner, guidance: Guidance, origin: str) -> None:
        self._api = api
        self._runner = runner
        self._guidance = guidance
        self._origin = origin
        self._fields = Fields(api)

    def page(self, operation: Operation, slug: str) -> Page:
        """The page of an operation."""
        words = self._runner.words(operation)
        run = self._runner.run(operation)
        step = run.last if run.steps else None
        title = words.title or facts.summary(operation).rstrip(".")
        about = plain(prose(operation.node.get("description"), 240)) or facts.summary(operation)
        blocks = [
            Heading(1, f"{operation.method} {facts.path_of(self._api, operation)}"),
            self._facts(operation),
            Callout("info", self._guidance.use(operation, words)),
            *_callout("warning", self._guidance.warning(operation, words)),
            *self._request(operation, step),
            *self._samples(operation, step),
            Callout("tip", self._guidance.tip(operation, words)),
            Heading(2, "Response"),
            *_response(run),
            self._statuses(operation),
            Callout("note", self._guidance.note(operation, words)),
            *self._related(operation),
            *self._workflow(operation),
            self._cards(operation),
        ]
        icon = self._guidance.icon(operation, words)
        path = facts.path_of(self._api, operation)
        return Page(slug, title, about, icon, operation.method, path, tuple(blocks))

    def index(self) -> Page:
        """The page that lists the others."""
        info = self._api.contract.document.get("info") or {}
        title = str(info.get("title") or self._api.name)
        about = prose(info.get("description"), 300)
        blocks: list[Block] = [Heading(1, title), *([Paragraph(about)] if about else [])]
        groups: dict[str, list[Operation]] = {}
        for operation in self._api.contract.operations.values():
            groups.setdefault(_group(operation), []).append(operation)
        for name, operations in groups.items():
            rows = [
                ((self._guidance.linked(o),), (facts.summary(o),), ("Yes" if o.node.get("deprecated") is True else "",))
                for o in operations
            ]
            is_any_old = any(row[2][0] for row in rows)
            head = ("Endpoint", "What it does", "Deprecated")[: 3 if is_any_old else 2]
            blocks += [Heading(2, name), Table(head, tuple(tuple(row[: len(head)]) for row in rows))]
        count = len(self._api.contract.operations)
        said = plain(about) or f"{count} endpoints of {title}."
        return Page(INDEX, title, said, "book", "", "", tuple(blocks))

    def sent(self, operation: Operation) -> Sent | None:
        """What the samples of a page send; None where no request could be made."""
        run = self._runner.run(operation)
        return self._sent(run.last) if run.steps else None

    def _facts(self, operation: Operation) -> Table:
        limit = (facts.rate_limit(self._api, operation),)
        path = Code(facts.path_of(self._api, operation))
        row: tuple[Text, ...] = ((operation.method,), (path,), facts.auth(self._api, operation), limit)
        return Table(("Method", "Path", "Auth", "Rate limit"), (row,))

    def _request(self, operation: Operation, step: Step | None) -> Iterator[Block]:
        headers = self._fields.headers(operation, step)
        parameters = self._fields.parameters(operation, step)
        body = self._fields.body(operation, step)
        yield Heading(2, "Request")
        for name, table in (("Headers", headers), ("Parameters", parameters), ("Body", body)):
            if table is not None:
                yield Heading(3, name)
                yield table
        if headers is None and parameters is None and body is None:
            yield Paragraph(("It needs no headers, no parameters and no body.",))

    def _samples(self, operation: Operation, step: Step | None) -> Iterator[Block]:
        if step is None:
            return
        request = self._sent(step)
        written = [(language, title, write(request)) for language, (title, write) in LANGUAGES.items()]
        yield CodeGroup(tuple(CodeBlock(language, text, title) for language, title, text in written if text))
        missing = [title for _, title, text in written if not text]
        if missing:
            yield Paragraph((f"{missing[0]} has no sample: ", Code("fetch"), " cannot send this request."))

    def _sent(self, step: Step) -> Sent:
        keys = variables(self._api.contract, step.operation)
        response = step.response
        has_body = bool(response.content) and response.status != 204
        media_type = response.media_type if has_body and step.request.method != "HEAD" else None
        return sent(step.request, step.body, self._origin, keys, response.status, media_type)

    def _statuses(self, operation: Operation) -> Table:
        required, maker = self._fields.required(operation), self._guidance.maker(operation)
        fixes = self._runner.words(operation).fix
        rows: list[tuple[Text, ...]] = [
            (
                (Code(key),),
                meaning,
                prose(fixes[key]) if key in fixes else facts.fix(self._api, operation, key, required, maker),
            )
            for key, meaning in facts.statuses(operation)
        ]
        none: tuple[Text, ...] = (("Any",), ("The contract declares no status.",), ())
        return Table(("Status", "Meaning", "Fix"), tuple(rows) or (none,))

    def _related(self, operation: Operation) -> Iterator[Block]:
        related = self._guidance.related(operation)
        if related:
            yield Heading(2, "Related endpoints")
            yield Items(tuple(_after(self._guidance.linked(other), facts.summary(other)) for other in related))

    def _workflow(self, operation: Operation) -> Iterator[Block]:
        steps = self._runner.workflow(operation)
        if steps:
            yield Heading(2, "Sample workflow")
            yield Items(tuple(self._told(step) for step in steps), is_numbered=True)

    def _told(self, step: Step) -> Text:
        """One step of a workflow, with the id that it made."""
        resource = self._runner.producers.resource(step.operation)
        text: Text = (self._guidance.linked(step.operation), " is answered ", Code(str(step.response.status)))
        if resource is not None and self._runner.producers.role(step.operation) == "create":
            id = self._runner.producers.created_id(resource, step)
            return (*text, ", and makes ", Code(id[:60]), ".") if id else (*text, ".")
        return (*text, ".")

    def _cards(self, operation: Operation) -> Cards:
        group = _group(operation)
        info = self._api.contract.document.get("info") or {}
        title = str(info.get("title") or self._api.name)
        cards = [Card(group, f"Where this endpoint stands in {title}.", "layers", INDEX)]
        steps = [step.operation for step in self._runner.workflow(operation)]
        following = steps[steps.index(operation) + 1 :] if operation in steps else []
        following += [one for one in self._guidance.related(operation) if one not in following]
        if following:
            link = self._guidance.linked(following[0])
            cards.append(Card(link.text, facts.summary(following[0]), "rocket", link.slug))
        return Cards(tuple(cards))


def _group(operation: Operation) -> str:
    """The heading that an operation stands under."""
    tags = operation.node.get("tags")
    return str(tags[0]) if isinstance(tags, list) and tags else "Endpoints"


def _callout(kind: str, text: Text) -> Iterator[Block]:
    if text:
        yield Callout(kind, text)  # type: ignore[arg-type]


def _after(link: object, text: str) -> Text:
    return (link, f": {text}")  # type: ignore[return-value]


def _response(run: Run) -> Iterator[Block]:
    if not run.steps:
        yield Paragraph(("No request can be made that this contract takes: ", run.problem))
        return
    response = run.last.response
    phrase = HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else ""
    status = Code(f"{response.status} {phrase}".strip())
    if response.status >= 400:
        yield Paragraph(("No request was found that this server answers as a success. It answers ", status, ":"))
    text = _shown(response)
    if run.last.request.method == "HEAD" or not text:
        yield Paragraph((status, ", without a body."))
        return
    yield CodeBlock(response_language(response.media_type), text)


def _shown(response: Response) -> str:
    """The body as a page shows it."""
    content = response.content or b""
    if response.data is not None and response.media_type is not None and is_json(response.media_type):
        text = json.dumps(json.loads(to_json(response.data)), ensure_ascii=False, indent=2)
    else:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return f"{len(content):,} bytes of {response.media_type}"
        if "\0" in text:
            return f"{len(content):,} bytes of {response.media_type}"
    if len(text) > _MAX_RESPONSE:
        text = text[:_MAX_RESPONSE].rpartition("\n")[0] or text[:_MAX_RESPONSE]
        text += f"\n… {len(content):,} bytes in all"
    return text


__all__ = ["Composer"]
