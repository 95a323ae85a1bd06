"""Alembic's environment: migrates the connection it is handed; there is no other way in."""

from __future__ import annotations

from alembic import context

from digest.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
