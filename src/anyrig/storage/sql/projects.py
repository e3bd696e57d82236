"""Projects."""

from sqlalchemy import Connection, insert, select, update

from anyrig.core.records import Project
from anyrig.storage.schema import AnyRow, projects


def add(connection: Connection, name: str, upstream: str | None, now: int) -> Project:
    number = connection.execute(
        insert(projects).values(name=name, upstream=upstream, created=now).returning(projects.c.id)
    ).scalar_one()
    return Project(number, name, upstream, now)


def set_upstream(connection: Connection, name: str, upstream: str | None) -> None:
    connection.execute(update(projects).where(projects.c.name == name).values(upstream=upstream))


def by_name(connection: Connection, name: str) -> Project | None:
    row = connection.execute(select(projects).where(projects.c.name == name)).one_or_none()
    return _project(row) if row else None


def every(connection: Connection) -> list[Project]:
    """All projects, the oldest first."""
    return [_project(row) for row in connection.execute(select(projects).order_by(projects.c.id))]


def _project(row: AnyRow) -> Project:
    return Project(row.id, row.name, row.upstream, row.created)
