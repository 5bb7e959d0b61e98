"""A document whose author is hostile: a text of theirs in every name and every description."""

from __future__ import annotations

import re
from typing import Any


def document(text: str) -> dict[str, Any]:
    """An OpenAPI document of things that are created, listed and read, with a webhook."""
    thing = {
        "type": "object",
        "title": f"title {text}",
        "description": f"described {text}",
        "required": [f"member {text}"],
        "properties": {
            "id": {"type": "string"},
            f"member {text}": {"type": "string", "enum": [f"enum {text}"], "description": text},
        },
    }
    listed = {"type": "array", "items": thing}
    content = {"application/json": {"schema": thing}}
    sent = {"content": content, "description": text}
    answer = {"description": f"answer {text}", "content": content}
    query = {"name": text, "in": "query", "schema": {"type": "string"}, "description": text}
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    told = {"summary": f"summary {text}", "description": text, "tags": [text]}
    list_answer = {"description": text, "content": {"application/json": {"schema": listed}}}
    path = f"/things {re.sub(r'[{}?#/%]', '', text)}"
    return {
        "openapi": "3.1.0",
        "info": {"title": f"document {text}", "version": f"version {text}", "description": text},
        "tags": [{"name": text, "description": text}],
        "paths": {
            path: {
                "post": {"operationId": f"create {text}", "requestBody": sent, "responses": {"201": answer}, **told},
                "get": {
                    "operationId": f"list {text}",
                    "parameters": [query],
                    "responses": {"200": list_answer},
                    **told,
                },
            },
            f"{path}/{{id}}": {
                "parameters": [id],
                "get": {
                    "operationId": f"read {text}",
                    "responses": {"200": answer, "404": {"description": text}},
                    **told,
                },
            },
        },
        "webhooks": {
            f"hook {text}": {
                "post": {"operationId": f"hooked {text}", "requestBody": sent, "responses": {"200": answer}}
            }
        },
    }
