"""Converts a Swagger 2.0 document to OpenAPI 3.0, as far as that loses nothing, and says what it lost.

`definitions` and the like move to `components`, body and form parameters become request bodies, `host`, `basePath`
and `schemes` become servers. Knows nothing of how documents are checked or served.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockserver.contract.faults import Findings

_MOVED = {
    "/definitions/": "/components/schemas/",
    "/parameters/": "/components/parameters/",
    "/responses/": "/components/responses/",
    "/securityDefinitions/": "/components/securitySchemes/",
}
_ORIGINS = {
    "schemas": "definitions",
    "parameters": "parameters",
    "requestBodies": "parameters",
    "responses": "responses",
    "securitySchemes": "securityDefinitions",
}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_SCHEMA_KEYS = (
    *("type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum", "multipleOf"),
)
"""What a parameter or header of 2.0 says of its value; in 3.0 it stands in a schema."""
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_FLOWS = {
    "implicit": "implicit",
    "password": "password",
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
}
_STYLES = {"ssv": ("spaceDelimited", False), "pipes": ("pipeDelimited", False), "multi": ("form", True)}
_LOST = "it is taken as text separated by commas"


def converted(old: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """The document as OpenAPI 3.0.3. What cannot be said there is noted in `findings`."""
    return _Conversion(old, findings).document()


def original(path: Sequence[str | int]) -> list[str | int]:
    """Where in the Swagger document a path of the converted one comes from, or the nearest place to it."""
    parts = list(path)
    if parts[:1] == ["servers"]:
        return ["basePath"]
    if parts[:1] == ["components"] and len(parts) > 1:
        parts = [_ORIGINS.get(str(parts[1]), "definitions"), *parts[2:]]
    if "requestBody" in parts:
        return [*parts[: parts.index("requestBody")], "parameters"]
    if "content" in parts:
        at = parts.index("content")
        del parts[at : at + 2]
    for key in ("parameters", "headers"):
        at = parts.index(key) + 2 if key in parts else len(parts)
        if parts[at : at + 1] == ["schema"]:
            del parts[at]
    return parts


class _Conversion:
    def __init__(self, old: dict[str, Any], findings: Findings) -> None:
        self._old = old
        self._findings = findings
        self._parameters = _dict(old, "parameters")
        self._files: set[int] = set()

    def document(self) -> dict[str, Any]:
        old = self._old
        new: dict[str, Any] = {"openapi": "3.0.3", "info": old.get("info", {})}
        new |= {key: old[key] for key in ("tags", "externalDocs", "security") if key in old}
        new |= {key: value for key, value in old.items() if key.startswith("x-")}
        new["servers"] = self._servers(old, old.get("schemes"))
        paths = _dict(old, "paths")
        new["paths"] = {path: self._item(item, ["paths", path]) for path, item in paths.items()}
        new["components"] = self._components()
        known = {
            *("swagger", "info", "host", "basePath", "schemes", "consumes", "produces", "paths", "definitions"),
            *("parameters", "responses", "securityDefinitions", "security", "tags", "externalDocs"),
        }
        for key in old:
            if key not in known and not key.startswith("x-"):
                self._lost([key], "is a member that Swagger 2.0 does not know here", "it is ignored", "unknown-member")
        return new

    def _lost(self, path: list[str | int], message: str, consequence: str, rule: str = "conversion") -> None:
        self._findings.add("warning" if rule == "conversion" else "error", path, message, consequence, rule)

    def _servers(self, old: dict[str, Any], schemes: Any) -> list[dict[str, Any]]:
        base = old.get("basePath")
        base = base if isinstance(base, str) else "/"
        host = old.get("host")
        if not isinstance(host, str):
            return [{"url": base or "/"}]
        names = [str(scheme) for scheme in schemes] if isinstance(schemes, list) and schemes else ["https"]
        return [{"url": f"{name}://{host}{base if base.startswith('/') else '/' + base}"} for name in names]

    def _components(self) -> dict[str, Any]:
        new: dict[str, Any] = {}
        schemas = {name: self._schema(schema) for name, schema in _dict(self._old, "definitions").items()}
        parameters: dict[str, Any] = {}
        bodies: dict[str, Any] = {}
        for name, parameter in self._parameters.items():
            place: list[str | int] = ["parameters", name]
            kind = parameter.get("in") if isinstance(parameter, dict) else None
            if kind == "body":
                bodies[name] = self._body(parameter, _list(self._old, "consumes"))
            elif kind != "formData":  # a field becomes a part of the bodies that use it
                parameters[name] = self._parameter(parameter, place)
        responses = {
            name: self._response(response, _list(self._old, "produces"), ["responses", name])
            for name, response in _dict(self._old, "responses").items()
        }
        schemes = {name: self._scheme(scheme) for name, scheme in _dict(self._old, "securityDefinitions").items()}
        for key, members in (
            ("schemas", schemas),
            ("parameters", parameters),
            ("requestBodies", bodies),
            ("responses", responses),
            ("securitySchemes", schemes),
        ):
            if members:
                new[key] = members
        return new

    def _item(self, item: Any, place: list[str | int]) -> Any:
        if not isinstance(item, dict):
            return item
        shared = _list(item, "parameters")
        new: dict[str, Any] = {}
        for key, value in item.items():
            if key in _METHODS and isinstance(value, dict):
                new[key] = self._operation(value, shared, [*place, key])
            elif key == "parameters":
                plain = [p for p in shared if self._place(p) not in ("body", "formData")]
                new[key] = [self._parameter(p, [*place, "parameters", i]) for i, p in enumerate(plain)]
            else:
                new[key] = value
        return new

    def _operation(self, old: dict[str, Any], shared: list[Any], place: list[str | int]) -> dict[str, Any]:
        consumes = _list(old if "consumes" in old else self._old, "consumes")
        produces = _list(old if "produces" in old else self._old, "produces")
        dropped = ("consumes", "produces", "schemes", "parameters", "responses")
        new = {key: value for key, value in old.items() if key not in dropped}
        if isinstance(old.get("schemes"), list) and isinstance(self._old.get("host"), str):
            new["servers"] = self._servers(self._old, old["schemes"])
        own = _list(old, "parameters")
        names = {self._key(p) for p in own}
        inherited = [p for p in shared if self._key(p) not in names]
        plain = [(i, p) for i, p in enumerate(own) if self._place(p) not in ("body", "formData")]
        if plain:
            new["parameters"] = [self._parameter(p, [*place, "parameters", i]) for i, p in plain]
        everything = [*inherited, *own]
        body = next((p for p in everything if self._place(p) == "body"), None)
        fields = [self._followed(p) for p in everything if self._place(p) == "formData"]
        if body is not None:
            ref = body.get("$ref")
            is_shared = isinstance(ref, str) and ref.startswith("#/parameters/") and "consumes" not in old
            if is_shared:
                new["requestBody"] = {"$ref": ref.replace("#/parameters/", "#/components/requestBodies/")}
            else:
                new["requestBody"] = self._body(self._followed(body), consumes)
            if fields:
                message = "has a body and form fields, of which a request can have one only"
                self._lost([*place, "parameters"], message, "the form fields are ignored")
        elif fields:
            new["requestBody"] = self._form(fields, consumes)
        if "responses" in old:
            responses = old["responses"]
            if isinstance(responses, dict):
                responses = {
                    status: r if status.startswith("x-") else self._response(r, produces, [*place, "responses", status])
                    for status, r in responses.items()
                }
            new["responses"] = responses
        return new

    def _followed(self, parameter: Any) -> Any:
        ref = parameter.get("$ref") if isinstance(parameter, dict) else None
        if isinstance(ref, str) and ref.startswith("#/parameters/"):
            name = ref.removeprefix("#/parameters/").replace("~1", "/").replace("~0", "~")
            return self._parameters.get(name, parameter)
        return parameter

    def _place(self, parameter: Any) -> str:
        parameter = self._followed(parameter)
        return str(parameter.get("in")) if isinstance(parameter, dict) else ""

    def _key(self, parameter: Any) -> tuple[str, str]:
        parameter = self._followed(parameter)
        return (self._place(parameter), str(parameter.get("name"))) if isinstance(parameter, dict) else ("", "")

    def _parameter(self, old: Any, place: list[str | int]) -> Any:
        if not isinstance(old, dict) or "$ref" in old:
            return self._reference(old)
        new = {key: value for key, value in old.items() if key not in (*_SCHEMA_KEYS, "collectionFormat", "schema")}
        new["schema"] = self._value_schema(old)
        if old.get("type") == "array":
            where = str(old.get("in"))
            style = old.get("collectionFormat", "csv")
            if where == "query":
                if style in _STYLES:
                    new["style"], new["explode"] = _STYLES[style]
                elif style == "csv":
                    new["style"], new["explode"] = "form", False
            if style not in (("csv", *_STYLES) if where == "query" else ("csv",)):
                self._lost([*place, "collectionFormat"], f"{style!r} cannot be said in OpenAPI 3 for {where}", _LOST)
        return new

    def _value_schema(self, old: dict[str, Any]) -> dict[str, Any]:
        """The schema of a parameter, a header, or an item of one."""
        schema = {key: old[key] for key in _SCHEMA_KEYS if key in old}
        if isinstance(schema.get("items"), dict):
            schema["items"] = self._value_schema(schema["items"])
        if schema.get("type") == "file":
            schema |= {"type": "string", "format": "binary"}
        if old.get("x-nullable") is True:
            schema["nullable"] = True
        return schema

    def _body(self, old: dict[str, Any], consumes: list[Any]) -> dict[str, Any]:
        schema = self._schema(old.get("schema", {}))
        media = {"schema": schema}
        new: dict[str, Any] = {"content": {str(name): media for name in consumes or ["application/json"]}}
        return new | {key: old[key] for key in ("description", "required") if key in old}

    def _form(self, fields: list[Any], consumes: list[Any]) -> dict[str, Any]:
        """A request body of form fields; several values of a field are repeated or separated, as they were."""
        properties: dict[str, Any] = {}
        encoding: dict[str, Any] = {}
        for field in fields:
            name = str(field.get("name"))
            properties[name] = self._value_schema(field)
            if "description" in field:
                properties[name]["description"] = field["description"]
            if field.get("type") == "array":
                style, explode = _STYLES.get(field.get("collectionFormat", "csv"), ("form", False))
                encoding[name] = {"style": style, "explode": explode}
        required = [str(field.get("name")) for field in fields if field.get("required") is True]
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        has_file = any(field.get("type") == "file" for field in fields)
        forms = [str(name) for name in consumes if str(name) in (_FORM, _MULTIPART)]
        media: dict[str, Any] = {"schema": schema} | ({"encoding": encoding} if encoding else {})
        names = forms or [_MULTIPART if has_file else _FORM]
        return {"content": dict.fromkeys(names, media), "required": bool(required)}

    def _response(self, old: Any, produces: list[Any], place: list[str | int]) -> Any:
        if not isinstance(old, dict) or "$ref" in old:
            return self._reference(old)
        new = {key: value for key, value in old.items() if key not in ("schema", "examples", "headers")}
        examples = _dict(old, "examples")
        schema = old.get("schema")
        if schema is not None or examples:
            is_file = isinstance(schema, dict) and schema.get("type") == "file"
            content: dict[str, Any] = {}
            for name in [*map(str, produces), *(str(n) for n in examples if n not in produces)] or [
                "application/octet-stream" if is_file else "application/json"
            ]:
                media: dict[str, Any] = {} if schema is None else {"schema": self._schema(schema)}
                if name in examples:
                    media["example"] = examples[name]
                content[name] = media
            new["content"] = content
        headers = _dict(old, "headers")
        if headers:
            new["headers"] = {name: self._header(header, [*place, "headers", name]) for name, header in headers.items()}
        return new

    def _header(self, old: Any, place: list[str | int]) -> Any:
        if not isinstance(old, dict):
            return old
        if old.get("collectionFormat", "csv") != "csv":
            message = f"{old['collectionFormat']!r} cannot be said in OpenAPI 3 for a header"
            self._lost([*place, "collectionFormat"], message, _LOST)
        kept = {key: value for key, value in old.items() if key == "description" or key.startswith("x-")}
        return {**kept, "schema": self._value_schema(old)}

    def _schema(self, old: Any) -> Any:
        if not isinstance(old, dict):
            return old
        if isinstance(old.get("$ref"), str):
            return self._reference(old)
        new = dict(old)
        if new.get("type") == "file":
            new |= {"type": "string", "format": "binary"}
        if new.pop("x-nullable", None) is True:
            new["nullable"] = True
        if isinstance(new.get("discriminator"), str):
            new["discriminator"] = {"propertyName": new["discriminator"]}
        for key in ("items", "additionalProperties", "not"):
            if key in new:
                new[key] = self._schema(new[key])
        for key in ("allOf", "anyOf", "oneOf"):
            if isinstance(new.get(key), list):
                new[key] = [self._schema(child) for child in new[key]]
        if isinstance(new.get("properties"), dict):
            new["properties"] = {name: self._schema(child) for name, child in new["properties"].items()}
        return new

    def _reference(self, old: Any) -> Any:
        ref = old.get("$ref") if isinstance(old, dict) else None
        if not isinstance(ref, str):
            return old
        file, mark, pointer = ref.partition("#")
        for before, after in _MOVED.items():
            if pointer.startswith(before) and not file:
                pointer = after + pointer.removeprefix(before)
        return {**old, "$ref": f"{file}{mark}{pointer}"}

    def _scheme(self, old: Any) -> Any:
        if not isinstance(old, dict):
            return old
        kept = {key: value for key, value in old.items() if key == "description" or key.startswith("x-")}
        if old.get("type") == "basic":
            return {**kept, "type": "http", "scheme": "basic"}
        if old.get("type") != "oauth2":
            return old
        flow = {key: old[key] for key in ("authorizationUrl", "tokenUrl") if key in old}
        flow["scopes"] = _dict(old, "scopes")
        return {**kept, "type": "oauth2", "flows": {_FLOWS.get(str(old.get("flow")), "implicit"): flow}}


def _dict(node: dict[str, Any], key: str) -> dict[str, Any]:
    value = node.get(key)
    return value if isinstance(value, dict) else {}


def _list(node: dict[str, Any], key: str) -> list[Any]:
    value = node.get(key)
    return value if isinstance(value, list) else []
