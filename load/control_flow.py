"""What a task raises to say what comes next: no failure of it, nor of the request it was about to judge."""

from __future__ import annotations

from typing import Final

from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

CONTROL_FLOW: Final = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser, StopTest)
