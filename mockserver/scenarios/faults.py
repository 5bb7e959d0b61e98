"""Faults: damage done around a response. Each is a struct whose fields are its wire format.

A fault answers some of seven questions that the pipeline and the edge ask at fixed points; the
others keep their null answer, so nobody asks whether there is a fault. Adding one is a class and a
line in FAULTS.
"""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    RootModel,
    model_validator,
)

from mockserver.contract.events import pieces_of
from mockserver.messages import Delivery, Piece, Response
from mockserver.scenarios.fault import Fault, Sending
from mockserver.text.models import Duration, Strict
from mockserver.text.spread import SpreadText, Wait


class Latency(Fault, RootModel[SpreadText]):
    """A delay before the response."""

    def pace(self, delivery: Delivery, random: Random) -> None:
        delivery.delay += self.root.draw(random)


class Reset(Fault, RootModel[Literal["before", "after_commit"]]):
    """The connection is reset, before anything is done or after everything is."""

    def before_commit(self) -> str:
        return "reset_before" if self.root == "before" else ""

    def after_commit(self) -> str:
        return "reset_after_commit" if self.root == "after_commit" else ""


class Empty(Fault, RootModel[Literal[True]]):
    """The connection is closed without a byte, after everything is done."""

    def after_commit(self) -> str:
        return "empty"


class Hang(Fault, RootModel[Wait]):
    """Nothing is sent until the client gives up, or this much real time has passed."""

    def after_commit(self) -> str:
        return "hang"

    def pace(self, delivery: Delivery, random: Random) -> None:
        delivery.hang = self.root


class BodyDamage(Fault, Strict):
    """The body arrives cut off (`truncate`: the share that is sent) or as text that is no JSON."""

    @property
    def breaks_contract(self) -> bool:
        return True

    truncate: Annotated[float, Field(ge=0, lt=1)] | None = None
    malformed: Literal[True] | None = None

    @model_validator(mode="after")
    def _some(self) -> BodyDamage:
        if self.truncate is None and self.malformed is None:
            raise ValueError("write `truncate: 0.5` or `malformed: true`")
        return self

    def damage(self, response: Response) -> None:
        content = response.content or b""
        if self.truncate is not None:
            content = content[: int(len(content) * self.truncate)]
        if self.malformed:
            # The last bracket goes and commas stay: every JSON parser refuses that.
            content = content[:-1] + b",,"
        response.content = content


class ContentType(Fault, RootModel[Annotated[str, Field(max_length=200, pattern=r"^[\x20-\x7e]+$")]]):
    """The response says that it is something else."""

    @property
    def breaks_contract(self) -> bool:
        return True

    def damage(self, response: Response) -> None:
        response.media_type = self.root


class Drip(Fault, Strict):
    """The body arrives in small pieces."""

    bytes: Annotated[int, Field(ge=1, le=1_000_000)]
    every: Wait

    def pace(self, delivery: Delivery, random: Random) -> None:
        delivery.chunk, delivery.every = self.bytes, self.every


class BillingWrite(Fault, RootModel[Literal["lost"]]):
    """The charge is lost: the row is kept, nothing is charged, and `credits` is null."""

    def loses_billing(self) -> bool:
        return True


class After(Strict):
    """Something that happens after the n-th item of a stream."""

    after: Annotated[int, Field(ge=0)]


class Stall(After):
    """Nothing comes for a time."""

    looks: ClassVar[str] = "a mapping such as {after: 2, for: 5s}"

    seconds: Annotated[Wait, Field(alias="for")]


class ErrorEvent(After):
    """An event tells of an error, and ends the stream."""

    looks: ClassVar[str] = "a mapping such as {after: 2, event: {error: {message: Overloaded}}}"

    event: Any


class StreamFault(Fault, Strict):
    """What happens in the middle of a stream. Items are counted from 1; what was done is done, and charged."""

    cut_after: Annotated[int, Field(ge=0)] | None = None
    reset_after: Annotated[int, Field(ge=0)] | None = None
    stall: Stall | None = None
    damaged: Annotated[int, Field(ge=1)] | None = None
    duplicate: Annotated[int, Field(ge=1)] | None = None
    split_utf8: Annotated[int, Field(ge=1)] | None = None
    error: ErrorEvent | None = None
    lose_last: Literal[True] | None = None
    no_end: Literal[True] | None = None

    @model_validator(mode="after")
    def _some(self) -> StreamFault:
        if not any(getattr(self, name) is not None for name in type(self).model_fields):
            raise ValueError(f"write one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def breaks_contract(self) -> bool:
        return self.damaged is not None or self.error is not None

    def damage(self, response: Response) -> None:
        """Change the items; the marker at the end is none of them."""
        pieces = list(response.pieces or ())
        terms = response.stream
        end = [pieces.pop()] if terms is not None and terms.end and pieces else []
        if self.lose_last and pieces:
            pieces.pop()
        if self.damaged is not None and self.damaged <= len(pieces):
            pieces[self.damaged - 1] = _broken(pieces[self.damaged - 1])
        if self.duplicate is not None and self.duplicate <= len(pieces):
            pieces.insert(self.duplicate, pieces[self.duplicate - 1])
        if self.error is not None:
            media_type = response.media_type or ""
            event = terms.event if terms is not None else ()
            pieces = [*pieces[: self.error.after], *pieces_of([self.error.event], media_type, event=event)]
            end = []
        response.pieces = pieces + ([] if self.no_end else end)

    def interrupt(self, delivery: Delivery) -> None:
        pieces = delivery.pieces
        if self.split_utf8 is not None and self.split_utf8 <= len(pieces):
            at = self.split_utf8 - 1
            pieces[at : at + 1] = _split(pieces[at])
        if self.stall is not None and self.stall.after < len(pieces):
            piece = pieces[self.stall.after]
            pieces[self.stall.after] = piece._replace(stall=piece.stall + self.stall.seconds)
        for after, end in ((self.cut_after, "cut"), (self.reset_after, "reset")):
            if after is not None:
                del pieces[after:]
                delivery.end = "cut" if end == "cut" else "reset"


def _broken(piece: bytes) -> bytes:
    """An item that is no JSON any more, in as many lines as before."""
    text = piece.rstrip(b"\n")
    return text[:-1] + b",," + piece[len(text) :]


def _split(piece: Piece) -> list[Piece]:
    """A piece in two, with a character of several bytes cut in the middle; at any place where there is none."""
    content = piece.content
    at = next((at for at in range(1, len(content)) if content[at] & 0xC0 == 0x80), len(content) // 2)
    return [piece._replace(content=content[:at]), Piece(content[at:])]


class WebhookFault(Fault, Strict):
    """What becomes of the webhooks of the request: late, lost, sent twice, in the wrong order, badly signed."""

    late: Duration | None = None
    lost: Literal[True] | None = None
    twice: Literal[True] | None = None
    reversed: Literal[True] | None = None
    wrong_signature: Literal[True] | None = None

    @model_validator(mode="after")
    def _some(self) -> WebhookFault:
        if not any(getattr(self, name) is not None for name in type(self).model_fields):
            raise ValueError(f"write one of {', '.join(type(self).model_fields)}")
        return self

    def sends(self, webhooks: list[Sending]) -> list[Sending]:
        names = [name for name in ("lost", "wrong_signature") if getattr(self, name)]
        sent = [(at + (self.late or 0.0), {**task, "faults": names}) for at, task in webhooks]
        if self.reversed:
            # The same times, so that the last one is sent first.
            sent = [(at, task) for (at, _), (_, task) in zip(sent, reversed(sent), strict=True)]
        return [sending for sending in sent for _ in range(2 if self.twice else 1)]


FAULTS: dict[str, type[Fault]] = {
    "latency": Latency,
    "reset": Reset,
    "empty": Empty,
    "hang": Hang,
    "body": BodyDamage,
    "content_type": ContentType,
    "drip": Drip,
    "billing_write": BillingWrite,
    "stream": StreamFault,
    "webhooks": WebhookFault,
}
