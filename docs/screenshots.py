"""The README's screenshots, of what the main job leaves: `python docs/screenshots.py`. Needs Chromium.

It runs the tour in a temporary folder, opens the page that walks through a training step, and writes docs/step.png.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from minigrad.tour import run

DOCS = Path(__file__).resolve().parent
STEP = 28  # the event that the page shows: a product of matrices, on the way back
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def screenshot(browser: str, address: str, picture: Path, width: int, height: int) -> None:
    """Open a page without a window and write what it shows."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={picture}", address,
            ],
            check=True, capture_output=True,
        )  # fmt: skip


def main() -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"docs/screenshots.py needs one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as out:
        run("weather", out)
        screenshot(browser, (Path(out) / "step.html").as_uri() + f"#{STEP}", DOCS / "step.png", 1300, 800)


if __name__ == "__main__":
    main()
