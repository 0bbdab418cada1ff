"""Growth curves as small SVG files that come out the same from the same figures."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen before)
from matplotlib.ticker import FuncFormatter  # noqa: E402

# Between black and white, so that it reads on both.
INK = "#6e7781"
COLORS = ["#2f81f7", "#d4642a", "#3f9142", "#a371f7"]
OURS, GUARDED, UNGUARDED = "tracectl", "C guarded", "C unguarded"

STYLE = {
    "svg.hashsalt": "tracectl", "svg.fonttype": "none", "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "sans-serif"],
    "font.size": 10, "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": INK, "grid.alpha": 0.25,
    "legend.frameon": False, "figure.figsize": (6.0, 3.4), "lines.linewidth": 2,
}


def draw(figures, folder):
    """Draws what the run measured into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        append(figures, folder)
        waiting = {"waiting": "in turns", "waiting-scattered": "scattered"}
        sizes(figures, folder / "waiting.svg", waiting, "traces waiting", "µs an allocation")
        opening = {"open": "open and recover"}
        sizes(figures, folder / "open.svg", opening, "events in the log", "ms")
        completion(figures, folder)


def points(figures, by, scenario):
    """Size and value of each case that is named by a size."""
    return sorted(
        (figures.number(case) or 1, value)
        for case, value in figures.cases(by, scenario).items()
        if figures.number(case) or case == "one by one")


def short(value, _=None):
    """1000 as 1k, a million as 1M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def save(figure, path):
    for axes in figure.axes:
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(short))
        if axes.get_xscale() == "log":
            axes.xaxis.set_major_formatter(FuncFormatter(short))
    figure.tight_layout()
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def append(figures, folder):
    figure, axes = plt.subplots()
    for color, by in zip(COLORS, (OURS, GUARDED, UNGUARDED)):
        line = points(figures, by, "append")
        if not line:
            continue
        axes.plot(*zip(*line), marker="o", markersize=4, color=color, label=by)
    if not axes.lines:
        plt.close(figure)
        return
    axes.set(xscale="log", yscale="log", xlabel="events a transaction", ylabel="events/s")
    axes.legend()
    save(figure, folder / "append.svg")


def sizes(figures, path, scenarios, x, y):
    """One line for each scenario, over the size that its cases are named by."""
    figure, axes = plt.subplots()
    most = 0
    for color, (scenario, label) in zip(COLORS, scenarios.items()):
        line = points(figures, OURS, scenario)
        if len(line) < 2:
            continue
        axes.plot(*zip(*line), marker="o", markersize=4, color=color, label=label)
        most = max(most, *(value for _, value in line))
    if not axes.lines:
        plt.close(figure)
        return
    axes.set(xscale="log", xlabel=x, ylabel=y, ylim=(0, 1.2 * most))
    axes.legend()
    save(figure, path)


def completion(figures, folder):
    cases = figures.cases(OURS, "completion")
    names = [name for name in ("in process", "1 worker", "2 workers", "4 workers") if name in cases]
    if not names:
        return
    figure, axes = plt.subplots()
    axes.bar(names, [cases[name] for name in names], color=COLORS[0], width=0.6)
    peer = figures.values.get(("huey", "completion", "jobs"))
    if peer:
        axes.axhline(peer, color=COLORS[1], linewidth=1.5, label="huey")
        axes.legend()
    axes.set(ylabel="traces/s")
    axes.grid(axis="x", visible=False)
    save(figure, folder / "completion.svg")
