"""Looking things up by name: the one mechanism behind `optimizer='adam'` and `initializer='he_normal'`.

A room makes one `Registry`, registers its members with a decorator, and gets from it the whole Keras
custom: a name, a config, a class, an instance or (where that makes sense) any callable stands for the thing;
things turn into `{'class_name': ..., 'config': ...}` and back; a misspelt name meets a "did you mean".
Nothing is ever imported by a name found in a config: what is not registered or handed in does not exist.

>>> shapes = Registry("shape")
>>> @shapes.register("ball")
... class RoundThing:
...     def __init__(self, radius=1.0):
...         self.radius = radius
...     def get_config(self):
...         return {"radius": self.radius}
>>> shapes.get("round_thing").radius, shapes.get("ball").radius
(1.0, 1.0)
>>> shapes.serialize(RoundThing(2.0))
{'class_name': 'RoundThing', 'config': {'radius': 2.0}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Generic, TypeVar

from .errors import UnknownName, unknown

__all__ = ["Registry", "check_names", "construct", "snake_case"]

T = TypeVar("T")
Member = TypeVar("Member", bound=Callable[..., Any])  # a class to be instantiated, or a plain function


def snake_case(name: str) -> str:
    """Turn a class name into Keras's automatic name (the rule is that of `tf.keras`).

    >>> [snake_case(n) for n in ("GlobalAveragePooling1D", "ReLU", "Conv2DTranspose", "LSTM", "_Mine")]
    ['global_average_pooling1d', 're_lu', 'conv2d_transpose', 'lstm', 'private__mine']
    """
    snake = re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return "private" + snake if snake.startswith("_") else snake


class Registry(Generic[T]):
    """The members of one kind, by name.

    Args:
        kind: what a member is called in messages, such as `'optimizer'`.
        base: the class that every member class and every instance must derive from; None for any.
        callables: whether any callable may stand for a member, as a function does for an initializer.
    """

    def __init__(self, kind: str, base: type[T] | None = None, *, callables: bool = False) -> None:
        self.kind = kind
        self.base = base
        self.callables = callables or base is None
        self._members: dict[str, Any] = {}  # by class or function name, exactly as written
        self._by_key: dict[str, Any] = {}  # by any name users may write, see _key
        self._shown: dict[str, tuple[str, ...]] = {}  # by class or function name, the spellings that messages list

    def register(self, *aliases: str) -> Callable[[Member], Member]:
        """Return the decorator that adds a class or function under its own name and `aliases`.

        The name is found in any spelling (`RandomNormal`, `random_normal`, `randomnormal`). Messages
        show the aliases where there are any, else the name in snake case. A name that is taken is an
        error, except by the same definition run again, as in a notebook.
        """
        if not all(isinstance(alias, str) for alias in aliases):
            raise TypeError(f"register is called with aliases or with nothing: @register(), not {aliases!r}.")

        def add(member: Member) -> Member:
            name = member.__name__
            if isinstance(member, type) and self.base is not None and not issubclass(member, self.base):
                raise TypeError(f"{name} cannot be registered as {self.kind}: it is no {self.base.__name__}.")
            keys = {_key(spelling) for spelling in (name, *aliases)}
            for key in keys & self._by_key.keys():
                taken = self._by_key[key]
                if (taken.__module__, taken.__qualname__) != (member.__module__, member.__qualname__):
                    raise ValueError(f"The {self.kind} name {key!r} is taken by {taken.__name__}.")
            self._by_key.update(dict.fromkeys(keys, member))
            self._members[name] = member
            self._shown[name] = aliases or (snake_case(name),)
            return member

        return add

    def get(self, identifier: Any) -> T:
        """Return the member that `identifier` stands for; anything else is an `UnknownName`.

        A name or a class gives a fresh instance with default arguments (a function is returned as it is), a
        config is deserialized, an instance comes back unchanged.
        """
        if isinstance(identifier, (str, Mapping)):
            return self.deserialize(identifier)
        found = identifier() if isinstance(identifier, type) else identifier
        ours = self.base is not None and isinstance(found, self.base)
        if ours or (self.callables and callable(found)):
            return found
        from reprlib import repr as short

        example = next(iter(self._shown.values()), ("...",))[0]
        raise UnknownName(
            f"Cannot tell which {self.kind} is meant by {short(identifier)} (a {type(identifier).__name__}). "
            f"Give a name such as {example!r}, a config, or the {self.kind} itself."
        )

    def serialize(self, member: Any) -> str | dict[str, Any]:
        """Return what `deserialize` needs: a function's name, or an instance's class name and config.

        A lambda has no name to find it again by, and neither has a stranger that bears a member's name.
        """
        named = member if isinstance(member, type) or not hasattr(member, "get_config") else type(member)
        name = getattr(named, "__name__", "<lambda>")
        if name == "<lambda>":
            raise UnknownName(
                f"The {self.kind} {member!r} cannot be saved: it has no name. Define it with def, "
                "or as a class with get_config."
            )
        if self._members.get(name, named) is not named:
            raise UnknownName(f"The {self.kind} {member!r} cannot be saved: {name!r} is one of ours.")
        return name if named is member else {"class_name": name, "config": member.get_config()}

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> T:
        """Return the member that `config` describes: a name, or `{'class_name': name, 'config': {...}}`.

        `custom_objects` maps further names to classes or functions of the caller's.
        """
        custom = custom_objects or {}
        if isinstance(config, str):
            name, arguments = config, {}
            member = custom.get(name) or self._by_key.get(_key(name))
        elif isinstance(config, Mapping) and isinstance(config.get("class_name"), str):
            check_names(config, ("class_name", "config"), f"key in the config of {self.kind}")
            name, arguments = config["class_name"], config.get("config", {})
            member = custom.get(name) or self._members.get(name)
        else:
            raise UnknownName(f"A {self.kind} config is {{'class_name': ..., 'config': {{...}}}}, got {config!r:.80}.")
        if member is None:
            raise unknown(self.kind, name, [*chain(*self._shown.values()), *custom])
        if not isinstance(member, type):
            check_names(arguments, (), f"argument of {self.kind} {name}")
            return member
        from_config: Callable[[Any], T] | None = getattr(member, "from_config", None)
        return from_config(arguments) if from_config else construct(member, arguments)


def construct(cls: type[T], config: Mapping[str, Any]) -> T:
    """Return `cls(**config)`, with a "did you mean" for an argument that `cls` does not take."""
    from inspect import Parameter, signature

    if config == {}:
        return cls()
    parameters = signature(cls).parameters
    if not any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()):
        check_names(config, parameters, f"argument of {cls.__name__}")
    return cls(**config)


def check_names(given: Any, known: Iterable[str], kind: str) -> None:
    """Raise `UnknownName` unless `given` is a mapping whose keys are all among the `known` names."""
    if not isinstance(given, Mapping):
        raise UnknownName(f"Expected a dict with the {kind}, got {given!r:.80} (a {type(given).__name__}).")
    known = tuple(known)
    for name in given:
        if name not in known:
            raise unknown(kind, name, known)


def _key(name: str) -> str:
    """The spelling-blind form of a name: `GlorotUniform` and `glorot_uniform` share one."""
    return name.replace("_", "").lower()
