"""The OpenAI and Anthropic clients stream from a served document unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI
from test_streams import llm, use

from mockserver import Mock, Session


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Session(apis=[llm()]) as session, session.sandbox(api="llm", clock="frozen") as mock:
        yield mock


CHUNKS = [
    {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}],
    }
    for text, reason in (("Hel", None), ("lo", None), ("", "stop"))
]


def test_the_openai_client_streams_from_a_served_document(mock: Mock) -> None:
    use(mock, {"id": "chunks", "op": "chat", "stream": {"items": CHUNKS}})
    client = OpenAI(base_url=f"{mock.base_url()}/v1", api_key="k", max_retries=0)
    messages: Any = [{"role": "user", "content": "Hello?"}]
    stream = client.chat.completions.create(model="m", messages=messages, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Hello"


def test_the_openai_client_gets_json_when_it_asks_for_no_stream_and_a_stream_when_it_does(mock: Mock) -> None:
    client = OpenAI(base_url=f"{mock.base_url()}/v1", api_key="k", max_retries=0)
    messages: Any = [{"role": "user", "content": "Hello?"}]
    whole = client.chat.completions.create(model="m", messages=messages)
    assert whole.object == "chat.completion"
    (chunk,) = client.chat.completions.create(model="m", messages=messages, stream=True)
    assert chunk.object == "chat.completion.chunk"


def test_the_openai_client_sees_that_a_stream_was_cut(mock: Mock) -> None:
    use(mock, {"id": "cut", "op": "chat", "stream": {"items": CHUNKS}, "fault": {"stream": {"cut_after": 1}}})
    client = OpenAI(base_url=f"{mock.base_url()}/v1", api_key="k", max_retries=0)
    messages: Any = [{"role": "user", "content": "Hello?"}]
    chunks = iter(client.chat.completions.create(model="m", messages=messages, stream=True))
    assert next(chunks).choices[0].delta.content == "Hel"
    with pytest.raises(Exception, match="Connection error"):
        next(chunks)


def test_the_anthropic_client_streams_from_a_served_document(mock: Mock) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    items = [
        {"type": "message_start", "message": {**message, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    use(mock, {"id": "message", "op": "message", "stream": {"items": items}})
    client = Anthropic(base_url=mock.base_url(), api_key="k", max_retries=0)
    messages: Any = [{"role": "user", "content": "Hello?"}]
    with client.messages.stream(model="m", max_tokens=10, messages=messages) as stream:
        assert "".join(stream.text_stream) == "Hello"
