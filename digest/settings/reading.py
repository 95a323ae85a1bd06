"""Reading a project's configuration.

Where a value is given twice, the first of these wins: the environment (`DIGEST_DELIVERY__PROVIDER`), the project's
`.env` (same names), the secrets folder (one file for each variable: `DIGEST_SECRETS_DIR`, by default the project's
`secrets/`), the file (`--config`, `DIGEST_CONFIG`, or `config/digest.toml` under the current folder).

In a variable, lists and tables are JSON, `__` goes a level down, a list's entries have numbers from 0
(`DIGEST_NEWSLETTERS__0__TITLE`), and an empty one counts as not set.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from digest.errors import UsageError
from digest.settings.layers import Layers
from digest.settings.model import Settings
from digest.settings.plugins import unknown_plugins
from digest.settings.problems import told, unknown_key
from digest.settings.secrecy import secrets_in_file
from digest.settings.sources import DotEnv, Environment, SecretsFolder, broken_lines
from digest.settings.variables import NOT_CONFIGURED, OPERATIONAL, PREFIX, unknown_variables, variable_of

Opened = TypeVar("Opened")

DEFAULT_FILE = Path("config/digest.toml")


def read_settings(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of one project, all sources taken together.

    `environ` is this process's environment by default. Raises one `UsageError` that tells every problem found, with
    its key and the file or variable it came from, on one line, and never the value of a secret.
    """
    environ = os.environ if environ is None else environ
    file = config or Path(environ.get("DIGEST_CONFIG") or DEFAULT_FILE)
    project = project_folder(file)
    problems: list[str] = []
    layers = Layers()

    values, shown = _file_values(file), _shown(file)
    problems += _file_problems(values, shown)
    layers.lay(values, lambda _: shown)
    for source, place in _variables(project, environ):
        problems += _unknown_variables(source, place)
        if any(name.startswith(PREFIX.lower()) for name in source.env_vars):  # to ask a source for each field takes a millisecond
            layers.lay(source(), _variable_in(source, place))

    problems += [f"{layers.origin(path)}: {'.'.join(path)}: {message}" for path, message in unknown_plugins(layers.values)]
    settings = _validated(layers, project, file, problems)
    if settings is None or problems:
        raise UsageError("; ".join(dict.fromkeys(problems)))
    settings._origins = {
        ".".join(path): origin for path, origin in layers.origins.items()
    }  # a plain one, so that settings can be handed to another process
    return settings


def project_folder(file: Path) -> Path:
    """The project folder of a configuration file: the one that holds `config/`, else the file's own."""
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - keeps a link's own place, unlike resolve()
    return folder.parent if folder.name == "config" else folder


def _validated(layers: Layers, project: Path, file: Path, problems: list[str]) -> Settings | None:
    values = {key: value for key, value in layers.values.items() if key not in NOT_CONFIGURED}
    try:
        return Settings.model_validate({**values, "project": project})
    except ValidationError as error:
        problems += told(error, lambda path: layers.origin(path) or _shown(file))
        return None


def _file_values(file: Path) -> dict[str, Any]:
    shown = _shown(file)
    if not file.exists():
        raise UsageError(
            f"{shown}: no such file; make a project with `digest init`, or name its file by --config or DIGEST_CONFIG"
        )
    if not file.is_file():
        raise UsageError(f"{shown}: is not a file; name the configuration file itself, such as {shown}/digest.toml")
    try:
        return TomlConfigSettingsSource(Settings, toml_file=file).toml_data  # type: ignore[arg-type] # it asks for the names of fields alone
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{shown}: is not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown}: is not UTF-8 at byte {error.start}: save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{shown}: cannot be read: {error.strerror}") from None


def _file_problems(values: dict[str, Any], shown: str) -> list[str]:
    unknown = [f"{shown}: {key}: {unknown_key((key,))}" for key in NOT_CONFIGURED if key in values]
    return unknown + [
        f"{shown}: {'.'.join(path)}: a secret does not belong in the file: remove it (and change it, if others saw it) "
        f"and set {variable_of(path)} in .env, the environment or the secrets folder"
        for path in secrets_in_file(values, Settings)
    ]


def _variables(project: Path, environ: Mapping[str, str]) -> Iterator[tuple[EnvSettingsSource, str]]:
    """The sources of variables with the name of each place, the weakest first."""
    named = environ.get("DIGEST_SECRETS_DIR")
    folder = project / (named or "secrets")
    if named and not folder.is_dir():
        raise UsageError(
            f"DIGEST_SECRETS_DIR in the environment: {_shown(folder)} is not a folder; make it, or unset the variable"
        )
    yield _opened(SecretsFolder, folder), f"the secrets folder {_shown(folder)}"
    dotenv = project / ".env"
    broken = _opened(broken_lines, dotenv) if dotenv.is_file() else []
    if broken:
        raise UsageError(
            f"{_shown(dotenv)}: line {broken[0]} is not NAME=value: put quotation marks around a value with spaces or #"
        )
    yield _opened(DotEnv, dotenv), _shown(dotenv)
    yield Environment(environ), "the environment"


def _opened(source: Callable[[Path], Opened], path: Path) -> Opened:
    try:
        return source(path)
    except UnicodeDecodeError:
        raise UsageError(f"{_shown(path)}: is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{_shown(Path(error.filename or path))}: cannot be read: {error.strerror}") from None
    except SettingsError as error:
        raise UsageError(f"{_shown(path)}: cannot be read: {error}") from None


def _unknown_variables(source: EnvSettingsSource, place: str) -> list[str]:
    problems = [f"{name} in {place}: unknown variable{hint}" for name, hint in unknown_variables(source.env_vars)]
    if not isinstance(source, Environment):
        misplaced = [name for name in OPERATIONAL if name.lower() in source.env_vars]
        problems += [f"{name} in {place}: is read from the environment alone; set it there" for name in misplaced]
    return problems


def _variable_in(source: EnvSettingsSource, place: str) -> Callable[[tuple[str, ...]], str]:
    """Tells by which variable of a source a key was set: its own, or that of a table or list around it."""

    def origin(path: tuple[str, ...]) -> str:
        for length in range(len(path), 0, -1):
            name = variable_of(path[:length])
            if name.lower() in source.env_vars:
                return f"{name} in {place}"
        # A table that only its parts make: name one of them.
        prefix = f"{variable_of(path)}__".lower()
        return f"{next(name for name in source.env_vars if name.startswith(prefix)).upper()} in {place}"

    return origin


def _shown(file: Path) -> str:
    """A path as a person wants to see it: from the current folder where it is below it."""
    try:
        return str(file.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
