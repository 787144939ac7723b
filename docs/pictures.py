"""Make the pictures of a guide again, by running its code in this folder: `python docs/pictures.py embedding.md`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

if __name__ == "__main__":
    page = Path(__file__).with_name(sys.argv[1] if len(sys.argv) > 1 else "embedding.md")
    os.chdir(page.parent)
    sys.path.insert(0, str(page.parents[1]))
    namespace: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(compile(code, page.name, "exec"), namespace)  # noqa: S102 (a page of our own)
