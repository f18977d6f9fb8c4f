"""The few pieces of ASGI that the API needs: reading a body, sending an answer, finding the session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from stack.app.protocol import Answer, TrpcError
from stack.app.timing import Timing


def token_of(headers: dict[bytes, str]) -> str:
    """The session: a bearer token, or the cookie that the web instances set; empty without either."""
    authorization = headers.get(b"authorization", "")
    if authorization.startswith("Bearer "):
        return authorization.removeprefix("Bearer ")
    cookies = (piece.strip() for piece in headers.get(b"cookie", "").split(";"))
    return next((piece.removeprefix("session=") for piece in cookies if piece.startswith("session=")), "")


async def pieces(receive: Any, limit_bytes: int) -> AsyncIterator[bytes]:
    """A request's body as it comes. Raises TrpcError where it is too large or breaks off."""
    left = limit_bytes
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TrpcError("BAD_REQUEST", "the body broke off")
        piece = message.get("body", b"")
        left -= len(piece)
        if left < 0:
            raise TrpcError("PAYLOAD_TOO_LARGE", f"more than {limit_bytes} bytes")
        yield piece
        if not message.get("more_body"):
            return


async def read_body(receive: Any, limit_bytes: int) -> bytes:
    """A request's whole body. Raises as `pieces`."""
    return b"".join([piece async for piece in pieces(receive, limit_bytes)])


async def send_answer(send: Any, answer: Answer, timing: Timing | None = None) -> None:
    """Send an answer, in pieces where it is a stream; `timing` becomes its Server-Timing."""
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    if answer.content_type:
        headers.append((b"content-type", answer.content_type.encode()))
    if timing:
        headers.append((b"server-timing", timing.header().encode()))
    if answer.stream is None and answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is not None:
        async for piece in answer.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body})
