"""The table of rules: what can be found between two documents, how bad it is, and why.

Ids never change. Must not know: how a finding is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.text.findings import Level

LEVELS: tuple[Level, ...] = ("breaking", "risky", "safe")
"""The worst first. `risky` is what no document can tell: whether somebody relies on it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of change."""

    id: str
    level: Level
    sentence: str
    """Why it has its level."""


_REJECTED = "A request that was accepted may now be rejected."
_TAKEN = "Every request that was accepted still is."
_SEEN = "A response may now hold what it could not hold before."
_FEWER = "Every response that may be sent now could be sent before."

_ALIKE: dict[str, tuple[str, str]] = {
    "type": ("narrowed", "widened"),
    "null": ("removed", "added"),
    "enum-value": ("removed", "added"),
    "range": ("narrowed", "widened"),
    "length": ("narrowed", "widened"),
    "item-count": ("narrowed", "widened"),
    "member-count": ("narrowed", "widened"),
    "pattern": ("narrowed", "widened"),
    "format": ("narrowed", "widened"),
    "multiple-of": ("narrowed", "widened"),
    "unique-items": ("added", "removed"),
    "additional-properties": ("closed", "opened"),
    "property-became": ("required", "optional"),
    "alternative": ("removed", "added"),
    "schema": ("narrowed", "widened"),
}
"""Kinds of changes to a schema: what one that takes fewer values is called, and one that takes more."""


def narrowed(kind: str) -> str:
    """The id of a change to fewer values, without its direction."""
    return f"{kind}-{_ALIKE[kind][0]}"


def widened(kind: str) -> str:
    """The id of a change to more values, without its direction."""
    return f"{kind}-{_ALIKE[kind][1]}"


def _schema_rules() -> list[Rule]:
    rules = []
    for kind in _ALIKE:
        rules.append(Rule(f"request-{narrowed(kind)}", "breaking", _REJECTED))
        rules.append(Rule(f"request-{widened(kind)}", "safe", _TAKEN))
        rules.append(Rule(f"response-{widened(kind)}", "breaking", _SEEN))
        rules.append(Rule(f"response-{narrowed(kind)}", "safe", _FEWER))
    return rules


_UNPROVEN = "It could not be proven that nothing breaks, and what cannot be proven safe counts as breaking."
_UNREAD = "The server may ignore it or reject it; the document does not tell."

_OTHERS = (
    Rule("request-schema-undecided", "breaking", _UNPROVEN),
    Rule("response-schema-undecided", "breaking", _UNPROVEN),
    Rule("request-in-use-rejected", "breaking", "The client sends this request, and it is now rejected."),
    Rule("request-property-added", "safe", _TAKEN),
    Rule("request-required-property-added", "breaking", _REJECTED),
    Rule("request-property-removed", "risky", _UNREAD),
    Rule("request-property-rejected", "breaking", _REJECTED),
    Rule("response-property-added", "safe", "A client passes over members that it does not know."),
    Rule("response-property-added-to-closed", "breaking", _SEEN),
    Rule("response-property-removed", "risky", "It was optional; a client may read it all the same."),
    Rule("response-required-property-removed", "breaking", "A client may rely on a member that was always there."),
    Rule("operation-removed", "breaking", "A request that was accepted may now be rejected."),
    Rule("operation-removed-after-deprecation", "risky", "It was deprecated; clients that did not move are rejected."),
    Rule("operation-added", "safe", "No client knows it yet."),
    Rule("operation-deprecated", "safe", "It works as before; clients should move."),
    Rule("operation-undeprecated", "safe", "It works as before."),
    Rule("operation-id-changed", "risky", "Generated clients name their functions after it."),
    Rule("base-path-removed", "breaking", "Requests to the old base path may now be rejected."),
    Rule("base-path-added", "safe", _TAKEN),
    Rule("parameter-added", "safe", _TAKEN),
    Rule("required-parameter-added", "breaking", "A request without it was accepted and is now rejected."),
    Rule("parameter-removed", "risky", _UNREAD),
    Rule("parameter-became-required", "breaking", "A request without it was accepted and is now rejected."),
    Rule("parameter-became-optional", "safe", _TAKEN),
    Rule("parameter-serialization-changed", "breaking", "The same text is now read as another value."),
    Rule("parameter-empty-value-rejected", "breaking", "A parameter without a value was accepted and may be rejected."),
    Rule("parameter-empty-value-allowed", "safe", _TAKEN),
    Rule("parameter-default-changed", "risky", "A request without it may now mean something else."),
    Rule("parameter-deprecated", "safe", "It works as before; clients should move."),
    Rule("request-body-added", "safe", _TAKEN),
    Rule("required-request-body-added", "breaking", "A request without a body was accepted and is now rejected."),
    Rule("request-body-removed", "risky", _UNREAD),
    Rule("request-body-became-required", "breaking", "A request without a body was accepted and is now rejected."),
    Rule("request-body-became-optional", "safe", _TAKEN),
    Rule("request-media-type-removed", "breaking", _REJECTED),
    Rule("request-media-type-added", "safe", _TAKEN),
    Rule("success-status-removed", "breaking", "A client may wait for a status that is never sent now."),
    Rule("success-status-added", "risky", "A client may not know this status; it is a success all the same."),
    Rule("error-status-removed", "safe", _FEWER),
    Rule("error-status-added", "safe", "A client must expect any error status."),
    Rule("response-body-added", "safe", "A client passes over a body that it does not expect."),
    Rule("response-body-removed", "breaking", "A client may read a body that is not sent now."),
    Rule("response-media-type-removed", "breaking", "A client that asks for it, or reads nothing else, gets none."),
    Rule("response-media-type-added", "risky", "A client that does not ask for a type may get one it cannot read."),
    Rule("response-header-added", "safe", "A client passes over headers that it does not know."),
    Rule("response-header-removed", "risky", "It was optional; a client may read it all the same."),
    Rule("required-response-header-removed", "breaking", "A client may rely on a header that was always there."),
    Rule("response-header-became-optional", "breaking", "A client may rely on a header that was always there."),
    Rule("response-header-became-required", "safe", _FEWER),
    Rule("security-added", "breaking", "A request without a key was accepted and is now rejected."),
    Rule("security-removed", "safe", _TAKEN),
    Rule("security-alternative-removed", "breaking", "A request with the old kind of key may now be rejected."),
    Rule("security-alternative-added", "safe", _TAKEN),
    Rule("security-scope-added", "breaking", "A key without the scope was accepted and is now rejected."),
    Rule("security-scope-removed", "safe", _TAKEN),
    Rule("webhook-removed", "breaking", "A client may wait for a call that never comes now."),
    Rule("webhook-added", "safe", "Nobody is called who did not ask for it."),
    Rule("callback-removed", "breaking", "A client may wait for a call that never comes now."),
    Rule("callback-added", "risky", "A client may be called where it was not called before."),
)

RULES = {rule.id: rule for rule in (*_schema_rules(), *_OTHERS)}
"""Every rule by its id."""

__all__ = ["LEVELS", "RULES", "Rule", "narrowed", "widened"]
