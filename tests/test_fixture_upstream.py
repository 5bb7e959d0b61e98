"""`mock.upstream` and `mock.record`: the real API behind a test's sandbox, and its traffic as files. Real servers."""

from __future__ import annotations

import httpx
import pytest
from datagrid_ai import Datagrid
from upstreams import upstream

from mockserver import Session, Settings, UserError, create_app, serve_in_thread
from mockserver.text.documents import parse


@pytest.fixture
def session():
    with Session(apis=("datagrid",)) as made:
        yield made


@pytest.fixture
def real():
    with serve_in_thread(create_app(Settings(apis=("datagrid",), seed=9))) as served:
        yield served


def journal_of(served) -> list[dict]:
    return httpx.get(f"{served.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]


def test_the_client_of_a_test_reaches_the_real_api_through_its_sandbox(session, real):
    mock, other = session.sandbox(), session.sandbox()
    with mock.upstream(real.url) as there:
        with Datagrid(**mock.client_kwargs("datagrid")) as client:
            made = client.memory.user.create(agent_id="a", memory="likes tea")
            assert [one.id for one in client.memory.user.list().data] == [made.id]
        there.assert_no_drift()
        assert not there.drift and not there.unchecked and there.is_open
    assert [entry["operation"] for entry in journal_of(real)] == ["Memory.createUserMemory", "Memory.listUserMemory"]
    mock.assert_requested("Memory.createUserMemory", times=1, json={"memory": "likes tea"})
    assert [entry.data["stage"] for entry in mock.requests] == ["upstream", "upstream"]
    assert not mock.state.rows("user_memories") and not other.requests and not mock.failures(strict=True)
    with Datagrid(**mock.client_kwargs("datagrid")) as client:
        assert client.memory.user.list().data == [], "the twin answers again"
    assert len(journal_of(real)) == 2


def test_some_operations_stay_with_the_twin_and_scenarios_act_on_what_the_real_api_sends(session, real):
    patch = {"version": 1, "name": "more", "api": "datagrid", "rules": [
        {"id": "more", "op": "Memory.listUserMemory", "set": {"/has_more": True}},
    ]}  # fmt: skip
    mock = session.sandbox(scenario=patch)
    mock.upstream(real.url, twin=["Memory.createUserMemory"])
    with Datagrid(**mock.client_kwargs("datagrid")) as client:
        client.memory.user.create(agent_id="a", memory="likes tea")
        assert client.memory.user.list().has_more is True
    assert len(mock.state.rows("user_memories")) == 1
    assert [entry["operation"] for entry in journal_of(real)] == ["Memory.listUserMemory"]
    mock.delete()  # closes the way to the real API too


def test_drift_is_an_assertion_and_no_defect_of_the_mock(session):
    body = b'{"data": [{"id": 5}], "has_more": false}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    mock = session.sandbox()
    with upstream(answer) as wrong, mock.upstream(wrong.url) as there:
        with pytest.raises(AssertionError, match="not checked: no request came"):
            there.assert_no_drift()
        url = f"{mock.base_url('datagrid')}/user-memories"
        got = httpx.get(url, headers={"authorization": "Bearer k"}, trust_env=False)
        assert got.content == body
        with pytest.raises(AssertionError, match=r"GET /user-memories: 200 body .*\[response-body-[a-z-]+\]"):
            there.assert_no_drift()
        assert {finding.side for finding in there.drift} == {"response"}
    (entry,) = mock.requests
    assert {violation["side"] for violation in entry.violations} == {"upstream"}
    assert not mock.failures(strict=True)


def test_what_a_test_recorded_is_played_back_by_the_next(session, real, tmp_path):
    mock = session.sandbox()
    mock.upstream(real.url)
    with Datagrid(**mock.client_kwargs("datagrid")) as client:
        made = client.memory.user.create(agent_id="a", memory="mail jane@corp.example.org")
    told = mock.record(tmp_path, name="tea")
    assert told["exchanges"] == 1 and told["replaced"] == 1 and told["files"] == len(told["written"]) == 2
    assert mock.record(tmp_path, name="tea")["written"] == []
    assert "corp.example" not in (tmp_path / "tea.yaml").read_text()
    replay = session.sandbox(scenario=tmp_path / "tea.yaml")
    with Datagrid(**replay.client_kwargs("datagrid")) as client:
        again = client.memory.user.create(agent_id="a", memory="mail user-1@example.com")
    assert again.id == made.id and not replay.failures(strict=True)


def test_a_sandbox_of_a_running_server_records_too(real, tmp_path):
    with Session(url=real.url) as session:
        mock = session.sandbox()
        with Datagrid(**mock.client_kwargs("datagrid")) as client:
            client.memory.user.list()
        told = mock.record(tmp_path, infer=tmp_path / "draft.yaml")
        assert told["exchanges"] == 1 and parse((tmp_path / "draft.yaml").read_text(), "draft.yaml")["paths"]
        with pytest.raises(UserError, match="start `mockserver proxy` there"):
            mock.upstream(real.url)


def test_mistakes_are_told(session, real, tmp_path):
    mock = session.sandbox()
    with pytest.raises(UserError, match="no exchange that can be written"):
        mock.record(tmp_path)
    with pytest.raises(UserError, match="--upstream"):
        mock.upstream("ftp://example.com")
    with pytest.raises(UserError, match=r"no operation is called that; did you mean 'Memory\.createUserMemory'"):
        mock.upstream(real.url, twin=["Memory.createUserMemorie"])
    assert mock.base_url().startswith(session.sandbox().base_url().partition("/~")[0]), "the twin answers as before"
    mock.upstream(real.url)
    with pytest.raises(UserError, match="pass on to the real API, which takes a socket"):
        mock.transport()
