"""Charts: SVG that is drawn here, and the table that says the same to a screen reader.

Nothing in them needs a script or a `style` attribute, so the strictest Content-Security-Policy lets them through.
Colours are classes of the section's style sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

__all__ = ["Bar", "Chart", "ChartLine", "lines", "stacked"]

WIDTH, HEIGHT = 640, 160  # of the plot, in units of the viewBox
LEFT, TOP, BOTTOM = 56, 8, 24  # room for labels
TICKS = 4
LABELS = 6  # below the plot, at most


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
    """A drawn chart, and its numbers as rows of a table: the label, and each series' value in words."""

    id: str
    title: str
    label: str
    series: tuple[ChartLine, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    bars: tuple[Bar, ...] = ()
    y_ticks: tuple[tuple[str, str], ...] = ()
    x_ticks: tuple[tuple[str, str], ...] = ()
    empty: bool = False
    view_box: str = f"0 0 {LEFT + WIDTH} {TOP + HEIGHT + BOTTOM}"
    left: int = LEFT
    right: int = LEFT + WIDTH
    label_y: int = TOP + HEIGHT + BOTTOM - 6


Values = Sequence[float | None]
Series = Sequence[tuple[str, str, Values]]  # name, CSS class, a value for each label


def lines(
    ident: str, title: str, label: str, labels: Sequence[str], series: Series, words: Callable[[float], str]
) -> Chart:
    """A chart with a line for each of `series`. `words` says a value, for the axis and the table."""
    top = _ceiling(max((value for _, _, values in series for value in values if value is not None), default=0.0))
    drawn = tuple(_line(name, css, values, top) for name, css, values in series)
    return _chart(ident, title, label, labels, series, words, top, drawn, ())


def stacked(
    ident: str, title: str, label: str, labels: Sequence[str], series: Series, words: Callable[[float], str]
) -> Chart:
    """A chart with a bar for each label, in which `series` stand one on the other."""
    totals = [sum(values[place] or 0 for _, _, values in series) for place in range(len(labels))]
    top = _ceiling(max(totals, default=0.0))
    bars: list[Bar] = []
    step = WIDTH / max(len(labels), 1)
    for place in range(len(labels)):
        base = 0.0
        for _, css, values in series:
            height = (values[place] or 0) / top * HEIGHT
            if height:
                x, y = LEFT + place * step + step * 0.1, TOP + HEIGHT - base - height
                bars.append(Bar(css, f"{x:.1f}", f"{y:.1f}", f"{step * 0.8:.1f}", f"{height:.1f}"))
            base += height
    drawn = tuple(ChartLine(name, css) for name, css, _ in series)
    return _chart(ident, title, label, labels, series, words, top, drawn, tuple(bars))


def _chart(
    ident: str,
    title: str,
    label: str,
    labels: Sequence[str],
    series: Series,
    words: Callable[[float], str],
    top: float,
    drawn: tuple[ChartLine, ...],
    bars: tuple[Bar, ...],
) -> Chart:
    step = WIDTH / max(len(labels), 1)
    every = max(1, -(-len(labels) // LABELS))
    ticks = [top * place / TICKS for place in range(TICKS + 1)]
    return Chart(
        ident,
        title,
        label,
        drawn,
        tuple(
            (name, tuple("–" if (value := values[place]) is None else words(value) for _, _, values in series))
            for place, name in enumerate(labels)
        ),
        bars,
        y_ticks=tuple((f"{_y(value, top):.1f}", words(value)) for value in ticks),
        x_ticks=tuple(
            (f"{LEFT + (place + 0.5) * step:.1f}", name) for place, name in enumerate(labels) if place % every == 0
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


def _ceiling(value: float) -> float:
    """The lowest of 1, 2, 2.5, 5 and 10 times a power of ten that isn't below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)
