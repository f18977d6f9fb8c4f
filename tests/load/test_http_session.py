"""What a user's client remembers from answer to answer: where they lead, cookies, credentials, a cache."""

from load.http_client import HttpClient, Options
from tests.load.scripted import answer, client_for, failure_kind, scripted


def test_redirects_are_followed_on_request() -> None:
    def script(number: int) -> list[bytes]:
        if number == 0:
            return [answer(b"", status="302 Found", Location="../next?x=1", Set_Cookie="seen=1; Path=/")]
        return [answer(b"there")]

    with scripted(script) as server:
        client, counted = client_for(server)
        response = client.post("/a/b", data=b"body", allow_redirects=True)
        assert response.content == b"there"
        assert [hop.status_code for hop in response.history] == [302]
        assert response.url == f"{server.url}/next?x=1"
        assert server.requests[1].startswith(b"GET /next?x=1 HTTP/1.1")
        assert b"Cookie: seen=1" in server.requests[1]
        assert len(counted) == 1


def test_redirects_are_left_alone_otherwise_and_end_somewhere() -> None:
    with scripted(answer(b"", status="302 Found", Location="/again")) as server:
        client, counted = client_for(server, max_redirects=3)
        assert client.get("/").status_code == 302
        assert failure_kind(client.get("/", allow_redirects=True)) == "redirects"
        assert len(server.requests) == 5
        assert len(counted) == 2


def test_credentials_stay_with_their_origin() -> None:
    with scripted(answer()) as other:
        away = answer(b"", status="307 Temporary Redirect", Location=f"{other.url}/x")
        with scripted(away) as server:
            client = HttpClient(
                server.url.replace("http://", "http://me:secret@"), Options(allow_redirects=True)
            )
            client.post("/", data=b"kept")
        assert b"Authorization" in server.requests[0]
        assert b"Authorization" not in other.requests[0]
        assert other.requests[0].endswith(b"kept")


def test_browser_cache_spares_requests_and_asks_with_conditions() -> None:
    def script(number: int) -> list[bytes]:
        if b"If-None-Match" in server.requests[number]:
            return [b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n']
        if b"/fresh" in server.requests[number]:
            return [answer(b"style", Cache_Control="public, max-age=600", ETag='"f"')]
        if b" /private" in server.requests[number]:
            return [answer(b"mine", Cache_Control="no-store", ETag='"p"')]
        return [answer(b"page", ETag='"a"')]

    with scripted(script) as server:
        client, counted = client_for(server, browser_cache=True)
        for _ in range(3):
            assert client.get("/page").content == b"page"
            assert client.get("/fresh.css").content == b"style"
        assert client.get("/page").status_code == 200
        assert client.get("/fresh.css", cache=False).from_cache is False
        assert client.get("/private").content == b"mine"  # never kept, so no miss either
        counts = client.cache.counts if client.cache else None
        assert counts is not None
        assert (counts.missed, counts.revalidated, counts.fresh) == (2, 3, 2)
        assert counts.bytes_saved == 3 * len(b"page") + 2 * len(b"style")
        assert len(counted) == len(server.requests) == 7
