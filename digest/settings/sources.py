"""The four places a configuration comes from, each read by pydantic-settings; imported only when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.sources.utils import parse_env_vars

from digest.settings.model import Settings
from digest.settings.variables import PREFIX


class _Layout(Settings, BaseSettings):
    """`Settings` as the sources see it: only its fields and these names are used, it is never filled."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, env_file_encoding="utf-8-sig", defer_build=True
    )


class _Variables(EnvSettingsSource):
    """What the three kinds of variables have in common here: entries of lists have numbers, and text may stay text."""

    def next_field(self, field: FieldInfo | Any | None, key: str, case_sensitive: bool | None = None) -> FieldInfo | None:
        """As the library's, and `NEWSLETTERS__0` is the first entry of a list."""
        annotation = field.annotation if isinstance(field, FieldInfo) else field
        if get_origin(annotation) is tuple and key.isdigit():
            entry: FieldInfo | None = get_args(annotation)[0]
            return entry
        return super().next_field(field, key, case_sensitive)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """JSON where it is JSON, else the text: a lone cron is one, and the model says best what is wrong with another."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except (json.JSONDecodeError, RecursionError):
            return value


class Environment(_Variables):
    """The variables of `environ`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(_Layout)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return parse_env_vars(self._environ, self.case_sensitive, self.env_ignore_empty)


class DotEnv(_Variables, DotEnvSettingsSource):
    """The variables of a `.env` file; others than ours may stand there too."""

    def __init__(self, file: Path) -> None:
        super().__init__(_Layout, env_file=file, dotenv_filtering="only_existing")


class SecretsFolder(_Variables, NestedSecretsSettingsSource):
    """A folder with one file per variable, as container platforms mount it; files of other programs are not read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SecretsSettingsSource(_Layout), secrets_dir=folder, secrets_dir_missing="ok")

    @classmethod
    def load_secrets(cls, path: Path) -> dict[str, str]:
        """The contents of our files; a link that leads out of the folder is not followed."""
        files = cls._iter_secret_files(path)
        return {file.name: file.read_text(encoding="utf-8").strip() for file in files if file.name.upper().startswith(PREFIX)}


def broken_lines(file: Path) -> list[int]:
    """The numbers of the lines of a `.env` file that are neither empty, a comment, nor `NAME=value`."""
    with file.open(encoding="utf-8-sig") as stream:
        return [binding.original.line for binding in parse_stream(stream) if binding.error]
