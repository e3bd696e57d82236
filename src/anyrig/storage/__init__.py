"""The only package that speaks SQL or to object stores."""

from sqlalchemy import Connection

__all__ = ["Connection"]
