"""minigrad against other frameworks: `python benchmarks/peers.py`.

Needs an environment of its own, apart from the one minigrad is developed in, for the peers are large:

    python -m venv peers
    peers/bin/python -m pip install -r benchmarks/peers.txt
    peers/bin/python benchmarks/peers.py

A run of everything takes about half an hour and writes docs/benchmarks.json, .md and .svg. With --workloads or
--frameworks it only prints; --write then replaces the rows of these workloads. --report makes page and chart anew from
the recorded results.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from suite.frameworks import FRAMEWORKS
from suite.report import BUSY, as_text, first_as_text, write_page
from suite.runner import available, load, measure, measure_first_steps, say, surroundings, taking_part
from suite.workloads import BY_DEFAULT, WORKLOADS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> None:
    options = arguments()
    recorded = options.folder / "benchmarks.json"
    if options.report:
        write_page(json.loads(recorded.read_text(encoding="utf-8")), options.folder)
        return
    everything = not (options.workloads or options.frameworks or options.first_steps)
    results: dict[str, Any] = {**surroundings(), "steps": {}, "first": {}}
    if options.write and not everything and recorded.exists():
        results = earlier(recorded, results)
    results["load"] = max(load(), results.get("load", 0.0))
    if results["load"] > BUSY:
        say(f"The machine is busy (load {results['load']}): do not trust these times, PyTorch's least of all.")
    installed = available(options.frameworks or FRAMEWORKS)

    def keep() -> None:
        if options.write or everything:
            recorded.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            write_page(results, options.folder)

    for name in options.workloads or ([] if options.first_steps else BY_DEFAULT):
        say(f"\n{WORKLOADS[name].title}")
        chosen = taking_part(name, installed, bool(options.frameworks))
        row = measure(name, chosen, options.rounds, options.seconds)
        results["steps"][name] = {"date": date.today().isoformat(), "frameworks": row}
        say(as_text(row))
        keep()
    if options.first_steps or not options.workloads:
        say("\nSeconds from fit to the first finished step")
        results["first"] = measure_first_steps(installed, min(options.rounds, 3))
        for name, first in results["first"].items():
            say(f"{WORKLOADS[name].title}\n{first_as_text(first)}")
        keep()


def earlier(recorded: Path, now: dict[str, Any]) -> dict[str, Any]:
    """The recorded results, if they can stand beside new ones: same machine, same versions."""
    before = json.loads(recorded.read_text(encoding="utf-8"))
    for what in ("machine", "versions"):
        if before[what] != now[what]:
            raise SystemExit(f"{recorded.name} has other {what} than now, so measure everything (without a selection)")
    return before


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, metavar="NAME", help=" ".join(WORKLOADS))
    parser.add_argument("--frameworks", nargs="+", choices=FRAMEWORKS, metavar="NAME", help=" ".join(FRAMEWORKS))
    parser.add_argument("--first-steps", action="store_true", help="only the time from fit to the first step")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each framework (default 7)")
    parser.add_argument("--seconds", type=float, default=0.5, help="at least so long a turn (default 0.5)")
    parser.add_argument("--write", action="store_true", help="write the results of a selection, too")
    parser.add_argument("--report", action="store_true", help="measure nothing, make the page from recorded results")
    parser.add_argument("--folder", type=Path, default=DOCS, help="where results and page are (default docs)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
