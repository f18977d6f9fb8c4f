"""Answers that no server should give: an error of a named kind, never a hang, counted exactly once."""

import time
from typing import Any

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load.failure import Failure
from load.http_client.cookies import CookieJar
from load.http_client.session import Options, Session
from tests.load.scripted import CLOSE, RESET, answer, client_for, failure_kind, scripted

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = [b"x" * 65536] * 40

HOSTILE: dict[str, tuple[list[Any], str]] = {
    "closed without a byte": ([CLOSE], "closed early"),
    "reset without a byte": ([RESET], "reset"),
    "truncated in the headers": ([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], "closed early"),
    "truncated body": ([OK + b"Content-Length: 10\r\n\r\nhello", CLOSE], "closed early"),
    "reset in the body": ([OK + b"Content-Length: 10\r\n\r\nhello", 0.02, RESET], "reset"),
    "truncated chunks": ([CHUNKED + b"5\r\nhel", CLOSE], "closed early"),
    "no last chunk": ([CHUNKED + b"2\r\nok\r\n", CLOSE], "closed early"),
    "chunk size that is none": ([CHUNKED + b"xyz\r\nok\r\n0\r\n\r\n"], "protocol"),
    "negative chunk size": ([CHUNKED + b"-2\r\nok\r\n0\r\n\r\n"], "protocol"),
    "chunk size beyond 64 bits": ([CHUNKED + b"fffffffffffffffff\r\n"], "protocol"),
    "chunk longer than its size": ([CHUNKED + b"2\r\nokok\r\n0\r\n\r\n"], "protocol"),
    "two lengths": ([OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"], "protocol"),
    "length and chunked": ([OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok"], "protocol"),
    "negative length": ([OK + b"Content-Length: -1\r\n\r\n"], "protocol"),
    "length beyond 64 bits": ([OK + b"Content-Length: 99999999999999999999\r\n\r\n"], "protocol"),
    "not HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n"], "protocol"),
    "another version": ([b"HTTP/3.7 200 OK\r\n\r\n"], "protocol"),
    "line feeds only": ([b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"], "protocol"),
    "a header without a colon": ([OK + b"Nonsense\r\n\r\n"], "protocol"),
    "NUL in a header": ([OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n"], "protocol"),
    "a protocol nobody asked for": (
        [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc"],
        "protocol",
    ),
    "a second answer": ([answer() + answer(b"smuggled")], "protocol"),
    "the beginning of a second answer": ([answer() + b"HTTP/1.1 2"], "protocol"),
    "garbage after the answer": ([answer() + b"garbage"], "protocol"),
    "garbage after a closing answer": ([answer(Connection="close") + b"garbage"], "protocol"),
    "headers without end": ([OK, *([b"X-Filler: " + b"x" * 8000 + b"\r\n"] * 20)], "too large"),
    "one header line without end": ([OK + b"X: ", *([b"x" * 8000] * 20)], "too large"),
    "interim answers without end": ([b"HTTP/1.1 100 Continue\r\n\r\n" * 4000] * 2, "too large"),
    "a body without end": ([OK + b"\r\n", *ENDLESS], "too large"),
    "chunks without end": ([CHUNKED, *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 40], "too large"),
    "a length over the limit": ([OK + b"Content-Length: 2000000\r\n\r\n", *ENDLESS], "too large"),
    "a gzip body that is none": ([answer(b"plain", Content_Encoding="gzip")], "protocol"),
    "a coding nobody asked for": ([answer(b"x", Content_Encoding="br")], "protocol"),
    "headers drop by drop": ([step for byte in OK for step in (bytes([byte]), 0.05)], "timeout"),
    "silence": ([30], "timeout"),
    "silence in the body": ([OK + b"Content-Length: 10\r\n\r\nhello", 30], "timeout"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_answer_is_an_error_of_a_named_kind(case: str) -> None:
    steps, kind = HOSTILE[case]
    patience_s = 0.3 if kind == "timeout" else 5.0
    with scripted(steps) as server, gevent.Timeout(20):
        client, counted = client_for(server, max_response_bytes=1_000_000, timeout_s=patience_s)
        response = client.get("/x")
        assert (response.status_code, response.ok, response.content) == (0, False, None)
        assert failure_kind(response) == kind
        assert [said["exception"] for said in counted] == [response.error]


@pytest.mark.parametrize("case", [name for name, (_, kind) in HOSTILE.items() if kind != "timeout"])
def test_the_next_request_is_not_harmed(case: str) -> None:
    steps, _ = HOSTILE[case]
    with scripted(lambda number: steps if number == 0 else [answer(b"fine")]) as server, gevent.Timeout(20):
        client, counted = client_for(server, max_response_bytes=1_000_000)
        client.get("/x")
        second = client.get("/y")
        assert second.content == b"fine"
        assert len(counted) == 2
        # Only where the framing was in order may the connection be used again.
        assert server.connections == (1 if "gzip" in case or "coding" in case else 2)


def test_a_zip_bomb_stops_at_the_limit() -> None:
    import gzip

    body = gzip.compress(b"\0" * 5_000_000)
    with scripted(answer(body, Content_Encoding="gzip")) as server:
        client, _ = client_for(server, max_response_bytes=1_000_000)
        assert failure_kind(client.get("/")) == "too large"


def test_an_answer_sent_between_requests_is_nobodys() -> None:
    def script(number: int) -> list[object]:
        return [answer(b"first"), 0.05, answer(b"smuggled"), 5] if number == 0 else [answer(b"second")]

    with scripted(script) as server:
        client, counted = client_for(server)
        assert client.get("/1").content == b"first"
        gevent.sleep(0.2)
        assert client.get("/2").content == b"second"
        assert server.connections == 2
        assert [said["exception"] for said in counted] == [None, None]


def test_a_timeout_is_kept_to() -> None:
    with scripted(
        [OK + b"Content-Length: 1000\r\n\r\n", *[step for _ in range(100) for step in (b"x", 0.02)]]
    ) as server:
        client, _ = client_for(server, timeout_s=0.3)
        began = time.perf_counter()
        response = client.get("/")
        took_s = time.perf_counter() - began
        assert failure_kind(response) == "timeout"
        assert took_s >= 0.299
        assert response.response_time_us == pytest.approx(took_s * 1e6, rel=0.05)


WHOLE = [
    (answer(b"hello"), b"hello"),
    (CHUNKED + b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n", b"hello world"),
    (CHUNKED + b"5\r\nhello\r\n0\r\nServer-Timing: db;dur=1\r\n\r\n", b"hello"),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer(b"x"), b"x"),
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_where_packets_end_makes_no_difference(case: tuple[bytes, bytes], data: st.DataObject) -> None:
    raw, body = case
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=5)))
    pieces = [raw[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    steps = [step for piece in pieces for step in (piece, 0)]
    with scripted(steps) as server, gevent.Timeout(20):
        client, counted = client_for(server)
        for _ in range(2):
            assert client.get("/").content == body
        assert server.connections == 1
        assert [said["exception"] for said in counted] == [None, None]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bytes_at_random_end_in_an_answer_or_a_named_error(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(WHOLE))[0]
    at = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(at, len(whole)))
    raw = whole[:at] + data.draw(st.binary(max_size=40)) + whole[cut:]
    with scripted([raw, CLOSE] if raw else [CLOSE]) as server, gevent.Timeout(20):
        client, counted = client_for(server, timeout_s=2.0)
        response = client.get("/")
        kinds = {"closed early", "protocol", "too large", "reset"}
        kind = failure_kind(response)
        assert response.ok or kind in kinds or str(kind).startswith("status ")
        assert len(counted) == 1


NOWHERE = [
    b"http://[x",
    b"//[",
    b"http://a.test:99999/",
    b"http://a.test:x/",
    b"http://\xff\xfe.test/",
    b"http://" + "\u2100.test/".encode(),
    b"http://" + "\u00e9".encode() * 64 + b".test/",
    b"http://" + b"a" * 64 + b".test/",
    b"http://a..test/",
    b"http://.test/",
    b"https:///path",
    b"ftp://a.test/",
    b"javascript:alert(1)",
]


@pytest.mark.parametrize("location", NOWHERE)
def test_a_redirect_to_what_is_no_address_fails_under_the_requests_own_name(location: bytes) -> None:
    found = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    with scripted(found) as server, gevent.Timeout(20):
        client, counted = client_for(server, allow_redirects=True)
        response = client.get("/x", name="mine")
        assert (response.status_code, failure_kind(response)) == (0, "request")
        assert [(said["name"], said["exception"]) for said in counted] == [("mine", response.error)]


REFERENCES = st.builds(
    lambda begin, rest: begin + rest,
    st.sampled_from(["", "/", "//", "http:", "http://", "https://", "http://[", "http://a.test:"]),
    st.text(max_size=80) | st.text(alphabet="[]:/@.%?#a-\u00df\ufffd", max_size=80),
)


@settings(max_examples=500, deadline=None)
@given(REFERENCES)
def test_wherever_a_server_points_it_is_an_address_or_a_named_error(reference: str) -> None:
    try:
        origin, target = Session(Options()).locate(reference, "http://a.test/b?c")
    except Failure:
        return
    assert target.startswith("/")
    assert origin.host.encode("idna") == origin.host.encode("ascii"), "a resolver takes it"


@pytest.mark.parametrize("max_age", ["--5", "-", "5.0", "+5", "1e9", "\u0665", "9" * 400])
def test_a_lifetime_that_is_none_harms_no_request(max_age: str) -> None:
    raw = OK + f"Content-Length: 0\r\nSet-Cookie: a=1; Max-Age={max_age}\r\n\r\n".encode()
    with scripted(raw) as server, gevent.Timeout(20):
        client, counted = client_for(server)
        assert client.get("/x").ok
        assert client.cookies.get("a") == "1"
        assert [said["exception"] for said in counted] == [None]


LIFETIMES = st.text(max_size=30) | st.text(alphabet="-+.0123456789", max_size=30)
DATES = st.text(max_size=40) | st.text(alphabet="Mon, 01Jan209:GMT+-/", max_size=40)


@settings(max_examples=500, deadline=None)
@given(LIFETIMES, DATES)
def test_whatever_a_server_says_of_a_cookie_s_end_it_is_kept_or_not(max_age: str, expires: str) -> None:
    jar = CookieJar(clock=lambda: 1e9)
    jar.store_lines(f"a=1; Expires={expires}; Max-Age={max_age}".encode(), "a.test", "/", False)
    assert jar.get("a") in ("1", None)


@pytest.mark.parametrize("charset", ["undefined", "idna", "hex", "unicode_escape", "no-such"])
def test_a_charset_that_is_none_leaves_text_that_can_be_read(charset: str) -> None:
    with scripted(answer(b"hello", Content_Type=f"text/plain; charset={charset}")) as server:
        client, _ = client_for(server)
        assert client.get("/").text == "hello"
