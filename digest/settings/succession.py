"""What may be renamed or given up while people, or the catalogue, still know it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from digest.settings.table import Table
from digest.settings.types import Slug


class Succeeded(Table):
    """What may be renamed or given up. Its table stays where it was, and says what becomes of those who follow it."""

    moved_to: Slug | None = Field(None, description="Its new name, or the one that takes its place; who followed it is moved.")
    retired: bool = Field(False, description="Whether it is given up: who followed it follows it no more.")

    @property
    def current(self) -> bool:
        """Whether it is neither moved nor retired."""
        return self.moved_to is None and not self.retired

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.moved_to is not None and self.retired:
            raise ValueError("it is both moved_to and retired; take one of them out")
        return self
