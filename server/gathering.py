"""Asking many things of the database side by side, without asking everything at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16


async def gathered(ask: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """`ask` of each item, `AT_ONCE` at a time; answers in the order of the items.

    The first error ends the others and is raised by itself, so that a `Refusal` stays one.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with gate:
            return await ask(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__
    return [task.result() for task in tasks]
