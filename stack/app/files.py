"""Attachments: rows in the database, contents on disk. Plain HTTP with ranges (RFC 9110)."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from stack.app.asgi import pieces
from stack.app.context import Context
from stack.app.encoding import dumps
from stack.app.protocol import Answer, TrpcError

MAX_FILE_BYTES = 16 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Attachments:
    """The files below one folder, in a subfolder for each team."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def upload(self, ctx: Context, name: str, receive: Any) -> Answer:
        """Keep a request's body as a file of the asker's team. Raises TrpcError."""
        who = ctx.user
        home = self.folder / str(who.team_id)
        home.mkdir(parents=True, exist_ok=True)
        arriving = home / f"{uuid.uuid4().hex}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with arriving.open("wb") as file:
                async for piece in pieces(receive, MAX_FILE_BYTES):
                    digest.update(piece)
                    size += file.write(piece)
            sql = (
                "INSERT INTO attachments (team_id, user_id, name, bytes, sha256, created_at)"
                " VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP())"
            )
            async with ctx.transaction() as execute:
                args = [who.team_id, who.user_id, name[:200] or "unnamed", size, digest.hexdigest()]
                number = await execute(sql, args)
                arriving.rename(home / str(number))
        finally:
            arriving.unlink(missing_ok=True)
        shown = {"id": number, "teamId": who.team_id, "name": name[:200] or "unnamed", "bytes": size}
        return Answer(201, dumps(shown), headers=[("location", f"/files/{number}")])

    async def download(self, ctx: Context, number: int, headers: dict[bytes, str]) -> Answer:
        """A file of the asker's team, or a part of it. Raises TrpcError NOT_FOUND."""
        sql = "SELECT name, bytes, sha256 FROM attachments WHERE id = %s AND team_id = %s"
        rows = await ctx.read(sql, [number, ctx.user.team_id])
        path = self.folder / str(ctx.user.team_id) / str(number)
        if not rows or not path.is_file():
            raise TrpcError("NOT_FOUND", f"no file {number}")
        size, tag = rows[0]["bytes"], f'"{rows[0]["sha256"][:32]}"'
        common = [("etag", tag), ("accept-ranges", "bytes"), ("cache-control", "private, max-age=3600")]
        if tag in headers.get(b"if-none-match", ""):
            return Answer(304, content_type="", headers=common)
        wanted = headers.get(b"range", "")
        if headers.get(b"if-range", tag) != tag:
            wanted = ""
        span = range_of(wanted, size)
        if span is None:
            return Answer(416, content_type="", headers=[*common, ("content-range", f"bytes */{size}")])
        first, last = span
        common.append(("content-length", str(last - first + 1)))
        if wanted:
            common.append(("content-range", f"bytes {first}-{last}/{size}"))
        body = _read(path, first, last - first + 1)
        return Answer(206 if wanted else 200, b"", "application/octet-stream", common, body)


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header, all where its form is not known; None: not to be had."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end and start < size else None


async def _read(path: Path, first: int, count: int) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while count > 0 and (piece := file.read(min(count, _PIECE_BYTES))):
            count -= len(piece)
            yield piece
