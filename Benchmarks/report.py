"""Sets the figures of a run beside their floors and peers: table, JSON and growth curves."""

import argparse
import json
import os
import pathlib
import platform
import sqlite3
import statistics

import charts
from qualities import ROWS

OURS = "tracectl"
# Commits a second below which waiting for the disk hides what the programs do.
SLOW_DISK = 2000
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class Figures:
    """Medians of a run's lines by (by, scenario, case)."""

    def __init__(self, lines):
        self.all, self.units = {}, {}
        for line in lines:
            key = (line["by"], line["scenario"], line["case"])
            self.all.setdefault(key, []).append(line["value"])
            self.units[key] = line["unit"]
        self.values = {key: statistics.median(values) for key, values in self.all.items()}
        self.choose("completion", "best", lambda cases: max(cases, key=cases.get))
        for scenario in ("waiting", "waiting-scattered"):
            self.choose(scenario, "most", lambda cases: max(cases, key=self.number))

    def choose(self, scenario, name, pick):
        """Gives one of the scenario's cases a second name."""
        cases = self.cases(OURS, scenario)
        if cases:
            chosen = (OURS, scenario, pick(cases))
            self.values[OURS, scenario, name] = self.values[chosen]
            self.units[OURS, scenario, name] = self.units[chosen]

    def cases(self, by, scenario):
        return {key[2]: value for key, value in self.values.items() if key[:2] == (by, scenario)}

    def ratio(self, key, beside, divisor):
        """The median of the rounds' ratios, so that a slow round counts on both sides."""
        ours, theirs = self.all.get(key, []), self.all.get(beside, [])
        if len(ours) != len(theirs) or not ours:
            return self.values[key] / (self.values[beside] / divisor)
        return statistics.median(a / (b / divisor) for a, b in zip(ours, theirs) if b)

    @staticmethod
    def number(case):
        """The size that a case is named by."""
        digits = [word for word in case.split() if word.isdigit()]
        return int(digits[0]) if digits else 0


def shown(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def judged(row, figures):
    """A row's measured value, the value it stands beside, their ratio, and whether it will do."""
    key = (OURS, *row.value)
    value = figures.values.get(key)
    if value is None:
        return None
    beside = figures.values.get(row.beside) if row.beside else None
    beside = beside / row.divisor if beside is not None else None
    ratio = figures.ratio(key, row.beside, row.divisor) if beside else None
    reached = None
    weighed = ratio if row.of_ratio else value
    if row.limit is not None and weighed is not None:
        reached = weighed <= row.limit if row.at_most else weighed >= row.limit
    return {
        "quality": row.quality, "value": value, "unit": figures.units[key],
        "beside": " ".join(row.beside[i] for i in (0, 2)) if beside is not None else "",
        "beside_value": beside, "ratio": ratio, "limit": row.limit,
        "limit_is": ("ratio " if row.of_ratio else "") + ("at most" if row.at_most else "at least"),
        "reached": reached,
    }


def cells(row):
    said = {True: "yes", False: "no", None: ""}[row["reached"]]
    limit = f"{row['limit_is']} {shown(row['limit'])}" if row["limit"] is not None else ""
    return [
        row["quality"], f"{shown(row['value'])} {row['unit']}", row["beside"],
        shown(row["beside_value"]), f"{row['ratio']:.2f}" if row["ratio"] is not None else "",
        limit, said,
    ]


HEADER = ["quality", "measured", "beside", "that is", "ratio", "to reach", "reached"]


def aligned(rows):
    table = [HEADER] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADER))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
        for line in table)


def markdown(rows):
    lines = [HEADER, ["---"] * len(HEADER)] + [cells(row) for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine():
    return {
        "cores": os.cpu_count(), "system": platform.platform(), "python_sqlite":
        sqlite3.sqlite_version,
    }


def refresh(page, rows):
    """Puts the table between the page's markers."""
    text = page.read_text()
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    page.write_text(f"{head}{BEGIN}\n\n{markdown(rows)}\n\n{END}{tail}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--charts", type=pathlib.Path, required=True)
    parser.add_argument("--page", type=pathlib.Path, help="a page whose table is to be refreshed")
    parser.add_argument("--whole", action="store_true", help="name what was not measured")
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.lines.read_text().splitlines() if line]
    figures = Figures(lines)
    rows = [row for row in (judged(row, figures) for row in ROWS) if row]
    missing = [row.quality for row in ROWS
               if row.limit is not None and (OURS, *row.value) not in figures.values]
    given.results.write_text(
        json.dumps({"machine": machine(), "rows": rows, "lines": lines}, indent=1) + "\n")
    charts.draw(figures, given.charts)
    if given.page:
        refresh(given.page, rows)
    print(aligned(rows))
    commits = figures.values.get(("C guarded", "append", "one by one"))
    if commits is not None and commits < SLOW_DISK:
        print(f"\nthe disk is slow now: C commits {commits:.0f} times a second; ratios that a sync"
              " bounds say little")
    weighed = [row["reached"] for row in rows if row["reached"] is not None]
    print(f"\n{sum(weighed)} of {len(weighed)} figures reached", end="")
    print("; not measured: " + "; ".join(missing) if given.whole and missing else "")


main()
