"""The definition of an isolated environment: a TOML file beside the worker's script.

```toml
name = "clap"
description = "CLAP 2023, zero-shot classes of sounds"
worker = "clap_worker.py"           # its functions are the verbs
helpers = ["shared.py"]             # modules that the worker may import; nothing else of ours
verbs = ["judge"]
requirements = ["msclap==1.3.4"]    # pinned
pip_options = ["--no-deps"]         # for pip install, where they are needed
python = "3.11"                     # where it has to be that one; else the Python that runs bench
```

Paths are relative to the file. Tables ``[codecs.NAME]`` say which codecs the worker is
(`bench.isolation.codec`).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]*")
_VERB = re.compile(r"[a-z][a-z0-9_]*")
_PYTHON = re.compile(r"3\.\d+")
_PINNED = re.compile(r"[\w.-]+(\[[\w, -]+\])? *(==|@) *[^ ,*]+( *;.+)?")


class DefinitionError(ValueError):
    """A definition cannot be used; the message is one line: which file, what is wrong."""


@dataclass(frozen=True)
class Definition:
    """An environment as it should be, and the worker that runs in it.

    Attributes:
        path: of the TOML file.
        name: of the environment: small letters, digits, and ``. + _ -``.
        worker: the script whose functions are called.
        verbs: the names of those functions.
        requirements: for pip, each pinned.
        helpers: scripts that the worker imports by their names.
        pip_options: more options of ``pip install``.
        python: "3.11", say, where it has to be that one; "" for the Python that runs bench.
        description: what it is, in a line.
        codecs: the tables of codecs, by name.
    """

    path: Path
    name: str
    worker: Path
    verbs: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    helpers: tuple[Path, ...] = ()
    pip_options: tuple[str, ...] = ()
    python: str = ""
    description: str = ""
    codecs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def requirements_sha256(self) -> str:
        """Of all that decides what is installed; an environment made for another is stale."""
        wanted = [self.python, *sorted(self.requirements), "", *self.pip_options]
        return hashlib.sha256("\n".join(wanted).encode()).hexdigest()

    @property
    def scripts(self) -> tuple[Path, ...]:
        """The worker and what it may import."""
        return (self.worker, *self.helpers)


def read_definition(path: Path) -> Definition:
    """Read a definition.

    Raises:
        DefinitionError: the file cannot be read, or says something that no definition can.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DefinitionError(f"{path} cannot be read: {why}") from error
    except ValueError as error:  # not TOML, not text
        raise DefinitionError(f"{path} is no TOML: {error}") from error
    unknown = sorted(content.keys() - _FIELDS.keys())
    if unknown:
        raise DefinitionError(f"{path}: no such field: {', '.join(unknown)}")
    for name, (kind, said) in _FIELDS.items():
        value = content.get(name, kind())
        strings = not isinstance(value, list) or all(isinstance(item, str) for item in value)
        if not isinstance(value, kind) or not strings:
            raise DefinitionError(f"{path}: expected {name} to be {said}, got {value!r}")
    definition = Definition(
        path=path.absolute(),
        name=content.get("name", ""),
        worker=path.absolute().parent / content.get("worker", ""),
        verbs=tuple(content.get("verbs", ())),
        requirements=tuple(content.get("requirements", ())),
        helpers=tuple(path.absolute().parent / helper for helper in content.get("helpers", ())),
        pip_options=tuple(content.get("pip_options", ())),
        python=content.get("python", ""),
        description=content.get("description", ""),
        codecs=content.get("codecs", {}),
    )
    _check(definition)
    return definition


_TEXT = (str, "a text")
_TEXTS = (list, "a list of texts")
_FIELDS: dict[str, tuple[type, str]] = {
    "name": _TEXT,
    "description": _TEXT,
    "worker": _TEXT,
    "helpers": _TEXTS,
    "verbs": _TEXTS,
    "requirements": _TEXTS,
    "pip_options": _TEXTS,
    "python": _TEXT,
    "codecs": (dict, "tables"),
}


def _check(definition: Definition) -> None:
    path = definition.path
    if not _NAME.fullmatch(definition.name):
        raise DefinitionError(
            f"{path}: expected a name of small letters, digits and . + _ -, got {definition.name!r}"
        )
    if not definition.verbs or not all(map(_VERB.fullmatch, definition.verbs)):
        raise DefinitionError(
            f"{path}: expected verbs, the names of the worker's functions, "
            f"got {list(definition.verbs)}"
        )
    for script in definition.scripts:
        if not script.is_file():
            raise DefinitionError(f"{path}: there is no script at {script}")
    if definition.python and not _PYTHON.fullmatch(definition.python):
        raise DefinitionError(f'{path}: expected python such as "3.11", got {definition.python!r}')
    for codec, table in definition.codecs.items():
        if not _NAME.fullmatch(codec):  # a file of results is called like it
            raise DefinitionError(
                f"{path}: expected codecs' names of small letters, digits and . + _ -, "
                f"got {codec!r}"
            )
        if not isinstance(table, dict):
            raise DefinitionError(f"{path}: expected a table [codecs.{codec}], got {table!r}")
    for requirement in definition.requirements:
        if not _PINNED.fullmatch(requirement):
            raise DefinitionError(
                f"{path}: the requirement {requirement!r} is not pinned: write NAME==VERSION"
            )
