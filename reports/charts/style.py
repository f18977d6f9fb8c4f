"""How every chart looks, and how matplotlib's SVG becomes part of a page.

Charts are drawn with placeholder colours that become CSS variables, so that one drawing serves light and
dark paper; text stays text, in the page's own font. Sizes are CSS pixels: 72 dots per inch make a point one.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK: Final = "#010101"
MUTED: Final = "#020202"
GRID: Final = "#030303"
ACCENT: Final = "#040404"
BAD: Final = "#050505"
BASELINE: Final = "#060606"
WARN: Final = "#070707"
CARD: Final = "#080808"
ORANGE: Final = "#090909"
VIOLET: Final = "#0a0a0a"
GREEN: Final = "#0b0b0b"
GREY: Final = "#0c0c0c"
ON_BAD: Final = "#0d0d0d"

_VARIABLES: Final = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    ACCENT: "accent",
    BAD: "bad",
    BASELINE: "baseline",
    WARN: "warn",
    CARD: "card",
    ORANGE: "orange",
    VIOLET: "violet",
    GREEN: "green",
    GREY: "grey",
    ON_BAD: "on-bad",
}

FONT_PX: Final = 12
CHARACTER_PX: Final = 6.6
"""Width of an average character of that size, generous, as the reader's font is not known."""

_SETTINGS: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "chart",
    "text.parse_math": False,  # an endpoint may be named $x
    "font.size": FONT_PX,
    "text.color": INK,
    "axes.facecolor": "none",
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 1.0,
    "axes.xmargin": 0,
    "grid.color": GRID,
    "grid.linewidth": 1.0,
    "xtick.color": GRID,
    "xtick.labelcolor": MUTED,
    "xtick.major.size": 4,
    "xtick.major.pad": 4,
    "xtick.minor.size": 0,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "ytick.major.pad": 6,
    "ytick.minor.size": 0,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "hatch.linewidth": 1.0,
    "hatch.color": MUTED,
    "figure.facecolor": "none",
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}

_LONG_NUMBER: Final = re.compile(r"-?\d+\.\d{2,}")
_serial: Iterator[int] = itertools.count(1)


@cache
def _figure() -> Figure:
    """The one figure that all charts are drawn on: making and styling a new one costs more than drawing."""
    mpl.rcParams.update(_SETTINGS)  # type: ignore[arg-type]  # the stubs know the names, not a dict of them
    figure = Figure(dpi=72)
    FigureCanvasSVG(figure)
    return figure


def canvas(
    width: float, height: float, left: float, right: float, top: float = 14, bottom: float = 28
) -> tuple[Figure, Axes]:
    """An empty chart of a size in pixels, with these margins around its plot."""
    figure = _figure()
    figure.clear()
    figure.set_size_inches(width / 72, height / 72)
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    axes.spines["bottom"].set_color(GRID)
    return figure, axes


def as_svg(figure: Figure, label: str, css_class: str = "", plot: Axes | None = None) -> str:
    """The drawing as an `<svg>` element for a page: no metadata, no size, no colour and no id of its own.

    Where the page's script reads values off a `plot`, its place and range come along. Text drawn with a gid
    of `halo` gets that class.
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = _body(out.getvalue())
    width, height = (side * 72 for side in figure.get_size_inches())
    extra = f' data-box="{_box_of(plot)}" data-range="{_range_of(plot)}"' if plot is not None else ""
    classes = f' class="{css_class}"' if css_class else ""
    return (
        f'<svg{classes} viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{_attribute(label)}"'
        f"{extra}>{body}</svg>"
    )


def size_px(axes: Axes) -> tuple[float, float]:
    """Width and height of the drawing that a plot is in."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches() * 72
    return float(width), float(height)


def plot_px(axes: Axes) -> tuple[float, float]:
    """Width and height of the plot itself."""
    width, height = size_px(axes)
    place = axes.get_position()
    return place.width * width, place.height * height


def _box_of(axes: Axes) -> str:
    """The plot's left, top, right and bottom in the drawing's pixels."""
    width, height = size_px(axes)
    place = axes.get_position()
    edges = (place.x0 * width, (1 - place.y1) * height, place.x1 * width, (1 - place.y0) * height)
    return " ".join(f"{edge:.1f}" for edge in edges)


def _range_of(axes: Axes) -> str:
    """The values at the plot's left and right edge."""
    return " ".join(f"{value:.6g}" for value in axes.get_xlim())


def _body(svg: str) -> str:
    svg = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", svg, flags=re.S)
    svg = svg.replace("xlink:href", "href").replace('xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    svg = _own_ids(svg)
    svg = re.sub(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]", _variable, svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r"<[^>]*>", lambda tag: _LONG_NUMBER.sub(_rounded, tag[0]), svg)
    svg = re.sub(r"\n\s*", " ", svg).replace("> <", "><")
    return svg.replace("<defs></defs>", "").replace("<g></g>", "")


def _own_ids(svg: str) -> str:
    """Keep only ids that something refers to, and make them unique in a page of many charts."""
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", svg))
    wanted = {one or other for one, other in used}
    prefix = f"c{next(_serial)}-"

    def keep(found: re.Match[str]) -> str:
        if found[1].startswith("halo"):
            return ' class="halo"'
        return f' id="{prefix}{found[1]}"' if found[1] in wanted else ""

    svg = re.sub(r"\sid=\"([^\"]*)\"", keep, svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}", svg)
    return re.sub(r"href=\"#", f'href="#{prefix}', svg)


def _rounded(found: re.Match[str]) -> str:
    value = float(found[0])
    # A pixel's tenth is enough for places; opacities, below 1, need their second digit.
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}".removesuffix(".0")


def _variable(found: re.Match[str]) -> str:
    name = _VARIABLES.get(found[0])
    return f"var(--{name})" if name else found[0]


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def limit_line(axes: Axes, value: float, words: str) -> None:
    """What must not be exceeded: dashed across the plot, its name standing on it."""
    axes.axhline(value, color=BAD, linewidth=1.3, linestyle=(0, (4, 3)))
    if words:
        named = axes.annotate(
            words, (0.01, value), xycoords=axes.get_yaxis_transform(), xytext=(0, 3.5),
            textcoords="offset points", color=BAD, va="bottom",
        )  # fmt: skip
        named.set_gid("halo")


def text(axes: Axes, x: float, y: float, words: str, *, halo: bool = True, **settings: Any) -> Any:
    """Words in data coordinates; with a halo of the paper's colour so that lines behind do not disturb."""
    drawn = axes.text(x, y, words, **settings)
    if halo:
        drawn.set_gid("halo")
    return drawn
