"""The pool hands out what it has, in order, and counts who waits; with connections that exist only here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stack.app.pool import Pool
from stack.app.protocol import TrpcError
from stack.app.timing import Timing


class Connection:
    """As much of a connection as the pool uses."""

    connected = True
    _stream_broken = False

    def close(self) -> None:
        self.connected = False


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Every connection that is opened."""
    made: list[Connection] = []

    async def connect(**_: Any) -> Connection:
        made.append(Connection())
        return made[-1]

    monkeypatch.setattr("asyncmy.connect", connect)
    return made


def value(metric: Any) -> float:
    return float(metric._value.get())


async def hold(pool: Pool, until: asyncio.Event, order: list[int] | None = None, number: int = 0) -> None:
    async with pool.connection(Timing()):
        if order is not None:
            order.append(number)
        await until.wait()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_it_opens_no_more_than_its_size_and_serves_in_order(opened: list[Connection]) -> None:
    async def go() -> None:
        pool, done, order = Pool("t1", {}, 2, 60), asyncio.Event(), list[int]()
        tasks = [asyncio.create_task(hold(pool, done, order, n)) for n in range(5)]
        await settle()
        assert (value(pool._used), value(pool._pending)) == (2, 3)
        done.set()
        await asyncio.gather(*tasks)
        assert (value(pool._used), value(pool._pending)) == (0, 0)
        assert (order, len(opened)) == ([0, 1, 2, 3, 4], 2)

    asyncio.run(go())


def test_who_waits_too_long_is_told_and_counted(opened: list[Connection]) -> None:
    async def go() -> None:
        pool, done = Pool("t2", {}, 1, 0.01), asyncio.Event()
        holder = asyncio.create_task(hold(pool, done))
        await settle()
        with pytest.raises(TrpcError, match="no t2 connection within"):
            await hold(pool, done)
        assert (value(pool._timeouts), value(pool._pending), value(pool._used)) == (1, 0, 1)
        done.set()
        await holder

    asyncio.run(go())


def test_who_leaves_the_line_takes_nobodys_turn(opened: list[Connection]) -> None:
    async def go() -> None:
        pool, done = Pool("t3", {}, 1, 60), asyncio.Event()
        holder = asyncio.create_task(hold(pool, done))
        await settle()
        impatient, patient = (asyncio.create_task(hold(pool, done)) for _ in range(2))
        await settle()
        done.set()
        await holder
        impatient.cancel()  # in the very moment in which it was granted
        await asyncio.gather(impatient, patient, return_exceptions=True)
        assert not patient.cancelled()
        assert (value(pool._used), pool._free) == (0, 1)

    asyncio.run(go())


def test_a_connection_in_doubt_is_closed_and_one_that_died_replaced(opened: list[Connection]) -> None:
    async def go() -> None:
        pool = Pool("t4", {}, 1, 60)
        with pytest.raises(RuntimeError, match="lost"):
            async with pool.connection(Timing()):
                raise RuntimeError("lost")
        async with pool.connection(Timing()) as second:
            assert second is opened[1]
        second._stream_broken = True
        async with pool.connection(Timing()) as third:
            assert third is opened[2]
        assert [connection.connected for connection in opened] == [False, False, True]

    asyncio.run(go())


def test_an_error_of_the_product_keeps_the_connection(opened: list[Connection]) -> None:
    async def go() -> None:
        pool = Pool("t5", {}, 1, 60)
        for _ in range(2):
            with pytest.raises(TrpcError):
                async with pool.connection(Timing()):
                    raise TrpcError("NOT_FOUND")
        assert len(opened) == 1

    asyncio.run(go())
