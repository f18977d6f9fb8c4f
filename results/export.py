"""A run for other tools: a table as CSV, and a log that HdrHistogram's own tools read."""

from __future__ import annotations

import base64
import csv
import io
import re
import struct
import zlib
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from results.histogram import BUCKETS, Histogram
from results.interval import Interval
from results.run import Run

CSV_COLUMNS = (
    "second", "span_s", "endpoint", "kind", "setup", "requests", "failed", "bytes", "response_mean_us",
    "response_p50_us", "response_p95_us", "response_p99_us", "response_max_us", "service_p50_us",
    "service_p99_us",
)  # fmt: skip
_ENCODING, _COMPRESSED = 0x1C849313, 0x1C849314
_DIGITS = 2
"""Significant digits as HdrHistogram says it: 128 buckets an octave, the very buckets of a Histogram."""
_HIGHEST_US = 2 ** (BUCKETS // 128 + 6) - 1


def csv_lines(run: Run) -> Iterator[str]:
    """A row for each second and endpoint, over all generators; latencies in us. Begins with the heads."""
    yield _row(CSV_COLUMNS)
    for second, pieces in groupby(run.intervals(), key=lambda interval: interval.second):
        for piece in _by_endpoint(pieces):
            p50, p95, p99 = piece.response.quantiles_us([0.5, 0.95, 0.99]).tolist()
            served = piece.service.quantiles_us([0.5, 0.99]).tolist()
            latencies = [piece.response.mean_us, p50, p95, p99, piece.response.max_us, *served]
            yield _row(
                (
                    *(second, piece.span_s, piece.endpoint.name, piece.endpoint.kind),
                    *(int(piece.endpoint.setup), piece.count, piece.failed, piece.bytes_received),
                    *("" if np.isnan(value) else f"{value:.0f}" for value in latencies),
                )
            )


def hdr_log(run: Run) -> Iterator[str]:
    """Response times in us as an HdrHistogram log (format 1.3), setup requests left out.

    A line without a tag for each second over all endpoints, which is what the tools read by themselves, and
    one for each endpoint, tagged with its name (characters that a tag may not have become `_`).
    """
    began_s = run.started_at.timestamp()
    yield "#[Histogram log format version 1.3]\n"
    yield f"#[Response times in microseconds of run {run.id}]\n"
    yield f"#[StartTime: {began_s:.3f} (seconds since epoch), {run.started_at:%a %b %d %H:%M:%S %Z %Y}]\n"
    yield '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    for second, pieces in groupby(run.intervals(), key=lambda interval: interval.second):
        merged = [piece for piece in _by_endpoint(pieces) if not piece.endpoint.setup and piece.count]
        if not merged:
            continue
        span_s = max(piece.span_s for piece in merged)
        yield _hdr_line("", second, span_s, Histogram.merged(piece.response for piece in merged))
        for piece in merged:
            tag = re.sub(r"[,\s]", "_", piece.endpoint.name)
            yield _hdr_line(f"Tag={tag},", second, span_s, piece.response)


def hdr_payload(histogram: Histogram) -> str:
    """A histogram in HdrHistogram's compressed encoding V2, as base64."""
    body = _zigzag_counts(histogram)
    plain = struct.pack(">iiiiqqd", _ENCODING, len(body), 0, _DIGITS, 1, _HIGHEST_US, 1.0) + body
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">ii", _COMPRESSED, len(packed)) + packed).decode("ascii")


def _by_endpoint(pieces: Iterator[Interval]) -> list[Interval]:
    """The pieces of one second added up by endpoint."""
    found: dict[object, Interval] = {}
    for piece in pieces:
        seen = found.get(piece.endpoint)
        if seen is None:
            found[piece.endpoint] = piece
            continue
        seen.service = seen.service + piece.service
        seen.response = seen.response + piece.response
        seen.failed += piece.failed
        seen.bytes_received += piece.bytes_received
    return list(found.values())


def _row(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def _hdr_line(tag: str, second: int, span_s: int, histogram: Histogram) -> str:
    payload = hdr_payload(histogram)
    return f"{tag}{second:.3f},{span_s:.3f},{histogram.max_us / 1e3:.3f},{payload}\n"


def _zigzag_counts(histogram: Histogram) -> bytes:
    """Counts up to the last used bucket as zigzag LEB128; n empty buckets in a row as the number -n."""
    out = bytearray()
    at = 0
    for bucket in np.flatnonzero(histogram.counts).tolist():
        if bucket > at:
            _put(out, at - bucket)
        _put(out, int(histogram.counts[bucket]))
        at = bucket + 1
    return bytes(out)


def _put(out: bytearray, value: int) -> None:
    rest = (value << 1) ^ (value >> 63)
    while rest >= 0x80:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
