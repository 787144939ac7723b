"""The page and the chart follow from recorded results alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import peers
import pytest
from suite.frameworks import FRAMEWORKS
from suite.report import as_text, chart, judge, page, ratios, spread
from suite.workloads import WORKLOADS, Aim

DOCS = Path(__file__).resolve().parents[2] / "docs"


def cell(*microseconds, stray=None):
    return {"microseconds": list(microseconds), "losses": [0.75, 0.5], "stray": stray}


ROW = {
    "minigrad": cell(10.0, 20.0, 12.0),
    "minigrad-numpy": cell(30.0, 30.0, 30.0),
    "floor": {"microseconds": [9.0, 18.0, 6.0], "losses": None, "stray": None},
    "torch": cell(1000.0, 1200.0, 1100.0),
    "jax": cell(20.0, 40.0, 25.0),
    "keras-tensorflow": cell(2500.0, 2400.0, 2600.0, stray="its loss falls by 2, that of the others by 1"),
}
RESULTS = {
    "load": 0.1,
    "machine": {"processor": "a processor", "cores": 8, "threads": 2, "system": "Linux"},
    "versions": {"Python": "3.11.7", "NumPy": "2.4.6"},
    "steps": {
        "mlp-small": {"date": "2031-01-02", "frameworks": ROW},
        "predict": {"date": "2031-01-03", "frameworks": {"minigrad": cell(150.0), "keras-jax": cell(450.0)}},
    },
    "first": {"mlp-small": {"minigrad": [3.0, 2.5, 2.6], "minigrad-warm": [0.2, 0.1, 0.1], "torch": [0.03]}},
}


def lines_with(text, start):
    return [line for line in text.splitlines() if line.startswith(f"| {start}")]


def test_ratios_compare_round_by_round():
    assert ratios(ROW, "jax", "minigrad") == pytest.approx((2.0, 2.0, 2.04), abs=0.05)
    assert spread([5.0]) == (5.0, 5.0, 5.0)


def test_the_summary_has_medians_and_marks():
    (row, *_) = lines_with(page(RESULTS), WORKLOADS["mlp-small"].title)
    assert row == f"| {WORKLOADS['mlp-small'].title} | 12.0 | 30.0 | 9.0 | 1,100 | 25.0 | – | 2,500† |"
    assert "† trains something else. Keras on TensorFlow on *MLP 16-64-32-2, batch 32*: its loss falls" in page(RESULTS)


def test_aims_are_told_reached_or_not():
    assert judge(ROW, Aim("jax")) == ("minigrad: at least as fast as JAX jit by hand", "2.00 times as fast", True)
    assert judge(ROW, Aim("jax", 2.5))[2] is False
    assert judge(ROW, Aim("floor", 1 / 1.1)) == ("minigrad: within 1.1 times the floor", "1.11 times the floor", False)
    assert judge(ROW, Aim("keras-jax", 2))[1:] == ("–", None)
    assert judge(ROW, Aim(limit=100))[1:] == ("12.0 µs", True)
    told = [line.rpartition("|")[0] for line in lines_with(page(RESULTS), WORKLOADS["mlp-small"].title)]
    assert any(line.endswith("kernel cache empty | 2.60 s | no ") for line in told)
    assert any(line.endswith("kernel cache filled | 0.10 s | yes ") for line in told)


def test_every_aim_names_frameworks_that_take_part():
    for workload in WORKLOADS.values():
        for aim in workload.aims:
            for name in {aim.by, aim.over} - {""}:
                assert FRAMEWORKS[name].suits(workload)
                assert not workload.only or name in workload.only


def test_the_page_says_when_where_and_with_what():
    text = page(RESULTS)
    assert "Measured 2031-01-02 to 2031-01-03 on Linux, processor a processor, 8 cores; 2 threads" in text
    assert "Python 3.11.7, NumPy 2.4.6." in text
    assert "$" not in text
    assert "minigrad, kernel cache filled | 0.100 |" in text


def test_the_page_warns_of_numbers_from_a_busy_machine():
    assert "Other programs used the cores" not in page(RESULTS)
    assert "Other programs used the cores meanwhile (load 3.2)" in page({**RESULTS, "load": 3.2})


def test_a_run_without_numba_is_compared_with_numpy_alone():
    results = {**RESULTS, "steps": {"mlp-small": {"date": "2031-01-02", "frameworks": dict(list(ROW.items())[1:])}}}
    assert "| JAX jit by hand | 25.0 | 22.5 to 32.5 | 0.83 | 0.75 to 1.08 |" in page(results)


def test_the_chart_has_a_dot_for_each_ratio():
    svg = ElementTree.fromstring(chart(RESULTS))
    space = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f".//{space}circle")) == 6
    hovers = {title.text for title in svg.iter(f"{space}title")}
    assert {"PyTorch: 91.67", "JAX jit by hand: 2.00", "Keras on JAX: 3.00"} <= hovers


def test_the_terminal_gets_a_line_for_each_framework():
    assert len(as_text(ROW).splitlines()) == 1 + len(ROW)


def test_the_page_can_be_made_again_without_measuring(tmp_path, monkeypatch):
    (tmp_path / "benchmarks.json").write_text(json.dumps(RESULTS))
    monkeypatch.setattr(sys, "argv", ["peers.py", "--report", "--folder", str(tmp_path)])
    peers.main()
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == page(RESULTS)
    assert (tmp_path / "benchmarks.svg").read_text(encoding="utf-8") == chart(RESULTS)


def test_rows_of_another_machine_are_not_mixed(tmp_path):
    (tmp_path / "benchmarks.json").write_text(json.dumps(RESULTS))
    assert peers.earlier(tmp_path / "benchmarks.json", RESULTS) == RESULTS
    with pytest.raises(SystemExit, match="other versions"):
        peers.earlier(tmp_path / "benchmarks.json", {**RESULTS, "versions": {"Python": "3.12.0"}})


def test_the_page_in_docs_is_the_one_of_the_recorded_results():
    recorded = json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))
    assert (DOCS / "benchmarks.md").read_text(encoding="utf-8") == page(recorded)
    assert (DOCS / "benchmarks.svg").read_text(encoding="utf-8") == chart(recorded)
