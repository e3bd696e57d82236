"""What all tables are made with."""

from sqlalchemy import BigInteger, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both; SQLite counts rowids only in a column that says INTEGER."""
Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text compared byte by byte on both, so that prefixes are ranges of an index."""
