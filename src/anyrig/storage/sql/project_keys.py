"""The key pairs of projects."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from anyrig.storage.schema import project_keys, projects


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A project's key pair as it is kept."""

    project: int
    public: str
    """PEM (SubjectPublicKeyInfo)."""
    sealed: bytes
    """The private key, encrypted."""


def of_project(connection: Connection, name: str) -> SealedKey | None:
    """None when the project has no key pair yet, or there is no such project."""
    statement = (
        select(project_keys)
        .join(projects, projects.c.id == project_keys.c.project)
        .where(projects.c.name == name)
    )
    row = connection.execute(statement).one_or_none()
    return SealedKey(row.project, row.public, row.sealed) if row else None


def keep(connection: Connection, name: str, key: SealedKey, now: int) -> SealedKey:
    """The project's key pair: this one, unless another server was first."""
    known = of_project(connection, name)
    if known is not None:
        return known
    values = {"project": key.project, "public": key.public, "sealed": key.sealed, "created": now}
    connection.execute(insert(project_keys).values(values))
    return key
