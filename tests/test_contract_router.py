"""Which operation a path means."""

from __future__ import annotations

import pytest
from contracts import bundled, contract, published
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract import Contract, load_contract
from mockserver.contract.router import Router, split


def found(paths: dict[str, list[str]], method: str, path: str, **document):
    made = contract({path: {method: {} for method in methods} for path, methods in paths.items()}, **document)
    operation, values, allowed = made.match(method.upper(), path.strip("/").split("/"))
    return (operation.path if operation else None), values, sorted(allowed)


PATHS = {
    "/pets": ["get", "post"],
    "/pets/{id}": ["get", "delete"],
    "/pets/mine": ["get"],
    "/pets/{id}/toys/{toy}": ["get"],
    "/pets/mine/toys/{toy}": ["put"],
    "/files/{name}.json": ["get"],
    "/files/{name}.{ext}": ["get"],
    "/files/{name}": ["get"],
    "/a:batch": ["post"],
}


@pytest.mark.parametrize(
    ("method", "path", "template", "values"),
    [
        ("get", "/pets", "/pets", {}),
        ("get", "/pets/", "/pets", {}),
        ("post", "/pets/", "/pets", {}),
        ("get", "/pets/7", "/pets/{id}", {"id": "7"}),
        ("get", "/pets/7/", "/pets/{id}", {"id": "7"}),
        ("get", "/pets/mine", "/pets/mine", {}),
        ("get", "/pets/%6Dine", "/pets/mine", {}),
        ("get", "/pets/a%2Fb", "/pets/{id}", {"id": "a/b"}),
        ("get", "/pets/a%20b%25", "/pets/{id}", {"id": "a b%"}),
        ("get", "/pets/%C3%A4+1", "/pets/{id}", {"id": "ä+1"}),
        ("get", "/pets/7/toys/3", "/pets/{id}/toys/{toy}", {"id": "7", "toy": "3"}),
        ("get", "/files/x.json", "/files/{name}.json", {"name": "x"}),
        ("get", "/files/x.y.xml", "/files/{name}.{ext}", {"name": "x", "ext": "y.xml"}),
        ("get", "/files/x", "/files/{name}", {"name": "x"}),
        ("post", "/a:batch", "/a:batch", {}),
    ],
)
def test_what_a_path_means(method, path, template, values):
    assert found(PATHS, method, path)[:2] == (template, values)


@pytest.mark.parametrize(
    "path", ["/", "/pet", "/pets//toys/1", "/pets/7/toys", "/pets/7/toys/3/4", "/files/", "/A:batch"]
)
def test_unknown_paths_have_no_methods(path):
    assert found(PATHS, "get", path) == (None, {}, [])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", "/pets", ["GET", "POST"]),
        ("put", "/pets/7", ["DELETE", "GET"]),
        ("delete", "/pets/mine", ["GET"]),
        ("get", "/pets/mine/toys/3", ["PUT"]),
    ],
)
def test_a_known_path_without_the_method_lists_those_it_has(method, path, allowed):
    # A literal path hides a template that fits as well, whatever their methods (3.0.3, Paths Object).
    assert found(PATHS, method, path) == (None, {}, allowed)


def test_a_literal_that_leads_nowhere_does_not_hide_a_template():
    paths = {"/a/b/c": ["get"], "/a/{x}": ["get"], "/{y}/b/d": ["get"]}
    assert found(paths, "get", "/a/b")[:2] == ("/a/{x}", {"x": "b"})
    assert found(paths, "get", "/a/b/d")[:2] == ("/{y}/b/d", {"y": "a"})


def test_one_template_may_have_another_name_for_each_method():
    made = contract({"/p/{a}": {"get": {}}, "/p/{b}": {"put": {}}})
    assert made.match("GET", ["p", "1"])[1] == {"a": "1"}
    assert made.match("PUT", ["p", "1"])[1] == {"b": "1"}


@pytest.mark.parametrize(
    ("servers", "base"),
    [
        ([{"url": "https://x.test/v1"}], "/v1"),
        ([{"url": "https://x.test/v1/"}], "/v1"),
        ([{"url": "/api/v3"}], "/api/v3"),
        ([{"url": "https://x.test"}], ""),
        ([{"url": "https://{h}/{v}", "variables": {"h": {"default": "x.test"}, "v": {"default": "v2"}}}], "/v2"),
        ([], ""),
    ],
)
def test_the_base_path_is_optional(servers, base):
    made = contract({"/pets/{id}": {"get": {}}}, servers=servers)
    assert made.base_path == base
    for path in ("/pets/1", f"{base}/pets/1", f"{base}/pets/1/"):
        assert made.match("GET", split(path))[0] is not None
    assert made.match("GET", split("/v9/pets/1"))[0] is None


def test_the_base_path_hides_no_path_of_the_document():
    made = contract(
        {"/x": {"get": {"operationId": "short"}}, "/v1/x": {"get": {"operationId": "long"}}}, servers=[{"url": "/v1"}]
    )
    assert {path: made.match("GET", split(path))[0].id for path in ("/x", "/v1/x", "/v1/v1/x")} == {
        "/x": "short",
        "/v1/x": "long",
        "/v1/v1/x": "long",
    }


def test_bundled_paths():
    datagrid, mem0 = bundled("datagrid"), bundled("mem0")
    for path in ("/v1/user-memories", "/user-memories/", "/v1/user-memories/"):
        assert datagrid.match("GET", split(path))[0].id == "Memory.listUserMemory"
    assert mem0.match("POST", split("/v1/memories/"))[0].id == "createMemory"
    assert mem0.match("POST", split("/v1/memories"))[0].id == "createMemory"


segments = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/{}%"), min_size=1, max_size=6
)


@given(st.lists(st.tuples(segments, st.booleans()), min_size=1, max_size=5), segments)
def test_a_template_matches_what_it_was_filled_with(parts, value):
    router: Router[str] = Router()
    router.add("GET", "/" + "/".join(f"{{v{i}}}" if free else text for i, (text, free) in enumerate(parts)), "it")
    path = [value if free else text for text, free in parts]
    names = {f"v{i}": value for i, (_, free) in enumerate(parts) if free}
    assert router.find("GET", path) == ("it", names, ["GET"])
    assert router.find("PUT", path) == (None, {}, ["GET"])
    assert router.find("GET", [*path, "more"]) == (None, {}, [])


@pytest.mark.parametrize("name", ["plaid-3.0.yml", "discord-3.1.json", "mem0-platform-3.0.json", "petstore-3.0.yaml"])
def test_every_published_operation_is_reached_by_its_own_path(name):
    made = load_contract(published(name), strict=False)
    forms = {}
    for operation in made.operations.values():
        # Two templates that differ in the names of their variables only are the same path.
        path = [("0" if part.startswith("{") else part) for part in split(operation.path)]
        form = (operation.method, *path)
        first = forms.setdefault(form, operation)
        assert made.match(operation.method, path)[0] is first
    assert len(forms) >= len(made.operations) - 4


def operation_at(made, method, path):
    operation = made.match(method, split(path))[0]
    return operation and operation.id


def test_paths_that_differ_in_a_trailing_slash_are_two():
    made = contract({"/foo": {"get": {"operationId": "a"}}, "/foo/": {"get": {"operationId": "b"}, "put": {}}})
    assert operation_at(made, "GET", "/foo") == "a" and operation_at(made, "GET", "/foo/") == "b"
    assert operation_at(made, "PUT", "/foo") == "PUT /foo/"  # where only one has the method, the slash is optional
    assert made.match("POST", split("/foo"))[2] == ["GET", "PUT"]


def test_a_template_with_and_without_a_slash_is_two():
    made = contract({"/a/{x}/": {"get": {"operationId": "slash"}}, "/a/{x}": {"get": {"operationId": "plain"}}})
    assert operation_at(made, "GET", "/a/1") == "plain" and operation_at(made, "GET", "/a/1/") == "slash"


@pytest.mark.parametrize("servers", [[], [{"url": "/v1"}], [{"url": "https://x.test/v1/"}]])
def test_the_root_path_is_a_path(servers):
    made = contract({"/": {"get": {"operationId": "root"}}, "/{id}": {"get": {"operationId": "one"}}}, servers=servers)
    assert operation_at(made, "GET", "/") == "root" and operation_at(made, "GET", "/7") == "one"
    if servers:
        assert operation_at(made, "GET", "/v1") == operation_at(made, "GET", "/v1/") == "root"
        assert operation_at(made, "GET", "/v1/7") == "one"


@pytest.mark.parametrize("order", [1, -1])
def test_the_more_concrete_template_wins_whatever_the_order(order):
    paths = ["/f/{a}.{b}", "/f/{a}.json", "/f/{a}", "/f/x.{b}", "/{x}/y"]
    made = contract({path: {"get": {"operationId": path}} for path in paths[::order]})
    expected = {"/f/n.json": "/f/{a}.json", "/f/n.xml": "/f/{a}.{b}", "/f/n": "/f/{a}", "/f/y": "/f/{a}"}
    assert {path: operation_at(made, "GET", path) for path in expected} == expected


def test_several_variables_in_one_segment_and_encoded_slashes():
    made = contract({"/r/{from}..{to}/{file}": {"get": {}}})
    assert made.match("GET", ["r", "1..2%2F3", "a%2Fb"])[1] == {"from": "1", "to": "2/3", "file": "a/b"}


def test_every_server_and_every_value_of_its_variables_counts():
    servers = [
        {"url": "https://eu.test/v1"},
        {
            "url": "https://{region}.test/{version}/x",
            "variables": {
                "region": {"default": "eu", "enum": ["eu", "us"]},
                "version": {"default": "v2", "enum": ["v2", "v3"]},
            },
        },
        {"url": "{scheme}://{host}/v4", "variables": {"scheme": {"default": "https"}, "host": {"default": "x.test"}}},
        {"url": "./rel/../v5"},
    ]
    made = contract({"/foo": {"get": {}}}, servers=servers)
    assert made.base_paths == ["/v1", "/v2/x", "/v3/x", "/v4", "/v5"]
    assert all(operation_at(made, "GET", f"{base}/foo") for base in ["", *made.base_paths])
    assert operation_at(made, "GET", "/v9/foo") is None


def test_a_server_with_countless_values_is_bounded():
    variables = {f"v{i}": {"default": "0", "enum": [str(n) for n in range(50)]} for i in range(20)}
    url = "/" + "/".join(f"{{v{i}}}" for i in range(20))
    assert len(contract({"/foo": {"get": {}}}, servers=[{"url": url, "variables": variables}]).base_paths) == 64


def test_servers_of_paths_and_operations_replace_those_of_the_document():
    made = contract(
        {
            "/a": {"get": {"servers": [{"url": "/upload"}]}, "put": {}},
        },
        servers=[{"url": "/v1"}],
    )
    made_of_item = Contract(
        "test",
        {
            "openapi": "3.0.3",
            "info": {},
            "servers": [{"url": "/v1"}],
            "paths": {"/b": {"servers": [{"url": "/other"}], "get": {"responses": {}}}},
        },
        [],
    )
    assert operation_at(made, "GET", "/upload/a") and not operation_at(made, "GET", "/v1/a")
    assert operation_at(made, "PUT", "/v1/a") and not operation_at(made, "PUT", "/upload/a")
    assert operation_at(made_of_item, "GET", "/other/b") and not operation_at(made_of_item, "GET", "/v1/b")


def test_relative_servers_are_resolved_against_the_self_of_the_document():
    made = contract(
        {"/a": {"get": {}}}, "3.2.0", servers=[{"url": "../v2"}], **{"$self": "https://x.test/api/v1/o.yaml"}
    )
    assert made.base_paths == ["/api/v2"]


def test_methods_of_3_2_are_reached():
    item = {"query": {"operationId": "q"}, "additionalOperations": {"LINK": {"operationId": "l"}}}
    made = Contract("test", {"openapi": "3.2.0", "info": {}, "paths": {"/a": item}}, [])
    assert operation_at(made, "QUERY", "/a") == "q" and operation_at(made, "LINK", "/a") == "l"
    assert sorted(made.match("GET", ["a"])[2]) == ["LINK", "QUERY"]


def test_what_follows_a_question_mark_or_a_fragment_is_no_part_of_the_path():
    made = contract({"/a?kind=x": {"get": {"operationId": "a"}}, "/#T=Y": {"post": {"operationId": "b"}}})
    assert operation_at(made, "GET", "/a") == "a" and operation_at(made, "POST", "/") == "b"


def test_extensions_among_the_paths_are_no_paths():
    document = {"openapi": "3.0.3", "info": {}, "paths": {"x-owner": "fox", "x-more": {"get": {}}}}
    assert Contract("test", document, []).operations == {}
