"""Which operation a path means."""

from __future__ import annotations

import pytest
from contracts import bundled, contract, published
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract import load_contract
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
