"""Log-linear latency histograms: exact to merge, small to store, at most 0.4% wrong in any quantile.

128 buckets an octave in whole microseconds, the layout of HdrHistogram with 7 sub-bucket bits: below
128 us a bucket is one microsecond wide; above, its width is 1/128 of the power of two below it. A value
is reported as the middle of its bucket, so the relative error is at most 1/256 = 0.39%.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

SUB_BUCKETS: Final = 128
BUCKETS: Final = 4096
"""Covers up to 2**38 us (76 hours); longer values fall into the last bucket."""

_SHIFT: Final = SUB_BUCKETS.bit_length()  # bits of the first value that no longer has a bucket of its own


def buckets_of(values_us: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The buckets that hold values in microseconds, shape (n,) to shape (n,); negative values count as 0."""
    values = np.maximum(np.asarray(values_us, dtype=np.float64), 0).astype(np.int64)
    exponent = np.maximum(np.frexp(values.astype(np.float64))[1].astype(np.int64) - _SHIFT, 0)
    found: npt.NDArray[np.int64] = np.minimum(exponent * SUB_BUCKETS + (values >> exponent), BUCKETS - 1)
    return found


def _bounds() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    index = np.arange(BUCKETS, dtype=np.int64)
    exponent = np.maximum(index // SUB_BUCKETS - 1, 0)
    low = (index - exponent * SUB_BUCKETS) << exponent
    width = np.left_shift(np.ones_like(exponent), exponent)
    return low.astype(np.float64), width.astype(np.float64)


bucket_low_us, bucket_width_us = _bounds()
bucket_mid_us = bucket_low_us + (bucket_width_us - 1) / 2
"""The value that stands for a bucket, in microseconds, shape (BUCKETS,)."""


class Histogram:
    """Counts of latencies by bucket. Histograms add; percentiles are taken from the sum, never averaged."""

    __slots__ = ("counts",)

    def __init__(self, counts: Counts | None = None) -> None:
        self.counts: Counts = np.zeros(BUCKETS, dtype=np.int64) if counts is None else counts

    @classmethod
    def from_values_us(cls, values_us: npt.ArrayLike) -> Histogram:
        """A histogram of an array of latencies in microseconds, shape (n,)."""
        return cls.from_buckets(buckets_of(values_us))

    @classmethod
    def from_buckets(cls, buckets: npt.NDArray[np.int64]) -> Histogram:
        """A histogram of bucket numbers, shape (n,)."""
        return cls(np.bincount(buckets, minlength=BUCKETS).astype(np.int64, copy=False))

    @classmethod
    def merged(cls, histograms: Iterable[Histogram]) -> Histogram:
        """The sum of any number of histograms; the empty histogram for none."""
        total = cls()
        for histogram in histograms:
            total.counts += histogram.counts
        return total

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(self.counts + other.counts)

    def __iadd__(self, other: Histogram) -> Histogram:
        self.counts += other.counts
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and bool(np.array_equal(self.counts, other.counts))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, p50={self.quantile_us(0.5):.0f} us, max={self.max_us:.0f} us)"

    def copy(self) -> Histogram:
        """An independent histogram with the same counts."""
        return Histogram(self.counts.copy())

    @property
    def count(self) -> int:
        """How many latencies were recorded."""
        return int(self.counts.sum())

    def quantile_us(self, q: float) -> float:
        """The smallest latency that a share `q` of all does not exceed, in us; nan if empty."""
        return float(self.quantiles_us([q])[0])

    def quantiles_us(self, qs: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """`quantile_us` for several shares at once, shape (n,) to shape (n,)."""
        shares = np.asarray(qs, dtype=np.float64)
        cumulative = np.cumsum(self.counts)
        total = int(cumulative[-1])
        if total == 0:
            return np.full(shares.shape, np.nan)
        # The small allowance keeps 0.99 * 100 (98.99999999999999) from asking for one rank too many.
        rank = np.clip(np.ceil(shares * total - 1e-9), 1, total)
        return bucket_mid_us[np.searchsorted(cumulative, rank)]

    @property
    def mean_us(self) -> float:
        """The mean latency in us, from the buckets' middles; nan if empty."""
        total = self.count
        return float(self.counts @ bucket_mid_us) / total if total else float("nan")

    @property
    def max_us(self) -> float:
        """The largest recorded latency's bucket middle, in us; nan if empty."""
        used = np.flatnonzero(self.counts)
        return float(bucket_mid_us[used[-1]]) if used.size else float("nan")

    def fraction_above(self, limit_us: float) -> float:
        """The share of latencies over a limit in us (buckets whose middle exceeds it); nan if empty."""
        total = self.count
        if not total:
            return float("nan")
        return float(self.counts[np.searchsorted(bucket_mid_us, limit_us, side="right") :].sum()) / total

    def to_bytes(self) -> bytes:
        """A compact form: gaps between used buckets, then their counts, as varints, deflated."""
        used = np.flatnonzero(self.counts)
        gaps = np.diff(used, prepend=-1) - 1
        body = _encode_varints(np.concatenate(([used.size], gaps, self.counts[used])).astype(np.uint64))
        return zlib.compress(body, 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Histogram:
        """The histogram that `to_bytes` wrote. Raises ValueError on damaged data."""
        return cls.all_from_bytes([data])[0]

    @classmethod
    def all_from_bytes(cls, stored: Sequence[bytes]) -> list[Histogram]:
        """`from_bytes` for many at once, several times faster each. Raises ValueError on damaged data."""
        try:
            return [cls(counts) for counts in _decode([zlib.decompress(data) for data in stored])]
        except (zlib.error, IndexError, ValueError) as damage:
            raise ValueError(f"not a stored histogram: {damage}") from damage


def _decode(bodies: Sequence[bytes]) -> Iterator[Counts]:
    """Counts by bucket of each body: how many buckets are used, the gaps before them, their counts."""
    if not bodies:
        return
    joined = b"".join(bodies)
    numbers = _decode_varints(joined).astype(np.int64)
    ends = np.cumsum([len(body) for body in bodies])
    is_last = np.frombuffer(joined, dtype=np.uint8) < 0x80
    if not is_last[ends - 1].all():
        raise ValueError("truncated")
    stops = np.cumsum(is_last)[ends - 1].tolist()
    steps = np.cumsum(numbers + 1)
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        size = int(numbers[start])
        if stop - start != 2 * size + 1:
            raise ValueError("truncated")
        counts = np.zeros(BUCKETS, dtype=np.int64)
        middle = start + 1 + size
        counts[steps[start + 1 : middle] - (steps[start] + 1)] = numbers[middle:stop]
        yield counts


def _encode_varints(numbers: npt.NDArray[np.uint64]) -> bytes:
    """LEB128: seven bits a byte, the high bit says that more follow."""
    out = bytearray()
    for number in numbers.tolist():
        rest = number
        while rest >= 0x80:
            out.append((rest & 0x7F) | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


FEW = 16


def _joined(raw: npt.NDArray[np.uint8], continued: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Varints of which fewer than one in 16 bytes has a successor, as in most: joined one by one."""
    numbers = raw.astype(np.uint64)
    for at in continued[::-1].tolist():
        numbers[at] = (int(numbers[at]) & 0x7F) | (int(numbers[at + 1]) << 7)
    kept = np.ones(raw.size, dtype=np.bool_)
    kept[continued + 1] = False
    return numbers[kept]


def _decode_varints(data: bytes) -> npt.NDArray[np.uint64]:
    """The inverse of `_encode_varints`, without a Python loop over bytes: reports read 1e5 of these."""
    raw = np.frombuffer(data, dtype=np.uint8)
    if raw.size == 0 or raw[-1] >= 0x80:
        raise ValueError("truncated")
    continued = np.flatnonzero(raw >= 0x80)
    if continued.size * FEW < raw.size:
        return _joined(raw, continued)
    last = np.flatnonzero(raw < 0x80)
    first = np.concatenate(([0], last[:-1] + 1))
    place = np.arange(raw.size) - np.repeat(first, last - first + 1)
    parts = (raw & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.asarray(np.add.reduceat(parts, first), dtype=np.uint64)
