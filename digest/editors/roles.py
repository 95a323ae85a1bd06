"""Roles: what somebody may do at the desk, as the configuration has it now. Pure."""

from __future__ import annotations

from enum import StrEnum

from digest.settings import Settings


class Role(StrEnum):
    """From the least to the most; each may do what those before it may."""

    VIEWER = "viewer"  # looks at everything that an editor looks at
    EDITOR = "editor"  # changes issues, and decides on them
    ADMIN = "admin"  # sees who is signed in, ends it, and reads what was done

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where `needed` is asked for."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Role)


def role_of(settings: Settings, address: str) -> Role | None:
    """The role of a canonical address: the highest one that names it; None for everybody else."""
    editors = settings.editors
    named = ((Role.ADMIN, editors.admins), (Role.EDITOR, editors.emails), (Role.VIEWER, editors.viewers))
    return next((role for role, addresses in named if address in addresses), None)
