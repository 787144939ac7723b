"""Large embedding tables: `python benchmarks/large_tables.py [steps|memory|limit|beyond FOLDER|write]`.

steps: microseconds a training step against the rows of the table. memory: 10 million x 64 in memory, trained and saved.
limit: a table and slots larger than the memory that the process may have. beyond: the same, larger than the machine's
memory; it needs room in FOLDER. write: the chart and the numbers in docs/large-tables.md from what was recorded.

Each measurement runs in a process of its own; what it finds is added to docs/large-tables.json.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from math import log10
from pathlib import Path
from textwrap import fill
from time import perf_counter
from typing import Any

import numpy as np

DOCS = Path(__file__).resolve().parents[1] / "docs"
RECORD, CHART, PAGE = DOCS / "large-tables.json", DOCS / "large-tables.svg", DOCS / "large-tables.md"
WIDTH, BATCH, TIME = 64, 256, 50
SIZES = [10**4, 3 * 10**4, 10**5, 3 * 10**5, 10**6, 3 * 10**6, 10**7]
SERIES = {
    "numba": {"jit_compile": True},
    "numpy": {"jit_compile": False},
    "zipf": {"jit_compile": True, "zipf": True},
    "dense": {"jit_compile": True, "rows": "dense"},
}
TITLES = {
    "dense": "all rows at each step",
    "numpy": "NumPy alone",
    "numba": "Numba",
    "zipf": "Numba, Zipf ids",
    "touch": "touching the rows alone",
}
LARGEST_DENSE = 10**6
ROUNDS = 5
MILLION = 10**6


# -- in a process of its own ------------------------------------------------------------------------------------------


def make(size: int, jit_compile: bool = True, storage: str | None = None, optimizer: Any = None, **options: Any) -> Any:
    """A model that embeds, takes the mean over time and one output; and its Embedding."""
    import minigrad as mg
    from minigrad.layers import Dense, Embedding, GlobalAveragePooling1D, Input

    embedding = Embedding(size, WIDTH, storage=storage)
    x = Input((TIME,), dtype="int32")
    model = mg.Model(x, Dense(1)(GlobalAveragePooling1D()(embedding(x))))
    model.compile(optimizer or mg.optimizers.Adam(0.001, **options), "mse", jit_compile=jit_compile)
    return model, embedding


def batches(rows: int, count: int, zipf: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rows + count)
    shape = count * BATCH, TIME
    if zipf:
        ids = (np.exp(rng.uniform(0, np.log(rows), shape)) - 1).astype(np.int32)  # density 1 / rank
    else:
        ids = rng.integers(0, rows, shape, dtype=np.int32)
    return ids, rng.normal(size=(len(ids), 1)).astype(np.float32)


def step_time(rows: int, name: str) -> float:
    """Microseconds a step, the median of some rounds, once rows lag behind as they do in the middle of a training."""
    options = dict(SERIES[name])
    zipf = options.pop("zipf", False)
    model, _ = make(rows, **options)
    count = 6 if name == "dense" and rows > 10**5 else 60
    x, y = batches(rows, count, zipf)
    model.fit(x, y, batch_size=BATCH, verbose=0)
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        times.append((perf_counter() - began) / count * 1e6)
    return sorted(times)[ROUNDS // 2]


def touch_time(rows: int) -> float:
    """Microseconds to read and write the rows of a batch in a table and two slots: what memory alone costs."""
    from minigrad.program import jit

    text = """
def touch(ids, w, m, v):
    for k in range(ids.size):
        row = ids[k]
        for j in range(w.shape[1]):
            w[row, j] += 1
            m[row, j] += 1
            v[row, j] += 1
"""
    touch, arrays = jit.compiled(text, "touch"), [np.ones((rows, WIDTH), np.float32) for _ in range(3)]
    rng = np.random.default_rng(0)
    ids = [rng.permutation(np.unique(part)) for part in np.split(batches(rows, 60)[0], 60)]
    times = []
    for _ in range(ROUNDS + 1):
        began = perf_counter()
        for part in ids:
            touch(part, *arrays)
        times.append((perf_counter() - began) / len(ids) * 1e6)
    return sorted(times[1:])[ROUNDS // 2]


def in_memory(rows: int, steps: int, folder: str, jit: bool) -> dict[str, Any]:
    """Time and memory of each stage of a large table's life."""
    told: dict[str, Any] = {"rows": rows, "table": rows * WIDTH * 4, "steps": steps}
    clock = Clock(told)
    model, embedding = make(rows, jit_compile=jit)
    clock("build")
    x, y = batches(rows, steps)
    model.fit(x, y, batch_size=BATCH, verbose=0)
    clock("train")
    embedding.embeddings.flush()
    clock("settle")
    path = os.path.join(folder, "model.safetensors")
    model.save_weights(path)
    clock("save")
    model.load_weights(path)
    clock("load")
    return told


def in_file(rows: int, steps: int, folder: str, limit: int | None, stored: bool, kind: str) -> dict[str, Any]:
    """The same for a table in a file, in a process that may have so much memory of its own (RLIMIT_DATA)."""
    if limit:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    told: dict[str, Any] = {"rows": rows, "table": rows * WIDTH * 4, "steps": steps, "limit": limit, "optimizer": kind}
    clock = Clock(told)
    path = os.path.join(folder, "table.npy") if stored else None
    try:
        model, embedding = make(rows, storage=path, optimizer=kind)
        clock("build")
        x, y = batches(rows, steps)
        losses = model.fit(x, y, batch_size=BATCH, verbose=0, epochs=2).history["loss"]
        told["losses"] = losses
        clock("train")
        embedding.embeddings.close()
        clock("close")
    except MemoryError as error:
        told["error"] = str(error)
    told["files"] = sum(f.stat().st_size for f in Path(folder).iterdir())
    return told


class Clock:
    """Notes the seconds since it was last asked, and the memory of this process."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told, self.began = told, perf_counter()

    def __call__(self, stage: str) -> None:
        seconds = perf_counter() - self.began
        self.told[stage] = {"seconds": round(seconds, 2), **memory()}
        self.began = perf_counter()


def memory() -> dict[str, int]:
    """Bytes of the process: its own (RssAnon), of files (RssFile), and the most that both were (VmHWM); Linux."""
    status = Path("/proc/self/status").read_text()
    return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 for name in ("RssAnon", "RssFile", "VmHWM")}


WORK = {"step_time": step_time, "touch_time": touch_time, "in_memory": in_memory, "in_file": in_file}


def apart(function: str, **arguments: Any) -> Any:
    """What a function of WORK returns in a process of its own."""
    command = [sys.executable, __file__, "--work", function, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# -- the commands -----------------------------------------------------------------------------------------------------


def steps() -> dict[str, Any]:
    found: dict[str, dict[str, float]] = {"touch": {str(n): apart("touch_time", rows=n) for n in SIZES}}
    for name in SERIES:
        for rows in SIZES:
            if name != "dense" or rows <= LARGEST_DENSE:
                found.setdefault(name, {})[str(rows)] = apart("step_time", rows=rows, name=name)
                print(f"{name:8} {rows:>12,} rows {found[name][str(rows)]:>12,.0f} us a step", flush=True)
    return found


def memory_of_training() -> dict[str, Any]:
    found = {}
    for name, jit in {"numba": True, "numpy": False}.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = apart("in_memory", rows=10 * MILLION, steps=800, folder=folder, jit=jit)
        print(name, json.dumps(found[name], indent=1), flush=True)
    return found


def limit() -> dict[str, Any]:
    found = {}
    for name, stored in {"in memory": False, "in a file": True}.items():
        with tempfile.TemporaryDirectory() as folder:
            arguments = {"rows": 10 * MILLION, "steps": 50, "limit": 10**9, "stored": stored, "kind": "adam"}
            found[name] = apart("in_file", folder=folder, **arguments)
        print(name, json.dumps(found[name], indent=1), flush=True)
    return found


def beyond(folder: str) -> dict[str, Any]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    rows = int(1.1 * pages / (WIDTH * 4)) // MILLION * MILLION
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        arguments = {"rows": rows, "steps": 50, "limit": 2 * 10**9, "stored": True, "kind": "rmsprop"}
        found = {"machine": pages, **apart("in_file", folder=inside, **arguments)}
    print(json.dumps(found, indent=1), flush=True)
    return found


def chart(found: dict[str, dict[str, float]]) -> str:
    """SVG text: the time of a step against the rows, both logarithmic."""
    from minigrad.visualize.axes import Frame
    from minigrad.visualize.charts import COLOURS
    from minigrad.visualize.svg import FAINT_INK, RULE, Element, text
    from minigrad.visualize.svg import straight_path as path

    times = [t for series in found.values() for t in series.values()]
    low, high = log10(min(times)) - 0.15, log10(max(times)) + 0.15
    frame = Frame((3.9, 7.1), (low, high), 620.0, 340.0)
    draw = frame.shapes.append
    for tick in [k * 10**e for e in range(2, 7) for k in (1, 2, 5)]:
        if low <= log10(tick) <= high:
            y = frame.at(4, log10(tick))[1]
            draw(Element("line", x1=0, x2=frame.width, y1=y, y2=y, stroke=RULE, stroke_width=0.8))
            draw(text(f"{tick / 1000:g} ms", -8, y + 4, 11, "end", fill=FAINT_INK))
    frame.left = 62.0
    for e in range(4, 8):
        x = frame.at(e, low)[0]
        draw(Element("line", x1=x, x2=x, y1=frame.height, y2=frame.height + 4, stroke=FAINT_INK))
        draw(text(f"{10**e:,}", x, frame.height + 18, 11, "middle", fill=FAINT_INK))
    draw(text("rows of the table", frame.width / 2, frame.height + 38, 12, "middle"))
    frame.below += 20
    colours = dict(zip(TITLES, COLOURS))
    frame.legend([(colours[name], TITLES[name]) for name in TITLES if name in found])
    for name in TITLES:
        dots = [frame.at(log10(int(rows)), log10(t)) for rows, t in found.get(name, {}).items()]
        draw(Element("path", d=path(dots), fill="none", stroke=colours[name], stroke_width=2))
        for (x, y), t in zip(dots, found.get(name, {}).values()):
            draw(Element("circle", Element("title", f"{t:,.0f} µs"), cx=x, cy=y, r=3.5, fill=colours[name]))
    return frame.finish(f"A training step: Adam, width {WIDTH}, {BATCH} x {TIME} ids", [])


# -- docs/large-tables.md ---------------------------------------------------------------------------------------------


def page(text: str, record: dict[str, Any]) -> str:
    """The page with what was recorded, between its marks."""
    for name, tell in {"steps": tell_steps, "memory": tell_memory, "limit": tell_limit, "beyond": tell_beyond}.items():
        if name in record:
            before, mark, rest = text.partition(f"<!-- {name} -->\n")
            _, end, after = rest.partition("<!-- end -->")
            text = before + mark + tell(record[name]) + end + after
    return text


def tell_steps(found: dict[str, dict[str, float]]) -> str:
    names = [name for name in TITLES if name in found]
    rows = []
    for size in SIZES:
        times = [found[name].get(str(size)) for name in names]
        rows.append([f"{size:,}", *("" if t is None else f"{t / 1000:.1f}" for t in times)])
    return paragraph(
        f"Milliseconds a step: Adam, width {WIDTH}, batches of {BATCH} x {TIME} ids, uniform ones (or by Zipf's law),",
        "mean over time, one output; medians on two cores that were not idle otherwise.",
    ) + table(["rows", *map(TITLES.__getitem__, names)], rows)


def tell_memory(found: dict[str, dict[str, Any]]) -> str:
    one = found["numba"]
    stages = {"build": "build", "train": f"train {one['steps']} steps", "settle": "bring all rows up to date"}
    stages |= {"save": "`save_weights`", "load": "`load_weights`"}
    rows = []
    for stage, title in stages.items():
        seconds = [f"{found[name][stage]['seconds']:.1f}" for name in ("numba", "numpy")]
        rows.append([title, *seconds, gigabytes(one[stage]["RssAnon"])])
    return paragraph(
        f"{one['rows']:,} rows of {WIDTH}, {gigabytes(one['table'])}, trained with Adam, which has two slots: in all",
        f"{gigabytes(3 * one['table'])}. The memory is the process's own, without mapped files.",
    ) + table(["", "seconds, Numba", "seconds, NumPy alone", "memory"], rows)


def tell_limit(found: dict[str, dict[str, Any]]) -> str:
    stored, plain = found["in a file"], found["in memory"]
    return paragraph(
        f"Shown on {stored['rows']:,} rows of {WIDTH} with Adam, {gigabytes(stored['files'])} of files, in a process",
        f"that may have {gigabytes(stored['limit'])} of memory of its own (Linux's RLIMIT_DATA, which does not count",
        f"mapped files): it was filled in {stored['build']['seconds']:.0f} s, trained {2 * stored['steps']} steps",
        f"in {stored['train']['seconds']:.0f} s and closed in {stored['close']['seconds']:.0f} s, and the process had",
        f"{gigabytes(stored['close']['RssAnon'])} of its own. Without `storage` it ends with",
        f"`MemoryError: {plain['error']}`.",
    )


def tell_beyond(found: dict[str, Any]) -> str:
    return paragraph(
        f"That was measured, too: {found['rows']:,} rows of {WIDTH}, {gigabytes(found['table'])}, with RMSprop's slot",
        f"{gigabytes(found['files'])} of files (with zeros that take no room), on a",
        f"machine with {gigabytes(found['machine'])} of memory.",
        f"Filled in {found['build']['seconds']:.0f} s, trained {2 * found['steps']} steps in",
        f"{found['train']['seconds']:.0f} s, closed in {found['close']['seconds']:.0f} s; the process had",
        f"{gigabytes(found['close']['RssAnon'])} of its own.",
    )


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def paragraph(*parts: str) -> str:
    return fill(" ".join(parts), 120, break_on_hyphens=False) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(command: str, *words: str) -> None:
    if command == "--work":
        print(json.dumps(WORK[words[0]](**json.loads(words[1]))))
        return
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    commands = {"steps": steps, "memory": memory_of_training, "limit": limit, "beyond": beyond}
    if command != "write":
        record[command] = commands[command](*words)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    if "steps" in record:
        CHART.write_text(chart(record["steps"]), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["steps"]))
