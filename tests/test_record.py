"""`mockserver record`: a session becomes files without secrets, which play the session back."""

from __future__ import annotations

import re
from pathlib import Path

import datagrid_ai
import httpx
import orjson
import pytest
from click.testing import CliRunner
from datagrid_ai import Datagrid
from test_exchange_files import read_exchange
from upstreams import proxy, say, upstream

from mockserver import create_app
from mockserver.cli.main import cli
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.text.documents import parse
from mockserver.upstream.pseudonyms import Pseudonyms


def recorded(served, folder: Path, *arguments: str) -> dict:
    result = CliRunner().invoke(cli, ["record", str(folder), "--url", served.url, "--json", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return orjson.loads(result.output)


def session(url: str) -> list[object]:
    """What a client sees of a session: reads before and after writes, pages, errors."""
    seen: list[object] = []
    with Datagrid(api_key="My API Key", base_url=f"{url}/v1", max_retries=0) as client:
        memories = client.memory.user
        seen.append(memories.list().model_dump())
        made = [memories.create(agent_id="a1", memory=f"likes tea {n}", context=None) for n in range(3)]
        seen += [memory.model_dump() for memory in made]
        seen.append(memories.list().model_dump())
        seen += [memories.list(limit=1, offset=offset).model_dump() for offset in (0, 1, 2)]
        memories.delete(made[1].id)
        seen.append(memories.list().model_dump())
        for memory_id in (made[1].id, "never/there"):
            with pytest.raises(datagrid_ai.NotFoundError) as caught:
                memories.delete(memory_id)
            seen.append(caught.value.body)
        with pytest.raises(datagrid_ai.BadRequestError) as refused:
            memories.create(agent_id="a1", memory="m", extra_body={"agent_id": 5})
        seen.append(refused.value.body)
        seen.append(client.organization.credits.get().model_dump())
    return seen


def test_a_session_of_the_datagrid_client_is_played_back(tmp_path):
    with serve_in_thread(create_app(Settings(apis=("datagrid",), seed=1))) as twin:
        first = session(twin.url)
        told = recorded(twin, tmp_path)
    assert told["exchanges"] == 14 and told["without_operation"] == 0 and not told["left_out"]
    # Another seed and other credits: what is the same comes from the recording.
    settings = Settings(apis=("datagrid",), seed=7, credits=3, scenarios=(str(tmp_path / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        assert session(twin.url) == first
        journal = httpx.get(f"{twin.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]
    assert {entry["stage"] for entry in journal} == {"rule"}
    assert [entry["defect"] for entry in journal] == [""] * 14


def test_a_session_through_the_proxy_is_played_back_without_the_real_api(tmp_path):
    with (
        serve_in_thread(create_app(Settings(apis=("datagrid",), seed=1))) as real,
        proxy(real.url, apis=("datagrid",)) as served,
    ):
        first = session(served.url)
        assert session(real.url) != first, "the real one goes on"
        recorded(served, tmp_path)
    settings = Settings(apis=("datagrid",), seed=7, scenarios=(str(tmp_path / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        assert session(twin.url) == first


def test_recording_again_changes_nothing(tmp_path):
    with serve_in_thread(create_app(Settings(apis=("datagrid",), seed=1))) as twin:
        session(twin.url)
        first = recorded(twin, tmp_path)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
        again = recorded(twin, tmp_path)
        assert len(first["written"]) == first["files"] == len(before)
        assert again["written"] == []
        session(twin.url)  # the same kinds of exchanges with other values
        recorded(twin, tmp_path)
    assert set(tmp_path.rglob("*.yaml")) == set(before)
    for path, text in before.items():
        if path.parent.name == "exchanges":
            assert path.read_bytes() == text


def test_each_kind_of_exchange_is_one_file_that_can_be_read(tmp_path):
    with serve_in_thread(create_app(Settings(apis=("datagrid",), seed=1))) as twin:
        session(twin.url)
        recorded(twin, tmp_path)
    files = sorted((tmp_path / "exchanges").iterdir())
    names = [re.sub(r"-[0-9a-f]{8}\.yaml$", "", path.name) for path in files]
    assert names == [
        "getcredits-200",
        "memory-createusermemory-201",
        "memory-createusermemory-400",
        "memory-deleteusermemory-204",
        "memory-deleteusermemory-404",
        *["memory-listusermemory-200"] * 3,  # no rows, rows, a page
    ]
    for path in files:
        assert path.read_text().startswith("# Recorded: ")
        spec = read_exchange(path)
        assert spec.api == "datagrid" and spec.response["status"] == int(path.name.rsplit("-", 2)[1])


def test_rows_that_were_there_before_are_the_state(tmp_path):
    with serve_in_thread(create_app(Settings(apis=("datagrid",), seed=1))) as twin:
        with httpx.Client(base_url=twin.url, headers={"authorization": "Bearer k"}, trust_env=False) as client:
            for text in ("older", "newer"):
                client.post("/v1/user-memories", json={"agent_id": "a", "memory": text})
            client.request("DELETE", "/__admin/sandboxes/default/journal", headers={"x-mockserver-admin": "1"})
            page = client.get("/v1/user-memories?limit=50").json()
            client.post("/v1/user-memories", json={"agent_id": "a", "memory": "made in the session"})
            client.get("/v1/user-memories?limit=50")
        recorded(twin, tmp_path)
    scenario = parse((tmp_path / "recorded.yaml").read_text(), "recorded.yaml")
    rows = scenario["state"]["user_memories"]
    assert [row["memory"] for row in rows] == [["older"], ["newer"]]
    settings = Settings(apis=("datagrid",), scenarios=(str(tmp_path / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        # No rule has this page: the twin answers it from the rows.
        asked = httpx.get(
            f"{twin.url}/v1/user-memories?limit=49", headers={"authorization": "Bearer k"}, trust_env=False
        )
    assert asked.json() == page


CUSTOMER = {
    "id": "cus-1",
    "email": "jane.doe@corp.example.org",
    "full_name": "Jane Doe",
    "phone": "+49 170 1234567",
    "user_id": "3f2b8c1e-58f5-4b36-8a52-3f6b1f1f9a01",
    "note": "Jane Doe wrote from jane.doe@corp.example.org at 10.1.2.3",
    "api_key": "sk-live-0123456789abcdef",
}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "customers", "version": "1"},
    "paths": {
        "/customers/{id}": {
            "get": {
                "operationId": "getCustomer",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "one",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["id", "email", "user_id"],
                                    "properties": {
                                        "email": {"type": "string", "format": "email"},
                                        "user_id": {"type": "string", "format": "uuid"},
                                        "active": {"type": "boolean"},
                                    },
                                }
                            }
                        },
                    }
                },
            }
        }
    },
}


def test_no_file_holds_a_secret_or_a_person_and_what_belongs_together_stays_together(tmp_path):
    def answer(sock, message):
        body = orjson.dumps(CUSTOMER)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: s=cookie-secret\r\n"
        sock.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    file = tmp_path / "customers.yaml"
    file.write_bytes(orjson.dumps(DOCUMENT))
    with upstream(answer) as real, proxy(real.url, apis=(f"customers={file}",)) as served:
        for target in ("cus-1", "jane.doe%40corp.example.org?by=jane.doe%40corp.example.org", CUSTOMER["user_id"]):
            lines = b"Host: x\r\nAuthorization: Bearer header-secret\r\nCookie: a=cookie-secret"
            say(served.port, b"GET /customers/%s HTTP/1.1\r\n%s\r\n\r\n" % (target.encode(), lines))
        recorded(served, tmp_path / "out", "--replace", "user_id")
    texts = {path.name: path.read_text() for path in (tmp_path / "out").rglob("*.yaml")}
    secrets = (
        *("jane", "Doe", "corp.example", "170", "sk-live", "10.1.2.3", "3f2b8c1e", "header-secret", "cookie-secret"),
        *("Bearer", "authorization"),
    )
    for name, text in texts.items():
        for secret in secrets:
            assert secret not in text, (name, secret)
    replay = parse(texts["recorded.yaml"], "recorded.yaml")
    whens = [rule["when"]["path"]["id"]["equals"] for rule in replay["rules"]]
    shown = replay["rules"][0]["reply"]["body"]
    assert whens == ["cus-1", "user-1@example.com", "00000000-0000-4000-8000-000000000003"]
    assert (shown["email"], shown["user_id"]) == (whens[1], whens[2])
    assert shown["note"].count(shown["email"]) == 1 and shown["note"].startswith(shown["full_name"])
    settings = Settings(apis=(f"customers={file}",), scenarios=(str(tmp_path / "out" / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        assert (
            httpx.get(f"{twin.url}/customers/user-1%40example.com?by=user-1%40example.com", trust_env=False).json()
            == shown
        )


def test_what_breaks_the_contract_is_played_back_as_declared(tmp_path):
    body = orjson.dumps({"id": "1", "email": "a@example.org", "user_id": "no uuid", "active": "yes"})

    def answer(sock, message):
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    file = tmp_path / "customers.yaml"
    file.write_bytes(orjson.dumps(DOCUMENT))
    with upstream(answer) as real, proxy(real.url, apis=(f"customers={file}",)) as served:
        say(served.port, b"GET /customers/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        recorded(served, tmp_path)
    settings = Settings(apis=(f"customers={file}",), scenarios=(str(tmp_path / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        assert httpx.get(f"{twin.url}/customers/1", trust_env=False).json()["active"] == "yes"
        (entry,) = httpx.get(f"{twin.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]
    assert entry["violates"].startswith("as recorded: body /active") and not entry["defect"]


def test_what_cannot_be_written_is_counted(tmp_path):
    def answer(sock, message):
        if b"/long" in message:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000)
        elif b"/gone" in message:
            sock.close()
        else:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with upstream(answer) as real, proxy(real.url) as served:
        for path in (b"long", b"gone", b"fine", b"fine"):
            say(served.port, b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        told = recorded(served, tmp_path)
    assert told["exchanges"] == 2 and told["files"] == 1
    assert told["left_out"] == {
        "a body is longer than what the journal keeps (--journal-body)": 1,
        "the upstream gave no whole response": 1,
    }


def test_a_document_is_drafted_from_what_a_proxy_without_one_saw(tmp_path):
    document = tmp_path / "datagrid-draft.yaml"
    with serve_in_thread(create_app(Settings(apis=("datagrid",), seed=1))) as real, proxy(real.url) as served:
        first = session(served.url)
        told = recorded(served, tmp_path, "--infer", str(document))
    assert told["without_operation"] == 0
    paths = parse(document.read_text(), "draft.yaml")["paths"]
    assert list(paths) == ["/v1/user-memories", "/v1/user-memories/{user_memory_id}", "/v1/organization/credits"]
    assert paths["/v1/user-memories"]["get"]["security"] == [{"bearer": []}]
    settings = Settings(apis=(str(document),), scenarios=(str(tmp_path / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        assert session(twin.url) == first
        journal = httpx.get(f"{twin.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]
    assert not [entry for entry in journal if entry["violations"] or entry["defect"]]


def test_an_empty_journal_is_a_message(tmp_path):
    with serve_in_thread(create_app(Settings(apis=("datagrid",)))) as twin:
        result = CliRunner().invoke(cli, ["record", str(tmp_path), "--url", twin.url])
    assert result.exit_code != 0 and "no exchange that can be written" in str(result.exception or result.output)


def test_stand_ins_are_the_same_everywhere_and_are_never_replaced_again():
    pseudonyms = Pseudonyms(["account"])
    value = {"email": "a@b.org", "account": 12345, "list": ["a@b.org", "c@d.org"], "text": "a@b.org & c@d.org"}
    pseudonyms.learn(value)
    once = pseudonyms.replaced(value)
    assert (
        once["list"] == [once["email"], "user-2@example.com"]
        and once["text"] == "user-1@example.com & user-2@example.com"
    )
    assert once["account"] == 10001
    pseudonyms.learn(once)
    assert pseudonyms.replaced(once) == once


def mem0_session(url: str) -> list[object]:
    """The same of the mem0 client, whose lists and searches are POSTs."""
    from test_mem0_client import MemoryClient, MemoryNotFoundError, added

    client = MemoryClient(api_key="key", host=url)
    try:
        seen: list[object] = [client.user_email, client.get_all(filters={"user_id": "alex"})]
        first, second = added(client, "Likes tea"), added(client, "Lives in Lisbon")
        seen += [first, second, client.get(first), client.search("tea", filters={"user_id": "alex"})]
        seen.append(client.update(first, text="Likes coffee"))
        seen += [client.get(first), client.history(first), client.get_all(filters={"user_id": "alex"})]
        client.delete(first)
        with pytest.raises(MemoryNotFoundError) as missing:
            client.get(first)
        seen += [str(missing.value), client.get_all(filters={"user_id": "alex"}), client.users()]
        return seen
    finally:
        client.client.close()


def test_a_session_of_the_mem0_client_is_played_back(tmp_path):
    with (
        serve_in_thread(create_app(Settings(apis=("mem0",), seed=1))) as real,
        proxy(real.url, apis=("mem0",)) as served,
    ):
        first = mem0_session(served.url)
        assert recorded(served, tmp_path)["left_out"] == {}
    shown = str(first).replace("mock@example.com", "user-1@example.com")
    settings = Settings(apis=("mem0",), seed=7, scenarios=(str(tmp_path / "recorded.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        assert str(mem0_session(twin.url)) == shown
        journal = httpx.get(f"{twin.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]
    assert {entry["stage"] for entry in journal} == {"rule"}
