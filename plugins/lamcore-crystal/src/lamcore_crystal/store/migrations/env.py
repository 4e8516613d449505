"""What Alembic runs; the connection is given by `lamcore_crystal.store.migration`."""

from __future__ import annotations

from alembic import context

from lamcore_crystal.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
