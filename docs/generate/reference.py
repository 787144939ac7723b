"""The reference as pages of Markdown, from signatures and docstrings of what is public."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cache, cached_property
from types import FunctionType, ModuleType
from typing import Any

from docstrings import escape, fenced, first_line, to_markdown

import minigrad
from minigrad.core.op import REQUIRED, Op

WIDTH = 100  # of a signature on one line
# In the order of the navigation; the first page that has a thing documents it, others refer to it.
MODULES = [
    "minigrad",
    "minigrad.models",
    "minigrad.layers",
    "minigrad.preprocessing",
    "minigrad.embeddings",
    "minigrad.optimizers",
    "minigrad.optimizers.schedules",
    "minigrad.losses",
    "minigrad.metrics",
    "minigrad.callbacks",
    "minigrad.activations",
    "minigrad.initializers",
    "minigrad.regularizers",
    "minigrad.constraints",
    "minigrad.saving",
    "minigrad.random",
    "minigrad.utils",
    "minigrad.config",
    "minigrad.errors",
    "minigrad.ops",
]

OVERVIEW = """\
# Reference

Made from the docstrings when the site is built; the examples run in the tests. Names, argument orders and defaults are
Keras's and NumPy's wherever a name exists there. Shapes are tuples in parentheses, `None` for the batch. An error says
what came, where, what was expected and what to do; those of our own are [`MinigradError`s](errors.md).

[The op table](op-table.md) lists all ops with their gradients, [NumPy's functions](numpy.md) says which of those work
on Tensors and Symbols.
"""


class Entry:
    """One public thing: its page, its names, its Markdown."""

    def __init__(self, module: ModuleType, name: str, thing: Any) -> None:
        self.module = module
        self.name = name
        self.thing = thing
        self.others: list[str] = []  # further names of the same thing, in the same module

    @property
    def path(self) -> str:
        return f"{self.module.__name__}.{self.name}"

    @cached_property
    def members(self) -> list[tuple[str, Any]]:
        """Public methods and properties that the class itself documents."""
        if not inspect.isclass(self.thing):
            return []
        own = [(n, inspect.unwrap(getattr(v, "__func__", v))) for n, v in vars(self.thing).items() if n[0] != "_"]
        return [(n, v) for n, v in own if isinstance(v, (FunctionType, property)) and v.__doc__]

    def markdown(self) -> str:
        kind = "class" if inspect.isclass(self.thing) else "op" if isinstance(self.thing, Op) else "function"
        parts = [f"## {escape(self.name)} {{ #{self.path} data-toc-label='{self.name}' }}"]
        parts.append(signature(self.path, self.thing) if callable(self.thing) else f"`{self.path}`")
        if kind == "class" and (bases := [base for base in self.thing.__mro__[1:] if link(base.__name__)][:1]):
            parts.append(f"A [`{bases[0].__name__}`]({link(bases[0].__name__)}).")
        if kind == "op":
            parts.append(f"A row of [the op table](op-table.md), {self.thing.kind}.")
        parts.append(to_markdown(self.thing.__doc__, names_of(self.thing), link))
        if self.others:
            parts.append("Also called " + ", ".join(f"`{name}`" for name in self.others) + ".")
        for name, member in self.members:
            parts.append(f"### {escape(name)} {{ #{self.path}.{name} data-toc-label='{name}' }}")
            is_property = isinstance(member, property)
            parts.append("A property." if is_property else signature(f"{self.name}.{name}", member))
            parts.append(to_markdown(member.__doc__, () if is_property else names_of(member), link))
        return "\n\n".join(part for part in parts if part)


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The names a module offers, without its submodules."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [n for n, v in vars(module).items() if from_us(v) and (module is minigrad.ops or at_home(module, v))]
    for name in names:
        thing = getattr(module, name)
        if not name.startswith("_") and not inspect.ismodule(thing) and (callable(thing) or thing.__doc__):
            yield name, thing


def from_us(thing: Any) -> bool:
    named = hasattr(thing, "__name__") and str(getattr(thing, "__module__", "")).startswith("minigrad")
    return named or isinstance(thing, Op)


def at_home(module: ModuleType, thing: Any) -> bool:
    return thing.__module__ == module.__name__


@cache
def entries() -> dict[str, list[Entry]]:
    """All entries, by module."""
    found: dict[str, list[Entry]] = {}
    seen: dict[int, Entry] = {}
    for path in MODULES:
        module = importlib.import_module(path)
        found[path] = []
        for name, thing in public(module):
            if (known := seen.get(id(thing))) is None:
                seen[id(thing)] = entry = Entry(module, name, thing)
                found[path].append(entry)
            elif known.module is module:
                known.others.append(name)
            else:
                found[path].append(Entry(module, name, known))
    return found


@cache
def places() -> dict[str, str]:
    """Where a name is documented: by full path, by `module.name`, and by the bare name of a class or error."""
    found: dict[str, str] = {}
    for path, listed in entries().items():
        for entry in listed:
            if isinstance(entry.thing, Entry):
                continue
            target = f"{page_name(path)}#{entry.path}"
            short = f"{path.rpartition('.')[2]}.{entry.name}"
            bare = [entry.name] if inspect.isclass(entry.thing) else []
            for name in [entry.path, short, *bare]:
                found.setdefault(name, target)
            for name, _ in entry.members:
                found.setdefault(f"{entry.name}.{name}", f"{page_name(path)}#{entry.path}.{name}")
    return found


def link(name: str) -> str | None:
    return places().get(name.removesuffix("()"))


def page_name(path: str) -> str:
    return f"{path.removeprefix('minigrad.')}.md"


def page(path: str) -> str:
    """A module's page."""
    module = importlib.import_module(path)
    parts = [f"# {path}", to_markdown(module.__doc__, (), link)]
    elsewhere = []
    for entry in entries()[path]:
        if isinstance(entry.thing, Entry):
            there = entry.thing
            elsewhere.append(f"[`{entry.name}`]({page_name(there.module.__name__)}#{there.path})")
        else:
            parts.append(entry.markdown())
    if elsewhere:
        parts.insert(2, "Documented elsewhere: " + ", ".join(elsewhere) + ".")
    return "\n\n".join(parts) + "\n"


def overview() -> str:
    """The reference's first page: every module with what it is and what it offers."""
    parts = [OVERVIEW]
    for path, listed in entries().items():
        homes = [(e.name, e.thing if isinstance(e.thing, Entry) else e) for e in listed]
        shown = ", ".join(f"[`{name}`]({page_name(e.module.__name__)}#{e.path})" for name, e in homes)
        doc = first_line(importlib.import_module(path).__doc__)
        parts += [f"## [{path}]({page_name(path)})", escape(doc), shown]
    return "\n\n".join(parts) + "\n"


# -- signatures -------------------------------------------------------------------------------------------------------


def names_of(thing: Any) -> list[str]:
    """The names of its parameters."""
    if isinstance(thing, Op):
        return [*(o.strip("*") for o in thing.operands), *thing.defaults]
    found = how_to_call(thing)
    return [] if found is None else [name for name in found.parameters if name not in ("self", "cls")]


def how_to_call(thing: Any) -> inspect.Signature | None:
    """Of a class, its constructor's signature, whatever its __new__ takes; None if Python does not know."""
    own = inspect.isclass(thing) and isinstance(thing.__init__, FunctionType)
    try:
        return inspect.signature(thing.__init__ if own else thing)
    except (TypeError, ValueError):
        return None


def signature(name: str, thing: Any) -> str:
    """The call, with types and defaults, on one line or a line for each argument."""
    if isinstance(thing, Op):
        attributes = [f"{k}" if v is REQUIRED else f"{k}={v!r}" for k, v in thing.defaults.items()]
        arguments, returns = [*thing.operands, *(["*"] if attributes and not thing.variadic else []), *attributes], ""
    else:
        found = how_to_call(thing)
        if found is None:
            return fenced("python", [name])
        arguments, returns = list(spelled(found)), annotation(found.return_annotation)
        returns = "" if inspect.isclass(thing) or not returns else f" -> {returns}"
    one = f"{name}({', '.join(arguments)}){returns}"
    if len(one) <= WIDTH:
        return fenced("python", [one])
    return fenced("python", [f"{name}(", *(f"    {argument}," for argument in arguments), f"){returns}"])


def spelled(found: inspect.Signature) -> Iterator[str]:
    star = False
    for name, p in found.parameters.items():
        if name in ("self", "cls"):
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            yield "*"
        star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        text = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "") + name
        if typed := annotation(p.annotation):
            text += f": {typed}"
        if p.default is not p.empty:
            text += (" = " if typed else "=") + default(p.default)
        yield text


def annotation(found: Any) -> str:
    """The type as written; Any says nothing."""
    text = (
        found if isinstance(found, str) else "" if found is inspect.Signature.empty else inspect.formatannotation(found)
    )
    return "" if text in ("Any", "None") else text


def default(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)
