"""What a profile says beside resources: limits, keys, tenants, credits, errors, idempotency, latency and webhooks.

Each contradiction to the document is told with its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mockserver.apis.api import ApiLimit, Extras, Idempotency
from mockserver.apis.errors import ErrorTerms
from mockserver.apis.profiles.costs import price_of
from mockserver.apis.profiles.errors import body_of, mistakes
from mockserver.apis.profiles.model import ErrorModel, ProfileModel, SignModel, WebhookModel
from mockserver.apis.profiles.operations import Names
from mockserver.apis.webhooks import Signature, Webhook, callback, standard_webhooks
from mockserver.contract import Contract, Operation
from mockserver.errors import BY_STATUS, KINDS, Problem, did_you_mean
from mockserver.messages import JSON, Limit, Request, Response, Stream
from mockserver.text.documents import parts_of
from mockserver.text.references import runtime_template
from mockserver.text.shape import Place, Report
from mockserver.text.templates import Template, compile_template

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"))


class TermsReader:
    """Reads the terms of a profile.

    Args:
        contract: the document's contract.
        model: the profile.
        names: finds operations by their names.
        report: called with every problem.
    """

    def __init__(self, contract: Contract, model: ProfileModel, names: Names, report: Report) -> None:
        self._contract, self._model, self._names, self._problem = contract, model, names, report

    def read(self) -> Extras:
        """What the profile says of the Api."""
        model = self._model
        self._check_charged(self._contract, model)
        self._check_errors(self._contract, model)
        extras: Extras = {
            "error_terms": {key: _error_terms(error) for key, error in model.errors.items()},
            "limits": self._limits(),
            "keys": self._keys(),
            "costs": self._costs(),
            "credits": model.credits.start,
            "bill": _bill(model.credits.charged),
            "idempotency": self._idempotency(),
            "latency": self._latency(),
            "streams": self._streams(),
            "webhooks": self._webhooks(),
        }
        tenant = model.tenant
        if tenant is not None and tenant.header is not None:
            extras["tenant"] = _header(tenant.header.lower())
        elif tenant is not None and tenant.path is not None:
            variables = {p.name for o in self._contract.operations.values() for p in o.parameters if p.place == "path"}
            if tenant.path not in variables:
                hint = did_you_mean(tenant.path, variables)
                self._problem(("tenant", "path"), f"no path has a variable {tenant.path!r}{hint}")
            extras["tenant_variable"] = tenant.path
        elif tenant is not None:
            extras["tenant_is_key"] = True
        return extras

    def _limits(self) -> tuple[ApiLimit, ...]:
        limits = []
        names: set[str] = set()
        for index, said in enumerate(self._model.limits):
            operations = self._names.all(said.op, ("limits", index, "op"))
            limit = Limit(said.max, said.window)
            name = said.name if said.name not in names else f"{said.name}-{index + 1}"
            names.add(name)
            limits.append(ApiLimit(operations, tuple(said.per), limit, said.headers, said.retry_after, name))
        return tuple(limits)

    def _keys(self) -> dict[str, frozenset[str] | None]:
        keys: dict[str, frozenset[str] | None] = {}
        for index, key in enumerate(self._model.keys):
            may: set[str] = set()
            for number, what in enumerate(key.may or ()):
                id = what.upper() if what.upper() in _METHODS else self._names.id(what, ("keys", index, "may", number))
                may |= {id} if id is not None else set()
            keys[key.key] = None if key.may is None else frozenset(may)
        return keys

    def _costs(self) -> dict[str, Any]:
        costs = {}
        for name, cost in self._model.credits.costs.items():
            id = self._names.id(name, ("credits", "costs", name))
            if id is not None:
                costs[id] = price_of(cost)
        return costs

    def _idempotency(self) -> Idempotency | None:
        said = self._model.idempotency
        if said is None:
            return None
        operations = frozenset(o.id for o in self._contract.operations.values() if o.method == "POST")
        if said.op is not None:
            operations = self._names.all(said.op, ("idempotency", "op"))
        return Idempotency(said.header.lower(), said.keep, operations, said.conflict or 0, said.required)

    def _latency(self) -> dict[str, Any]:
        latency = {}
        for name, spread in self._model.latency.items():
            id = name if name == "*" else self._names.id(name, ("latency", name))
            if id is not None:
                latency[id] = spread
        return latency

    def _streams(self) -> dict[str, Stream]:
        streams = {}
        for name, said in self._model.streams.items():
            id = name if name == "*" else self._names.id(name, ("streams", name))
            if id not in (None, "*") and not self._contract.operations[id].stream_types:
                self._problem(("streams", name), f"{id} declares no stream: no text/event-stream and no JSON lines")
            if id is not None:
                streams[id] = Stream(said.every, said.end, tuple(parts_of(said.event)), said.count)
        return streams

    # -- webhooks -----------------------------------------------------------------------------------

    def _webhooks(self) -> dict[str, Webhook]:
        return {name: self._webhook(name, said) for name, said in self._model.webhooks.items()}

    def _webhook(self, name: str, said: WebhookModel) -> Webhook:
        """A webhook that the document describes, a callback of it, or one that only the profile knows."""
        place: Place = ("webhooks", name)
        described = self._contract.webhooks.get(name)
        before = Webhook(name, schema=described.schema if described else None)
        id, _, called = name.rpartition(".")
        operation = self._contract.operations.get(id)
        for outgoing in self._contract.callbacks(operation) if operation is not None else ():
            if operation is not None and outgoing.name == called:
                before = callback(operation, outgoing)
        to = runtime_template(said.to) if isinstance(said.to, str) else said.to
        data = None if said.data is None else compile_template(said.data, (*place, "data"), self._problem)
        is_fixed = data is not None and data.is_constant and before.schema is not None
        violations = self._contract.check_place(before.schema, said.data) if is_fixed and before.schema else ()
        for violation in violations:
            self._problem((*place, "data"), f"breaks the document's schema of {name}: {violation}")
            break
        return Webhook(
            name,
            said.method,
            described.media_type if described else before.media_type,
            self._template(to, (*place, "to")) or before.to,
            data,
            before.schema,
            frozenset(self._names.ids(said.on, (*place, "on"))) or before.on,
            said.after,
            self._signature(said.sign, (*place, "sign")),
            said.attempts,
            said.wait,
        )

    def _template(self, said: Any, place: Place) -> Template | None:
        return None if said is None else compile_template(said, place, self._problem)

    def _signature(self, said: SignModel | None, place: Place) -> Signature | None:
        if said is None:
            return None
        if said.standard is not None:
            try:
                return standard_webhooks(said.standard)
            except ValueError:
                self._problem((*place, "standard"), "the secret is not base64, perhaps with `whsec_` before it")
                return None
        secret = (said.secret or "").encode()
        return Signature(said.header or "", secret, said.hmac, said.encoding, said.signed, said.form)

    # -- what is checked against the document -------------------------------------------------------

    def _check_charged(self, contract: Contract, model: ProfileModel) -> None:
        pointer = model.credits.charged
        if pointer is None:
            return
        if not model.credits.costs:
            self._problem(("credits", "charged"), "nothing is charged, because no operation costs anything")
        missing = []
        for id in self._costs():
            operation = contract.operations[id]
            outline, lacks = contract.outlines.of(operation.response_schema(operation.success)), ""
            for part in parts_of(pointer):
                if outline.members and part not in outline.members and outline.others is None:
                    lacks = f"the response of {id} has no {part!r}{did_you_mean(part, outline.members)}"
                    break
                outline = contract.outlines.of(outline.members.get(part))
            missing.append(lacks)
        if missing and all(missing):
            self._problem(("credits", "charged"), missing[0])

    def _check_errors(self, contract: Contract, model: ProfileModel) -> None:
        for key, error in model.errors.items():
            place: Place = ("errors", key)
            status = self._error_status(key, error, place)
            wrong = list(mistakes(error.body))
            for inner, message in wrong:
                self._problem((*place, "body", *inner), message)
            if wrong or status is None or "body" not in error.model_fields_set:
                continue
            kind = key if isinstance(key, str) else BY_STATUS[key].name if key in BY_STATUS else "invalid_request"
            message = error.message or "Something is wrong with this request."
            body = body_of(error.body, Problem(kind, message, status=status))
            for operation in contract.operations.values():
                declared = operation.response(status)
                if declared is None or str(status) not in operation.declared:
                    continue
                violations = operation.check_response(Response(status, body, media_type=_type_of(operation, status)))
                broken = [violation for violation in violations if violation.where == "body"]
                if broken:
                    self._problem((*place, "body"), f"{operation.id} declares another {status}: {broken[0]}")
                    break

    def _error_status(self, key: int | str, error: ErrorModel, place: Place) -> int | None:
        """The status of an error that is named by it or by its kind; None, with a report, for what is neither."""
        if isinstance(key, str):
            if key not in KINDS:
                self._problem(place, f"there is no kind of error {key!r}{did_you_mean(key, KINDS)}")
                return None
            return error.status or KINDS[key].status
        if not 400 <= key <= 599:
            self._problem(place, f"an error has a status from 400 to 599, not {key}")
            return None
        if error.status is not None:
            hint = f"name it by its kind, {BY_STATUS[key].name}" if key in BY_STATUS else "take this away"
            self._problem((*place, "status"), f"the error is named by its status; {hint}")
            return None
        return key


def _error_terms(error: ErrorModel) -> ErrorTerms:
    body = partial(body_of, error.body) if "body" in error.model_fields_set else None
    return ErrorTerms(body, error.message or "", error.status)


def _header(name: str) -> Callable[[Request], str]:
    return lambda request: request.headers.get(name, "")


def _type_of(operation: Operation, status: int) -> str:
    """The media type of a declared error; JSON where it declares none."""
    declared = operation.response(status)
    content: dict[str, Any] = (declared.node.get("content") or {}) if declared is not None else {}
    return next((name for name in content if "json" in name), next(iter(content), "application/json"))


def _bill(pointer: str | None) -> Any:
    """Writes the charge into a response, where the profile says."""
    parts = parts_of(pointer) if pointer is not None else []

    def bill(data: JSON, consumed: float | None) -> None:
        if not parts or not isinstance(data, dict):
            return
        node = data
        for part in parts[:-1]:
            inner = node.get(part)
            node[part] = dict(inner) if isinstance(inner, dict) else {}
            node = node[part]
        node[parts[-1]] = consumed

    return bill


__all__ = ["TermsReader"]
