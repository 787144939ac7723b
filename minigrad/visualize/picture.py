"""A picture: a `graphviz.Digraph` that always draws, with Graphviz's own programs or without them.

Engines in turn: the system's `dot`, the program of the package graphviz-pure (pip install graphviz-pure), and the
layout in this room, which needs nothing and makes SVG.
"""

from __future__ import annotations

import os
from typing import Any

import graphviz  # noqa: TID253 (this module is itself imported late)

from ..errors import unknown
from . import dot
from .drawing import Drawing
from .engines import missing, pointed_to, program_found, pure_program, system_dot
from .folding import collapsed
from .graph import draw
from .mermaid import mermaid
from .outline import outline
from .svg import escape

ENGINES = ("auto", "dot", "pure", "builtin")
RASTER = ("png", "jpg", "jpeg")
MOST = 58_000  # bytes of what a notebook is given


class Picture(graphviz.Digraph):  # type: ignore[misc]
    """A drawing as a Digraph: `source`, `render`, `pipe` and the rest work as in the graphviz package.

    Made by `picture_of`. Where no program of Graphviz is found, SVG comes from the built-in layout. In notebooks it
    shows itself. `svg()`, `mermaid()`, `str(picture)` and `to_file(path)` give its other forms.
    """

    drawing: Drawing | None = None
    drawn = ""  # the DOT text of the drawing, to tell whether somebody added to it since
    dpi: int | None = None

    def pipe(
        self,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = False,
        *,
        engine: str | None = None,
        encoding: str | None = None,
    ) -> Any:
        """The picture as bytes, or with an `encoding` as text. RuntimeError if no engine makes that format."""
        kind = format or self.format
        program = program_found(kind)
        if program is None and self.can_draw and kind == "svg" and engine in (None, "dot"):
            text = self.builtin()
            return text if encoding else text.encode()
        if program is None and self.can_draw:
            raise RuntimeError(missing(kind))
        with pointed_to(program) as pure:
            return super().pipe(
                format=format, renderer=renderer, formatter=formatter, neato_no_op=neato_no_op, quiet=quiet or pure,
                engine=engine, encoding=encoding,
            )  # fmt: skip

    def render(
        self,
        filename: Any = None,
        directory: Any = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = False,
        quiet_view: bool = False,
        *,
        outfile: Any = None,
        engine: str | None = None,
        raise_if_result_exists: bool = False,
        overwrite_source: bool = False,
    ) -> str:
        """Save the source and the picture beside it, as graphviz does; the picture's path."""
        ending = os.path.splitext(os.fspath(outfile))[1][1:].lower() if outfile is not None else ""
        kind = format or ending or self.format
        program = program_found(kind)
        if program is None and self.can_draw:
            if kind != "svg":
                raise RuntimeError(missing(kind))
            return self._render_builtin(filename, directory, outfile, view, cleanup, raise_if_result_exists)
        with pointed_to(program) as pure:
            return super().render(
                filename=filename, directory=directory, view=view, cleanup=cleanup, format=format, renderer=renderer,
                formatter=formatter, neato_no_op=neato_no_op, quiet=quiet or pure, quiet_view=quiet_view,
                outfile=outfile, engine=engine, raise_if_result_exists=raise_if_result_exists,
                overwrite_source=overwrite_source,
            )  # fmt: skip

    def _render_builtin(
        self, filename: Any, directory: Any, outfile: Any, view: bool, cleanup: bool, must_be_new: bool
    ) -> str:
        if outfile is not None:
            target = os.fspath(outfile)
            source = os.path.splitext(target)[0] + ".gv"
            self.save(filename=source)
        else:
            source = self.save(filename=filename, directory=directory)
            target = f"{source}.svg"
        if must_be_new and os.path.exists(target):
            raise graphviz.FileExistsError(f"output file exists: {target!r}")
        write(target, self.builtin().encode())
        if cleanup:
            os.remove(source)
        if view:
            self._view(target, format="svg", quiet=True)
        return target

    def copy(self) -> Picture:
        """A copy with the same drawing."""
        twin: Picture = super().copy()
        twin.drawing, twin.drawn, twin.dpi = self.drawing, self.drawn, self.dpi
        return twin

    @property
    def can_draw(self) -> bool:
        """Whether the built-in layout can draw it: not if nodes were added to the Digraph by hand."""
        return self.drawing is not None and self.drawn == "".join(self.body)

    # -- other forms ----------------------------------------------------------------------------------------------

    def builtin(self) -> str:
        """The SVG of the built-in layout, the same text every time. ValueError if the Digraph was changed by hand."""
        if self.drawing is None or not self.can_draw:
            raise ValueError(
                "this Digraph was built or changed by hand, which only Graphviz can draw: install it, or graphviz-pure "
                "(pip install graphviz-pure)"
            )
        return draw(self.drawing)

    def svg(self, engine: str = "auto") -> str:
        """The SVG. engine: 'auto' (the first there is), 'dot', 'pure' (graphviz-pure) or 'builtin'."""
        if engine not in ENGINES:
            raise unknown("engine", engine, ENGINES)
        if engine == "builtin":
            return self.builtin()
        if engine == "auto":
            text = self.pipe("svg", encoding="utf-8")
        else:
            program = system_dot() if engine == "dot" else pure_program()
            if program is None:
                raise RuntimeError(f"engine={engine!r}: no such program found; engine='builtin' needs none")
            with pointed_to(program):
                text = super().pipe(format="svg", quiet=True, encoding="utf-8")
        return text[max(0, text.find("<svg")) :]

    def mermaid(self) -> str:
        """The Mermaid text. ValueError for a Digraph that is not from a drawing."""
        return mermaid(self._drawing())

    def __str__(self) -> str:
        return outline(self.drawing) if self.drawing is not None else self.source

    def _drawing(self) -> Drawing:
        if self.drawing is None:
            raise ValueError("this Digraph was built by hand; only its DOT text is known")
        return self.drawing

    def to_file(self, path: Any) -> str:
        """Write it to a file by its ending: .svg, .png, .jpg, .pdf, .dot, .gv, .mmd (Mermaid), .txt, .html.

        Where no engine makes that format (PNG and PDF need Graphviz or graphviz-pure), the SVG is written beside it,
        with a warning. Returns the path of what was written.
        """
        name = os.fspath(path)
        stem, ending = os.path.splitext(name)
        kind = ending[1:].lower()
        if not kind:
            raise ValueError(f"to_file: {name!r} has no ending that says what to write, such as .svg, .png or .txt")
        texts = {"dot": lambda: self.source, "gv": lambda: self.source, "mmd": self.mermaid, "html": self.page}
        texts |= {"txt": lambda: f"{self}\n", "svg": self.svg}
        if kind in texts:
            return write(name, texts[kind]().encode())
        if kind not in (*RASTER, "pdf", "ps", "json", "plain"):
            raise unknown("ending of a picture's file", kind, [*texts, "png", "pdf", "jpg"])
        if program_found(kind) is None and self.can_draw:
            import warnings

            from ..models.programs import callers_level

            beside = write(f"{stem}.svg", self.svg().encode())
            warnings.warn(f"wrote {beside}: {missing(kind)}", stacklevel=callers_level())
            return beside
        if self.dpi and kind in RASTER:
            twin = self.copy()
            twin.graph_attr["dpi"] = str(self.dpi)
            return write(name, twin.pipe(kind))
        return write(name, self.pipe(kind))

    # -- in notebooks and pages -------------------------------------------------------------------------------------

    def html(self) -> str:
        """A fragment of HTML: the picture, and the same as text for readers without pictures."""
        svg = self.svg()
        text = escape(cut(str(self), 12_000 if len(svg) < 30_000 else 3_000))
        return (
            f'<figure style="margin:0;overflow-x:auto">{svg}'
            f"<details><summary>as text</summary><pre>{text}</pre></details></figure>"
        )

    def page(self) -> str:
        """A page of HTML that stands alone."""
        from .page import page

        return page(self.drawing.title if self.drawing else "Picture", [("", self.html())])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """What notebooks show, 60 kB at most in all: text, HTML with the picture, Mermaid, SVG."""
        if not self.can_draw or self.drawing is None:
            text = str(self)
            if program_found("svg") is None:
                return {"text/plain": text}
            return {"text/plain": text, "image/svg+xml": self.svg()}
        bundle = {"text/plain": cut(str(self), 5_000)}
        room = MOST - len(bundle["text/plain"].encode())
        html = self.html()
        if len(html.encode()) > room:  # then the groups closed, or else the text alone
            html = picture_of(collapsed(self.drawing)).html()
        if len(html.encode()) > room:
            html = f"<pre>{escape(cut(str(self), 12_000))}</pre>"
        parts = {"text/html": html, "text/vnd.mermaid": self.mermaid(), "image/svg+xml": self.svg()}
        for kind, text in parts.items():
            if len(text.encode()) <= room:
                bundle[kind] = text
                room -= len(text.encode())
        return {k: v for k, v in bundle.items() if (not include or k in include) and not (exclude and k in exclude)}


def picture_of(drawing: Drawing, dpi: int | None = None) -> Picture:
    """The Picture of a drawing.

    >>> from .drawing import Box, Link
    >>> picture = picture_of(Drawing("", [Box("x", "x"), Box("y", "y")], [Link("x", "y")]))
    >>> picture.svg("builtin").count('class="box"')
    2
    """
    picture = Picture(
        "minigrad", format="svg", graph_attr=dot.graph_attributes(drawing), node_attr=dot.NODE, edge_attr=dot.LINK
    )
    picture.body.extend(dot.body(drawing))
    picture.drawing, picture.drawn, picture.dpi = drawing, "".join(picture.body), dpi
    return picture


def write(path: str, data: bytes) -> str:
    """Write a file, whole or not at all; its path."""
    from ..saving.atomic import atomic_write

    with atomic_write(path) as file:
        file.write(data)
    return path


def cut(text: str, length: int) -> str:
    """The first lines of a text, and a word on how many are left out."""
    if len(text) <= length:
        return text
    lines = text[:length].split("\n")[:-1]
    return "\n".join([*lines, f"  … and {text.count(chr(10)) + 1 - len(lines)} lines more"])
