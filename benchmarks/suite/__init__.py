"""The benchmark suite against other frameworks; `benchmarks/peers.py` is its command.

`workloads` says what is trained, the `with_*` modules train it in one framework each, `worker` does so in a process
of its own, `runner` takes turns with the workers, `report` writes what came out.
"""

import sys
from pathlib import Path

# The minigrad of this checkout is measured, whether or not another one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
