"""Run by Alembic: the caller gives the connection, so the lock and the transaction are the caller's."""

from alembic import context

from anyrig.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
