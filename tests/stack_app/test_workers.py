"""No more requests at a time than there are workers, in order, and the wait is told; no servers."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from stack.app.timing import Timing
from stack.app.workers import Workers


def told(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_who_finds_no_worker_free_waits_in_line_and_its_wait_is_a_part_of_its_time() -> None:
    asyncio.run(_four_for_two())


async def _four_for_two() -> None:
    workers, go = Workers(2, "queue"), asyncio.Event()
    timings, order = [Timing() for _ in range(4)], list[int]()

    async def request(number: int) -> None:
        async with workers.turn(timings[number]):
            order.append(number)
            await go.wait()

    tasks = [asyncio.create_task(request(number)) for number in range(4)]
    await settle()
    assert (told("app_workers_max"), told("app_workers_used"), told("app_workers_pending")) == (2, 2, 2)
    go.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]
    assert (told("app_workers_used"), told("app_workers_pending")) == (0, 0)
    assert min(timings[2].parts_s["queue"], timings[3].parts_s["queue"]) > timings[0].parts_s["queue"]


def test_a_request_that_fails_or_is_given_up_in_line_leaves_its_worker_free() -> None:
    asyncio.run(_one_fails_and_one_leaves())


async def _one_fails_and_one_leaves() -> None:
    workers, go = Workers(1, "queue"), asyncio.Event()

    async def request() -> None:
        async with workers.turn(Timing()):
            await go.wait()
            raise ValueError

    failing, waiting = asyncio.create_task(request()), asyncio.create_task(request())
    await settle()
    waiting.cancel()
    go.set()
    await asyncio.gather(failing, waiting, return_exceptions=True)
    async with asyncio.timeout(5), workers.turn(Timing()):
        assert told("app_workers_used") == 1
    assert (told("app_workers_used"), told("app_workers_pending")) == (0, 0)
