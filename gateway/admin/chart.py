"""Charts as SVG, each with a table of its values for screen readers.

Nothing in them needs a script or a `style` attribute, so the strictest Content-Security-Policy lets them through.
Colours are classes of the section's style sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor, log10

from django.utils.formats import number_format

__all__ = ["Axes", "Bar", "Chart", "ChartLine", "lines", "plain", "segments", "stacked"]

WIDTH, HEIGHT = 400, 140  # of the plot, in units of the viewBox: about pixels, where two charts stand side by side
LEFT, TOP, BOTTOM = 66, 8, 30  # room for labels
LABELS = 4  # below the plot, at most
CEILINGS = ((1, 5), (2, 4), (2.5, 5), (4, 4), (5, 5), (6, 3), (8, 4), (10, 5))  # of the axis, and in how many parts


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One series: its name, the CSS class of its colour, and the points of its lines: a gap ends a line."""

    name: str
    css: str
    paths: tuple[str, ...] = ()
    dots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle."""

    css: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart, and its numbers as rows of a table: the label, its time in ISO 8601 ("" if it is none), and each
    series' value in words."""

    id: str
    title: str
    label: str
    series: tuple[ChartLine, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    bars: tuple[Bar, ...] = ()
    y_ticks: tuple[tuple[str, str], ...] = ()
    x_ticks: tuple[tuple[str, str, str], ...] = ()
    empty: bool = False
    view_box: str = f"0 0 {LEFT + WIDTH} {TOP + HEIGHT + BOTTOM}"
    left: int = LEFT
    right: int = LEFT + WIDTH
    label_y: int = TOP + HEIGHT + BOTTOM - 8


Values = Sequence[float | None]
Series = Sequence[tuple[str, str, Values]]  # name, CSS class, a value for each label
Words = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Axes:
    """What both kinds of charts have: the labels below, with their times if they are times, and how a value is written
    in the table and at the axis."""

    label: str
    labels: Sequence[str]
    words: Words
    tick: Words
    times: Sequence[datetime] = ()

    def time(self, place: int) -> str:
        """The time of a label, in ISO 8601; "" if it is none."""
        return self.times[place].isoformat() if self.times else ""


def lines(ident: str, title: str, axes: Axes, series: Series) -> Chart:
    """A chart with a line for each of `series`."""
    top, parts = _ceiling(max((value for _, _, values in series for value in values if value is not None), default=0.0))
    drawn = tuple(_line(name, css, values, top) for name, css, values in series)
    return _chart(ident, title, axes, series, (top, parts), drawn, ())


def stacked(ident: str, title: str, axes: Axes, series: Series) -> Chart:
    """A chart with a bar for each label, in which `series` stand one on the other."""
    count = len(axes.labels)
    totals = [sum(values[place] or 0 for _, _, values in series) for place in range(count)]
    top, parts = _ceiling(max(totals, default=0.0))
    bars: list[Bar] = []
    step = WIDTH / max(count, 1)
    for place in range(count):
        base = 0.0
        for _, css, values in series:
            height = (values[place] or 0) / top * HEIGHT
            if height:
                x, y = LEFT + place * step + step * 0.1, TOP + HEIGHT - base - height
                bars.append(Bar(css, f"{x:.1f}", f"{y:.1f}", f"{step * 0.8:.1f}", f"{height:.1f}"))
            base += height
    drawn = tuple(ChartLine(name, css) for name, css, _ in series)
    return _chart(ident, title, axes, series, (top, parts), drawn, tuple(bars))


def segments(parts: Sequence[tuple[str, float]]) -> tuple[Bar, ...]:
    """One line that is divided as `parts`, CSS classes and numbers, in units of a thousandth of it."""
    whole, start, bars = sum(number for _, number in parts), 0.0, []
    for css, number in parts:
        if number:
            width = 1000 * number / whole
            bars.append(Bar(css, f"{start:.1f}", "0", f"{width:.1f}", "10"))
            start += width
    return tuple(bars)


def plain(value: float) -> str:
    """A number of an axis, without digits that say nothing."""
    rounded = float(f"{value:.3g}")
    return str(number_format(int(rounded) if rounded.is_integer() else rounded, force_grouping=True))


def _chart(
    ident: str,
    title: str,
    axes: Axes,
    series: Series,
    scale: tuple[float, int],
    drawn: tuple[ChartLine, ...],
    bars: tuple[Bar, ...],
) -> Chart:
    top, parts = scale
    step = WIDTH / max(len(axes.labels), 1)
    every = max(1, -(-len(axes.labels) // LABELS))
    named = [(place, name, axes.time(place)) for place, name in enumerate(axes.labels)]
    return Chart(
        ident,
        title,
        axes.label,
        drawn,
        tuple(
            (name, at, tuple("–" if (one := values[place]) is None else axes.words(one) for _, _, values in series))
            for place, name, at in named
        ),
        bars,
        y_ticks=tuple(
            (f"{_y(value, top):.1f}", axes.tick(value)) for value in (top * part / parts for part in range(parts + 1))
        ),
        x_ticks=tuple(
            (f"{LEFT + (place + 0.5) * step:.1f}", name, at) for place, name, at in named if place % every == 0
        ),
        empty=not bars and not any(line.paths or line.dots for line in drawn),
    )


def _line(name: str, css: str, values: Values, top: float) -> ChartLine:
    step = WIDTH / max(len(values), 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((LEFT + (place + 0.5) * step, _y(value, top)))
    paths = tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in runs if len(run) > 1)
    dots = tuple((f"{run[0][0]:.1f}", f"{run[0][1]:.1f}") for run in runs if len(run) == 1)
    return ChartLine(name, css, paths, dots)


def _y(value: float, top: float) -> float:
    return TOP + HEIGHT - value / top * HEIGHT


def _ceiling(value: float) -> tuple[float, int]:
    """The lowest of CEILINGS times a power of ten that isn't below `value`, and its parts."""
    if value <= 0:
        return 1.0, 5
    power = 10.0 ** floor(log10(value))
    return next((step * power, parts) for step, parts in CEILINGS if step * power >= value)
