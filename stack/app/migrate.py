"""Schema by migrations: the files of stack/schema in order of their numbers, each applied once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).resolve().parent.parent / "schema"


def migrate(cursor: Any) -> list[str]:
    """Apply what is missing; returns the names applied. `cursor` is a DB-API cursor in the right database."""
    cursor.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(100) PRIMARY KEY)")
    cursor.execute("SELECT name FROM schema_migrations")
    known = {row[0] for row in cursor.fetchall()}
    applied = []
    for file in sorted(SCHEMA.glob("*.sql")):
        if file.stem in known:
            continue
        for statement in file.read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute("INSERT INTO schema_migrations VALUES (%s)", (file.stem,))
        applied.append(file.stem)
    return applied
