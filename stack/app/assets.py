"""Static assets: read once, addressed by version, with a strong ETag."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True)
class Asset:
    """A file's contents; `version` is a hash of them."""

    name: str
    body: bytes
    version: str

    @classmethod
    def read(cls, file: Path) -> Asset:
        """A file as an asset."""
        body = file.read_bytes()
        return cls(file.name, body, hashlib.sha256(body).hexdigest()[:16])


ASSETS = {file.name: Asset.read(file) for file in sorted((Path(__file__).parent / "static").iterdir())}


def address(name: str) -> str:
    """Where pages find an asset: another version is another address, so it may be kept for ever."""
    return f"/static/{name}?v={ASSETS[name].version}"


async def serve_asset(request: Request) -> Response:
    """An asset, or 304 where the asker has it."""
    asset = ASSETS.get(request.path_params["name"])
    if asset is None:
        return PlainTextResponse("not found", 404)
    tag = f'"{asset.version}"'
    current = request.query_params.get("v") == asset.version
    kept = "public, max-age=31536000, immutable" if current else "public, max-age=60"
    headers = {"etag": tag, "cache-control": kept}
    asked = request.headers.get("if-none-match", "")
    if asked == "*" or tag in (each.strip().removeprefix("W/") for each in asked.split(",")):
        return Response(status_code=304, headers=headers)
    kind = _TYPES.get(Path(asset.name).suffix, "application/octet-stream")
    return Response(asset.body, media_type=kind, headers=headers)
