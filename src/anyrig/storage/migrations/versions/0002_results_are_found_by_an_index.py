"""Results are found by an index, whatever is asked: orders within a field, and texts that are kept once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INDEXES = (
    ("project", "start", "id"),
    ("category", "duration", "id"),
    ("category", "verdict", "start", "id"),
    ("verdict", "duration", "id"),
)
_FILL = (
    "INSERT INTO names (field, name) SELECT DISTINCT 'testcase', testcase FROM results",
    "INSERT INTO names (field, name) SELECT DISTINCT 'category', category FROM results",
    "INSERT INTO reasons (text) SELECT DISTINCT failure_reason FROM results WHERE failure_reason IS NOT NULL",
    """INSERT INTO result_reasons (reason, result) SELECT reasons.id, results.id
       FROM results JOIN reasons ON reasons.text = results.failure_reason""",
)
_KEEP = """
  INSERT INTO names (field, name) VALUES ('testcase', new.testcase), ('category', new.category)
    ON CONFLICT DO NOTHING;
  INSERT INTO reasons (text) SELECT new.failure_reason WHERE new.failure_reason IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM reasons WHERE reasons.text = new.failure_reason);
  INSERT INTO result_reasons (reason, result)
    SELECT reasons.id, new.id FROM reasons WHERE reasons.text = new.failure_reason LIMIT 1
    ON CONFLICT DO NOTHING;
"""
_WHEN = {
    "results_texts_added": "AFTER INSERT ON results",
    "results_texts_changed": "AFTER UPDATE OF testcase, category, failure_reason ON results",
}
_TRIGRAMS_ON_SQLITE = (
    """CREATE VIRTUAL TABLE reasons_trigrams
       USING fts5(text, content='reasons', content_rowid='id', tokenize='trigram')""",
    "INSERT INTO reasons_trigrams (reasons_trigrams) VALUES ('rebuild')",
    """CREATE TRIGGER reasons_trigrams_added AFTER INSERT ON reasons
       BEGIN INSERT INTO reasons_trigrams (rowid, text) VALUES (new.id, new.text); END""",
)
_TRIGRAMS = """
DO $$ BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX ix_reasons_trigrams ON reasons USING gin (text gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
  RAISE NOTICE 'There is no extension pg_trgm: words are looked for in all distinct failure reasons.';
END $$
"""


def upgrade() -> None:
    _create_tables()
    for columns in _INDEXES:
        head = "_".join(column for column in columns[:2] if column != "start")
        op.create_index(f"ix_results_{head}", "results", columns)
    for statement in _FILL:
        op.execute(statement)
    if op.get_context().dialect.name == "postgresql":
        _keep_on_postgresql()
    else:
        _keep_on_sqlite()


def _create_tables() -> None:
    op.create_table(
        "names",
        sa.Column("field", _NAME, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.PrimaryKeyConstraint("field", "name", name="pk_names"),
    )
    op.create_table(
        "reasons",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reasons"),
    )
    op.create_index("ix_reasons_text", "reasons", ["text"], postgresql_using="hash")
    op.create_table(
        "result_reasons",
        sa.Column("reason", _NUMBER, nullable=False),
        sa.Column("result", _NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["reason"], ["reasons.id"], name="fk_result_reasons_reason", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["result"], ["results.id"], name="fk_result_reasons_result", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reason", "result", name="pk_result_reasons"),
    )
    op.create_index("ix_result_reasons_result", "result_reasons", ["result"])


def _keep_on_sqlite() -> None:
    for name, when in _WHEN.items():
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN{_KEEP}END")
    for statement in _TRIGRAMS_ON_SQLITE:
        op.execute(statement)


def _keep_on_postgresql() -> None:
    body = f"BEGIN{_KEEP}  RETURN NULL;\nEND"
    op.execute(f"CREATE FUNCTION keep_texts() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    for name, when in _WHEN.items():
        op.execute(f"CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION keep_texts()")
    op.execute(_TRIGRAMS)
