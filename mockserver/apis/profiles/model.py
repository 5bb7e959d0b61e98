"""The profile file: one model that parses it and gives editors their JSON Schema.

Only the shape is described here. What a profile means for a contract is checked in `load`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from mockserver.text.models import ID_PATTERN, Duration, Period, Strict
from mockserver.text.spread import SpreadText

POINTER_PATTERN = r"^(/[^/]*)*$"
MEMBER_PATTERN = r"^/[^/]+$"
ORDER_PATTERN = r"^-?/[^/]+$"
HEADER_PATTERN = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
CODE_PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"
OF_PATTERN = r"^body#(/[^/]*)*$"

Pointer = Annotated[str, Field(pattern=POINTER_PATTERN)]
"""An RFC 6901 pointer into a body."""
Member = Annotated[str, Field(pattern=MEMBER_PATTERN)]
"""A pointer to a member of a row."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Operations = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
"""One operationId or several; `POST /orders` for an operation without one."""


class PageModel(Strict):
    """How a list is paged."""

    looks: ClassVar[str] = "a mapping such as {style: cursor, parameter: after, next: /next, size: limit}"

    style: Literal["none", "offset", "page", "cursor"]
    parameter: str = ""
    size: str = ""
    next: Pointer = ""


_Origin = create_model("_Origin", __base__=Strict, **{"from": (Literal["server", "client"] | None, None)})  # type: ignore[call-overload]


class ResourceModel(_Origin):  # type: ignore[misc, valid-type]
    """A kind of row. What is not said is inferred."""

    looks: ClassVar[str] = "a mapping such as {create: createOrder, list: listOrders, read: getOrder, id: /id}"

    create: Operations | None = None
    list: Operations | None = None
    read: Operations | None = None
    update: Operations | None = None
    delete: Operations | None = None
    actions: Operations | None = None
    create_many: Operations | None = None
    update_many: Operations | None = None
    delete_many: Operations | None = None
    id: Member | None = None
    envelope: Pointer | None = None
    page: PageModel | None = None
    filters: dict[str, Member] | None = None
    order: Annotated[str, Field(pattern=ORDER_PATTERN)] | None = None
    unknown: Literal["imagine", "404"] | None = None
    start: dict[str, Any] | None = None
    soft_delete: Annotated[dict[str, Any], Field(min_length=1)] | None = None


class ErrorModel(Strict):
    """An error: its body, in which `{$problem: message}` stands for what the server has to say, and what that is.

    `status` is for an error that is named by its kind.
    """

    looks: ClassVar[str] = "a mapping such as {body: {message: {$problem: message}}} or {message: Slow down.}"

    body: Any = None
    message: Annotated[str, Field(min_length=1)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ErrorModel:
        if not self.model_fields_set:
            raise ValueError(f"must be {self.looks}")
        return self


ErrorName = Annotated[int | str, BeforeValidator(lambda name: int(name) if str(name).isdecimal() else name)]
"""A status, or the name of a kind."""


class TenantModel(Strict):
    """What partitions the state."""

    looks: ClassVar[str] = "one of {header: X-Account}, {path: account} and {key: true}"

    header: Annotated[str, Field(pattern=HEADER_PATTERN)] | None = None
    path: Annotated[str, Field(min_length=1)] | None = None
    key: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> TenantModel:
        if sum(value is not None for value in (self.header, self.path, self.key)) != 1:
            raise ValueError(f"must be {self.looks}")
        return self


class KeyModel(Strict):
    """A valid API key, and what it may do: methods, or operationIds; everything when that is left out."""

    key: Annotated[str, Field(min_length=1)]
    may: list[str] | None = None


class LimitModel(Strict):
    """A rate limit."""

    looks: ClassVar[str] = "a mapping such as {op: '*', per: [key], max: 100, window: 60s, headers: ratelimit}"

    name: Annotated[str, Field(pattern=ID_PATTERN)] = "default"
    op: Operations = ["*"]
    per: list[Literal["tenant", "path", "method", "key"]] = ["tenant", "path", "method"]
    max: Annotated[int, Field(ge=1)]
    window: Period
    headers: Literal["x-ratelimit", "ratelimit", "none"] = "x-ratelimit"
    retry_after: Literal["seconds", "date"] = "seconds"


class CostModel(Strict):
    """Credits for the work that a request asks for: every started `per_...` costs one."""

    looks: ClassVar[str] = "a number, or a mapping such as {per_characters: 1000, of: body#/text}"

    per_characters: Annotated[int, Field(ge=1)] | None = None
    per_items: Annotated[int, Field(ge=1)] | None = None
    per_bytes: Annotated[int, Field(ge=1)] | None = None
    of: Annotated[str, Field(pattern=OF_PATTERN)] = "body#"
    least: Annotated[float, Field(ge=0)] = 0


class CreditsModel(Strict):
    """The credit account."""

    start: Annotated[float, Field(ge=0, le=1e15)] | None = None
    costs: dict[str, Annotated[float, Field(ge=0)] | CostModel] = Field(default_factory=dict)
    charged: Pointer | None = None


class IdempotencyModel(Strict):
    """Requests that are sent again with their key get the response that they had."""

    looks: ClassVar[str] = "a mapping such as {header: Idempotency-Key, keep: 24h}"

    header: Annotated[str, Field(pattern=HEADER_PATTERN)] = "Idempotency-Key"
    keep: Period = 86_400.0
    op: Operations | None = None
    conflict: Literal[400, 409, 422] | None = None
    required: bool = False


class StreamModel(Strict):
    """How the items of a stream go out."""

    looks: ClassVar[str] = "a mapping such as {every: 20ms, end: '[DONE]', event: /type}"

    every: Duration = 0.0
    end: str = ""
    event: Pointer = ""
    count: Annotated[int, Field(ge=1, le=1000)] = 1


class SignModel(Strict):
    """How a webhook is signed: by the Standard Webhooks specification, or by an HMAC in a header of the vendor's."""

    looks: ClassVar[str] = "{standard: whsec_...}, or a mapping such as {header: X-Signature, hmac: sha256, secret: s}"

    standard: str | None = None
    header: Annotated[str, Field(pattern=HEADER_PATTERN)] | None = None
    hmac: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    secret: str | None = None
    encoding: Literal["hex", "base64"] = "hex"
    signed: str = "{body}"
    form: str = "{signature}"

    @model_validator(mode="after")
    def _one(self) -> SignModel:
        if (self.standard is None) == (self.header is None) or (self.header is None) != (self.secret is None):
            raise ValueError(f"must be {self.looks}")
        if "{body}" not in self.signed or "{signature}" not in self.form:
            raise ValueError("`signed` has a {body} in it, and `form` a {signature}")
        return self


class WebhookModel(Strict):
    """A webhook: where it goes, after which operations, what it says and how it is signed."""

    looks: ClassVar[str] = "a mapping such as {on: payOrder, to: '{$request: body#/callback_url}'}"

    on: Operations = Field(default_factory=list)
    to: Any = None
    data: Any = None
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    sign: SignModel | None = None
    after: Duration = 0.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    wait: Period = 5.0


class ProfileModel(Strict):
    """A profile."""

    version: Literal[1]
    contract: str
    overlays: Operations = Field(default_factory=list)
    name: Annotated[str, Field(pattern=ID_PATTERN)] | None = None
    resources: dict[str, ResourceModel] = Field(default_factory=dict)
    errors: Annotated[
        dict[ErrorName, ErrorModel], Field(description="by status, 400 to 599, or by kind, such as not_found")
    ] = Field(default_factory=dict)
    tenant: TenantModel | None = None
    keys: list[KeyModel] = Field(default_factory=list)
    limits: list[LimitModel] = Field(default_factory=list)
    credits: CreditsModel = Field(default_factory=CreditsModel)
    idempotency: IdempotencyModel | None = None
    latency: dict[str, SpreadText] = Field(default_factory=dict)
    streams: dict[str, StreamModel] = Field(default_factory=dict)
    webhooks: dict[str, WebhookModel] = Field(default_factory=dict)
    behaviours: Annotated[str, Field(pattern=CODE_PATTERN)] | None = None
    scenarios: str | None = None


__all__ = ["CostModel", "LimitModel", "PageModel", "ProfileModel", "ResourceModel", "SignModel", "WebhookModel"]
