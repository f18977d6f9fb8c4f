"""Files up and down in three sizes, whole and in ranges; every byte that comes back is checked."""

import random

from locust import task

from scenarios.product import ApiMember

SIZES = {"4 KiB": 4 << 10, "256 KiB": 256 << 10, "4 MiB": 4 << 20}
MIX = (70, 25, 5)
RANGE_BYTES = 2048
PATTERN = bytes(range(251))
"""Repeated it makes every file, so what belongs at any place of any file is known."""


def content(first: int, count: int) -> bytes:
    """The bytes of a file from a place on."""
    offset = first % len(PATTERN)
    return (PATTERN * (count // len(PATTERN) + 2))[offset : offset + count]


class FileUser(ApiMember):
    def on_start(self) -> None:
        super().on_start()
        self.files: dict[str, int] = {}

    def any_file(self) -> tuple[str, int]:
        """Size class and number of a file; of each class the first is uploaded when it is first wanted."""
        size = random.choices(list(SIZES), MIX)[0]
        if size not in self.files:
            self.upload(size)
        return size, self.files.get(size, 0)

    def upload(self, size: str) -> None:
        with self.client.post(
            f"/files?name=of-{SIZES[size]}-bytes",
            data=content(0, SIZES[size]),
            headers=self.api.headers,
            name=f"POST /files [{size}]",
            kind="file",
            catch_response=True,
        ) as answer:
            if answer.status_code == 201 and answer.json()["bytes"] == SIZES[size]:
                self.files[size] = answer.json()["id"]
            else:
                answer.failure(f"status {answer.status_code} for {SIZES[size]} bytes")

    def download(self, number: int, name: str, first: int, count: int, is_part: bool) -> None:
        """Get a stretch of a file, and hold it against what was sent."""
        asked = {"Range": f"bytes={first}-{first + count - 1}"} if is_part else {}
        with self.client.get(
            f"/files/{number}",
            headers={**self.api.headers, **asked},
            name=name,
            kind="file",
            catch_response=True,
        ) as answer:
            if answer.status_code != (206 if is_part else 200):
                answer.failure(f"status {answer.status_code}")
            elif answer.content != content(first, count):
                answer.failure(f"not the {count} bytes that were sent")

    @task(1)
    def upload_any(self) -> None:
        self.upload(random.choices(list(SIZES), MIX)[0])

    @task(6)
    def download_whole(self) -> None:
        size, number = self.any_file()
        self.download(number, f"GET /files/[id] [{size}]", 0, SIZES[size], False)

    @task(3)
    def download_part(self) -> None:
        size, number = self.any_file()
        first = random.randrange(SIZES[size] - RANGE_BYTES)
        self.download(number, f"GET /files/[id], part [{size}]", first, RANGE_BYTES, True)
