"""The recorded request that a scenario's arrival stands for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from time import perf_counter

import gevent
from gevent import getcurrent

from load.access_log import Logged, Recording, recording
from load.recorder import arrival_of


@cache
def replayed() -> Recording:
    """What is replayed: told by the harness; under plain `locust` the log in REPLAY_LOG, see REPLAY_FRONTEND.

    Raises UsageError.
    """
    told = json.loads(os.environ.get("HARNESS_LOAD", "{}")).get("replay")
    if told is None:
        told = {
            "log": os.environ.get("REPLAY_LOG", "access.log"),
            "frontend": os.environ.get("REPLAY_FRONTEND", ""),
        }
    return recording(**told)


def recorded_request() -> Logged | None:
    """The request that is due now; None when all were made.

    Under the harness the one whose time the arrival is. Under plain `locust` the next one, when it is due.
    """
    arrival = arrival_of(getcurrent())
    if arrival is not None:
        return replayed().requests[arrival.number]
    request = next(_in_order(), None)
    if request is not None:
        gevent.sleep(max(_began_s() + request.at_s - perf_counter(), 0))
    return request


@cache
def _in_order() -> Iterator[Logged]:
    return iter(replayed().requests)


@cache
def _began_s() -> float:
    return perf_counter()
