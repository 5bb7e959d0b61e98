"""Streams: the items of a response go out one by one on the test clock, each is validated, and faults come in the
middle; the OpenAI and Anthropic clients read them unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
from test_resources import answer, body

from mockserver import Mock, Session
from mockserver.apis import Api
from mockserver.contract.events import event_of, pieces_of, read_events
from mockserver.contract.load import contract_of
from mockserver.errors import UserError
from mockserver.messages import Stream

TEXT = {"type": "string"}
CHUNK = {"type": "object", "required": ["text"], "properties": {"text": TEXT}, "additionalProperties": False}
CHAT_CHUNK = {
    "type": "object",
    "required": ["id", "object", "created", "model", "choices"],
    "properties": {
        "id": TEXT,
        "object": {"type": "string", "enum": ["chat.completion.chunk"]},
        "created": {"type": "integer"},
        "model": TEXT,
        "choices": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "delta"],
                "properties": {
                    "index": {"type": "integer"},
                    "delta": {"type": "object", "properties": {"role": TEXT, "content": TEXT}},
                    "finish_reason": {"type": ["string", "null"], "enum": ["stop", "length", None]},
                },
            },
        },
    },
}
CHAT = {
    **CHAT_CHUNK,
    "properties": {
        **CHAT_CHUNK["properties"],
        "object": {"type": "string", "enum": ["chat.completion"]},
        "choices": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["index", "message", "finish_reason"],
                "properties": {
                    "index": {"type": "integer"},
                    "finish_reason": {"type": "string", "enum": ["stop"]},
                    "message": {
                        "type": "object",
                        "required": ["role", "content"],
                        "properties": {"role": {"type": "string", "enum": ["assistant"]}, "content": TEXT},
                    },
                },
            },
        },
    },
}


def kind(name: str, **members: Any) -> dict[str, Any]:
    """The schema of an event of one type."""
    properties = {"type": {"type": "string", "const": name}, **members}
    return {"type": "object", "required": [*properties], "properties": properties}


MESSAGE = {
    "type": "object",
    "required": ["id", "type", "role", "model", "content", "usage", "stop_reason"],
    "properties": {
        "id": TEXT,
        "type": {"type": "string", "const": "message"},
        "role": {"type": "string", "const": "assistant"},
        "model": TEXT,
        "content": {"type": "array", "maxItems": 0},
        "stop_reason": {"type": "null"},
        "usage": {
            "type": "object",
            "required": ["input_tokens", "output_tokens"],
            "properties": {"input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"}},
        },
    },
}
NUMBER = {"type": "integer"}
MESSAGE_EVENT = {
    "oneOf": [
        kind("message_start", message=MESSAGE),
        kind("content_block_start", index=NUMBER, content_block=kind("text", text=TEXT)),
        kind("content_block_delta", index=NUMBER, delta=kind("text_delta", text=TEXT)),
        kind("content_block_stop", index=NUMBER),
        kind(
            "message_delta",
            delta={"type": "object", "properties": {"stop_reason": TEXT}},
            usage={"type": "object", "properties": {"output_tokens": NUMBER}},
        ),
        kind("message_stop"),
    ]
}
PROMPT = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {"model": TEXT, "messages": {"type": "array"}, "stream": {"type": "boolean"}, "max_tokens": NUMBER},
}


def events(schema: Any, media_type: str = "text/event-stream") -> dict[str, Any]:
    return {"description": "A stream.", "content": {media_type: {"schema": schema}}}


def document() -> dict[str, Any]:
    """Operations that stream: events, JSON lines, and completions as two vendors have them."""
    both = {"description": "Done.", "content": {"application/json": {"schema": CHAT}, **events(CHAT_CHUNK)["content"]}}
    item = {"description": "Items.", "content": {"application/x-ndjson": {"itemSchema": CHUNK}}}
    return {
        "openapi": "3.2.0",
        "info": {"title": "LLM", "version": "1"},
        "paths": {
            "/say": {"post": {"operationId": "say", "responses": {"200": events(CHUNK)}}},
            "/lines": {"get": {"operationId": "lines", "responses": {"200": item}}},
            "/plain": {"get": {"operationId": "plain", "responses": {"200": answer(CHUNK)}}},
            "/v1/chat/completions": {
                "post": {"operationId": "chat", "requestBody": body(PROMPT), "responses": {"200": both}}
            },
            "/v1/messages": {
                "post": {
                    "operationId": "message",
                    "requestBody": body(PROMPT),
                    "responses": {"200": events(MESSAGE_EVENT)},
                }
            },
        },
    }


STREAMS = {
    "say": Stream(every=0.05, end="[DONE]", count=3),
    "lines": Stream(count=2),
    "chat": Stream(every=0.02, end="[DONE]"),
    "message": Stream(every=0.02, event=("type",)),
}


def llm() -> Api:
    return Api.from_openapi(document(), name="llm", streams=STREAMS, costs={"say": 2})


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(apis=[llm()]) as session:
        yield session


@pytest.fixture
def mock(session: Session) -> Iterator[Mock]:
    with session.sandbox(api="llm", clock="frozen") as mock:
        yield mock


def use(mock: Mock, *rules: dict[str, Any]) -> None:
    scenario = {"version": 1, "name": "s", "api": "llm", "clock": {"mode": "frozen"}, "rules": list(rules)}
    mock.scenario(scenario)


def say(mock: Mock) -> list[str]:
    """The data of the events that arrive; raises what the client raises at the end."""
    data: list[str] = []
    with httpx.stream("POST", f"{mock.base_url()}/say") as response:
        assert response.headers["content-type"] == "text/event-stream" and "content-length" not in response.headers
        for line in response.iter_lines():
            if line.startswith("data: "):
                data.append(line[6:])
                said[:] = data
    return data


said: list[str] = []
"""What arrived before the client raised."""
WHOLE = ['{"text":"Hel"}', '{"text":"lo"}', '{"text":" wörld"}', "[DONE]"]
HELLO = {"id": "hello", "op": "say", "stream": {"items": [{"text": "Hel"}, {"text": "lo"}, {"text": " wörld"}]}}


def test_a_stream_of_samples_has_its_items_and_its_marker(mock: Mock) -> None:
    data = say(mock)
    assert len(data) == 4 and data[-1] == "[DONE]"
    assert all(json.loads(item).keys() == {"text"} for item in data[:-1])


def test_the_time_between_items_passes_on_the_test_clock(mock: Mock) -> None:
    before = mock.clock.now()
    say(mock)
    assert mock.clock.now() - before == pytest.approx(0.15)


def test_the_journal_tells_when_each_item_went_out(mock: Mock) -> None:
    use(mock, {**HELLO, "fault": {"stream": {"stall": {"after": 2, "for": "9s"}, "cut_after": 3}}})
    before = mock.clock.now()
    with pytest.raises(httpx.RemoteProtocolError):
        say(mock)
    (entry,) = mock.requests
    stream = entry.data["stream"]
    assert [item["text"] for item in stream["items"]] == [f"data: {data}\n\n" for data in WHOLE[:3]]
    times = [item["at"] - before for item in stream["items"]]
    assert times == [pytest.approx(seconds, abs=1e-3) for seconds in (0, 0.05, 9.1)]
    assert stream["end"] == "cut"


def test_a_stream_on_a_running_clock_tells_its_times_too(session: Session) -> None:
    with session.sandbox(api="llm", clock="x100") as mock:
        say(mock)
        entry = mock.requests[-1]
        begin, *others = [item["at"] for item in entry.data["stream"]["items"]]
        assert begin >= entry.data["at"]
        assert [at - begin for at in others] == [pytest.approx(0.05 * n, abs=1e-3) for n in (1, 2, 3)]
        assert httpx.post(f"{mock.base_url()}/plain").status_code < 500
        assert mock.requests[-1].data["stream"] is None


def test_json_lines_are_items_too(mock: Mock) -> None:
    response = httpx.get(f"{mock.base_url()}/lines")
    assert [json.loads(line).keys() for line in response.text.splitlines()] == [{"text"}] * 2


def test_a_rule_streams_its_items_and_each_is_checked(mock: Mock) -> None:
    use(mock, HELLO)
    assert say(mock) == ['{"text":"Hel"}', '{"text":"lo"}', '{"text":" wörld"}', "[DONE]"]
    with pytest.raises(UserError, match="violates the contract of say 200"):
        use(mock, {"id": "bad", "op": "say", "stream": {"items": [{"text": "a"}, {"text": 5}]}})
    with pytest.raises(UserError, match="plain declares no stream"):
        use(mock, {"id": "bad", "op": "plain", "stream": {"items": []}})


def test_the_items_of_a_rule_are_templates(mock: Mock) -> None:
    use(mock, {"id": "t", "op": "chat", "stream": {"items": [{"$literal": {}}]}, "violates": "an empty chunk"})
    use(
        mock,
        {"id": "t", "op": "say", "stream": {"items": [{"text": {"$seq": "n"}}], "end": ""}, "violates": "a number"},
    )
    assert say(mock) == ['{"text":1}']


@pytest.mark.parametrize(
    ("fault", "data", "error"),
    [
        ({"cut_after": 2}, ['{"text":"Hel"}', '{"text":"lo"}'], httpx.RemoteProtocolError),
        ({"reset_after": 1}, ['{"text":"Hel"}'], httpx.ReadError),
        ({"no_end": True}, ['{"text":"Hel"}', '{"text":"lo"}', '{"text":" wörld"}'], None),
        ({"lose_last": True}, ['{"text":"Hel"}', '{"text":"lo"}', "[DONE]"], None),
        ({"duplicate": 1}, ['{"text":"Hel"}'] * 2 + ['{"text":"lo"}', '{"text":" wörld"}', "[DONE]"], None),
        ({"split_utf8": 3}, WHOLE, None),
        (
            {"stall": {"after": 1, "for": "9s"}},
            ['{"text":"Hel"}', '{"text":"lo"}', '{"text":" wörld"}', "[DONE]"],
            None,
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_fault_comes_in_the_middle_and_what_was_done_is_charged(
    mock: Mock, fault: dict[str, Any], data: list[str], error: type[Exception] | None
) -> None:
    use(mock, {**HELLO, "fault": {"stream": fault}})
    if error is None:
        assert say(mock) == data
    else:
        with pytest.raises(error):
            say(mock)
        assert said == data
    assert mock.credits.consumed == 2, "billed all the same"
    (entry,) = mock.requests
    assert entry.data["faults"] == ["stream"]


def test_a_split_character_arrives_in_two_pieces(mock: Mock) -> None:
    use(mock, {**HELLO, "fault": {"stream": {"split_utf8": 3}}})
    url = f"{mock.base_url()}/say"
    with httpx.Client(transport=mock.transport()) as client, client.stream("POST", url) as response:
        pieces = list(response.iter_raw())
    split = [piece for piece in pieces if b"w\xc3" in piece or piece.startswith(b"\xb6")]
    assert len(split) == 2 and b"".join(split).decode() == 'data: {"text":" wörld"}\n\n'


def test_an_error_event_ends_the_stream(mock: Mock) -> None:
    error = {"error": {"message": "Overloaded"}}
    rule = {**HELLO, "fault": {"stream": {"error": {"after": 1, "event": error}}}}
    with pytest.raises(UserError, match="the fault `stream` violates the contract"):
        use(mock, rule)
    use(mock, {**rule, "violates": "the client must see the error"})
    assert say(mock) == ['{"text":"Hel"}', '{"error":{"message":"Overloaded"}}']


def test_a_damaged_item_is_no_json(mock: Mock) -> None:
    use(mock, {**HELLO, "fault": {"stream": {"damaged": 2}}, "violates": "the client must raise"})
    with pytest.raises(json.JSONDecodeError):
        json.loads(say(mock)[1])


def test_a_stall_longer_than_the_patience_of_the_client_is_a_timeout(mock: Mock) -> None:
    use(mock, {**HELLO, "fault": {"stream": {"stall": {"after": 1, "for": "9s"}}}})
    url = f"{mock.base_url()}/say"
    with httpx.Client(transport=mock.transport(), timeout=5) as client, client.stream("POST", url) as response:
        lines = response.iter_lines()
        assert next(lines) == 'data: {"text":"Hel"}'
        with pytest.raises(httpx.ReadTimeout):
            list(lines)


def test_streams_are_read_in_process_by_each_library(mock: Mock) -> None:
    use(mock, HELLO)
    url = f"{mock.base_url()}/say"
    with httpx2.Client(transport=mock.transport("httpx2")) as client, client.stream("POST", url) as response:
        assert len(list(response.iter_raw())) == 4
    with requests.Session() as http:
        http.mount("http://", mock.transport("requests"))
        lines = [line for line in http.post(url, stream=True).iter_lines() if line]
        assert lines[0] == b'data: {"text":"Hel"}' and len(lines) == 4


async def test_a_cut_stream_is_an_error_to_aiohttp_too(mock: Mock) -> None:
    use(mock, {**HELLO, "fault": {"stream": {"cut_after": 2}}})
    url = f"{mock.base_url()}/say"
    async with aiohttp.ClientSession(connector=mock.transport("aiohttp")) as http, http.post(url) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


def test_events_are_read_as_they_are_written() -> None:
    items = [{"text": "a\nb"}, "plain", {"a": [1, None]}]
    raw = b"".join(pieces_of(items, "text/event-stream", end="[DONE]", event=("text",)))
    assert read_events(raw, as_events=False) == items
    fields = [{"event": "e", "data": "one\ntwo", "id": "7", "retry": 5}]
    assert read_events(event_of(fields[0]).encode(), as_events=True) == fields
    assert read_events(b": a comment\n\ndata:x\r\n\r\n", as_events=False) == ["x"]


def test_the_document_tells_which_operations_stream() -> None:
    operations = contract_of(document(), "llm").operations
    assert operations["say"].stream_types == ["text/event-stream"]
    assert operations["plain"].stream_types == []
    assert operations["chat"].streams_on_request == "text/event-stream"
    assert operations["message"].streams_on_request == ""
