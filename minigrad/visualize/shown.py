"""What notebooks show and files keep: an object with a text, a page and a picture."""

from __future__ import annotations

import os
from typing import Any


class Shown:
    """Base of what can be printed, shown in a notebook and saved. A member has `__str__`, `title`, `html` and `svg`."""

    title: str

    def html(self) -> str:
        """A fragment of HTML, in which all data is escaped text."""
        raise NotImplementedError

    def svg(self) -> str:
        """The picture alone."""
        raise NotImplementedError

    def page(self) -> str:
        """A page of HTML that stands alone."""
        from .page import page

        return page(self.title, [("", self.html())])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page ('.html'), the picture ('.svg') or the text ('.txt') to a file, atomically."""
        from ..saving.atomic import atomic_write

        name = os.fspath(path)
        makers: dict[str, Any] = {".html": self.page, ".svg": self.svg, ".txt": self.__str__}
        make = makers.get(os.path.splitext(name)[1].lower())
        if make is None:
            raise ValueError(f"save: {name!r} ends in none of {', '.join(makers)}")
        text = make()
        with atomic_write(name) as file:
            file.write((text.rstrip("\n") + "\n").encode())

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}
