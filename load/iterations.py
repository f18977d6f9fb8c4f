"""Makes each iteration of a scenario's tasks an arrival, without the scenario knowing.

The tasks are wrapped rather than the waits between them: Locust runs a user's first task, and the one after
an interrupted TaskSet, without any wait.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gevent
from gevent import getcurrent
from locust import TaskSet, constant
from locust.exception import StopUser
from locust.user.markov_taskset import MarkovTaskSet
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, DefaultTaskSet

from load import recorder
from load.control_flow import CONTROL_FLOW
from load.dispatch import Dispatcher
from load.recorder import Arrival

Task = Callable[[Any], None]


def adopt(user_class: Any, dispatcher: Dispatcher) -> None:
    """Put the dispatcher's arrivals under a user class."""
    holders: set[Any] = set()
    user_class.tasks = _wrap_all(user_class.tasks, dispatcher, holders)
    if dispatcher.source is not None:
        # In the open model users do not pace themselves: a user that is done is free for the next arrival.
        for holder in (user_class, *holders):
            holder.wait_time = constant(0)
    pause: Any = TaskSet
    pause.wait = _wait
    users_own: Any = DefaultTaskSet
    users_own.get_next_task = _next_task
    users_own.execute_next_task = _execute
    user_class.has_begun = False


def _wait(task_set: Any) -> None:
    """A TaskSet's `wait`, without a sleep of zero: that is a trip through the event loop, a tenth of what a
    request costs, and `Dispatcher.take` makes it where it is needed."""
    user = task_set._user
    seconds = task_set.wait_time()
    if user._state == LOCUST_STATE_STOPPING:
        raise StopUser
    if seconds > 0:
        user._state = LOCUST_STATE_WAITING
        gevent.sleep(seconds)
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser
        user._state = LOCUST_STATE_RUNNING


_draw: Any = DefaultTaskSet.get_next_task


def _next_task(task_set: Any) -> Any:
    """A user's next task, each as likely as by Locust's own draw, at half its cost."""
    tasks = task_set._user.tasks
    return tasks[int(random.random() * len(tasks))] if tasks else _draw(task_set)


def _execute(task_set: Any) -> None:
    """A user's task that is queued, and then one task after another, each drawn when its turn comes.

    Locust's loop takes every task through its queue and five calls. Whatever is not the next task (one that
    says what comes next, fails, or queues another) is left to that loop.
    """
    user, queue = task_set._user, task_set._task_queue
    task = queue.popleft()
    while True:
        if isinstance(task, type):
            task(user).run()
        else:
            task(user)
        if queue:
            return
        task_set.wait()
        task = task_set.get_next_task()


def settle_greenlet(greenlet: Any) -> None:
    """Mark a user's greenlet as outside any arrival, so that its on_start counts as setup."""
    greenlet.arrival = None


def _wrap_all(tasks: list[Any], dispatcher: Dispatcher, seen: set[Any]) -> list[Any]:
    """The tasks wrapped; task sets are changed in place, once."""
    wrapped: dict[Any, Any] = {}
    for task in tasks:
        if not (isinstance(task, type) and issubclass(task, TaskSet)):
            wrapped[task] = _wrap(task, dispatcher)
            continue
        wrapped[task] = task
        if task not in seen:
            seen.add(task)
            if issubclass(task, MarkovTaskSet):
                _wrap_markov(task, dispatcher)
            else:
                task.tasks = _wrap_all(task.tasks, dispatcher, seen)
    return [wrapped[task] for task in tasks]


def _wrap_markov(task_set: Any, dispatcher: Dispatcher) -> None:
    """A Markov chain finds its tasks by name on the class."""
    for name in dir(task_set):
        task = getattr(task_set, name)
        if callable(task) and hasattr(task, "transitions"):
            setattr(task_set, name, _wrap(task, dispatcher))
            if task is task_set.current:
                task_set.current = getattr(task_set, name)


def _wrap(task: Task, dispatcher: Dispatcher) -> Task:
    name = task.__name__

    @functools.wraps(task)
    def iteration(holder: Any) -> None:
        user: Any = holder.user if isinstance(holder, TaskSet) else holder
        greenlet = getcurrent()
        # Locust may stop a user at once only while it waits.
        user.has_begun = True
        user._state = LOCUST_STATE_WAITING
        arrival = dispatcher.take(type(user).__name__)
        if user._state != LOCUST_STATE_STOPPING:
            user._state = LOCUST_STATE_RUNNING
        arrival.task = name
        greenlet.arrival = arrival
        try:
            task(holder)
        except CONTROL_FLOW:
            raise
        except Exception as problem:
            _failed(arrival, problem)
            raise
        finally:
            greenlet.arrival = None
            dispatcher.end(arrival)

    return iteration


def _failed(arrival: Arrival, problem: Exception) -> None:
    """A task that raised: its arrival failed, and it stands for a request unless one has failed."""
    if recorder.active is not None and not arrival.failed:
        text = f"{type(problem).__name__}: {problem}"
        kind = type(problem).__name__
        recorder.active.record(arrival.task, "task", arrival.started, perf_counter(), 0, kind, text)
    arrival.failed = True
