"""The same API as a user of FastAPI and pydantic would write it by hand.

It checks requests and responses and keeps the memories in a list; it has no authentication, credits,
rate limit or journal.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import FastAPI, Query
from pydantic import BaseModel

from benchmarks.data import PATH


class CreateUserMemoryRequest(BaseModel):
    agent_id: str
    memory: str
    context: str | None = None
    user_prompt: str | None = None


class UserMemory(BaseModel):
    object: Literal["user_memory"] = "user_memory"
    id: str
    created_at: str
    updated_at: str
    agent_id: str
    user_id: str
    user_prompt: str
    memory: list[str]
    context: list[str]


class OperationCredits(BaseModel):
    consumed: float


class CreateUserMemoryResponse(UserMemory):
    credits: OperationCredits | None


class UserMemoryList(BaseModel):
    object: Literal["list"] = "list"
    data: list[UserMemory]
    has_more: bool


app = FastAPI()
memories: list[UserMemory] = []


@app.post(PATH, status_code=201, response_model=CreateUserMemoryResponse)
async def create(body: CreateUserMemoryRequest) -> CreateUserMemoryResponse:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    memory = UserMemory(
        id=str(uuid4()),
        created_at=now,
        updated_at=now,
        agent_id=body.agent_id,
        user_id="5d0e5a0e-7f0d-4f58-8f35-3d0f7ad3f6a1",
        user_prompt=body.user_prompt or "",
        memory=[body.memory],
        context=[] if body.context is None else [body.context],
    )
    memories.append(memory)
    return CreateUserMemoryResponse(**memory.model_dump(), credits=OperationCredits(consumed=1))


@app.get(PATH, response_model=UserMemoryList)
async def listing(
    limit: Annotated[int, Query(ge=1, le=100)] = 50, offset: Annotated[int, Query(ge=0, le=100_000)] = 0
) -> UserMemoryList:
    end = max(0, len(memories) - offset)
    return UserMemoryList(data=memories[max(0, end - limit) : end][::-1], has_more=end > limit)


@app.delete(PATH, status_code=204)
async def clear() -> None:
    memories.clear()
