"""The logs that the embedded Humanloop endpoint keeps."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any


def logs(path: Path) -> list[dict[str, Any]]:
    """Every log in a SQLite file, with the `kind` and the `path` of what it is a log of."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(
            "SELECT logs.*, file_type AS kind, path FROM gateway_logs AS logs "
            "JOIN gateway_versions AS versions "
            "ON versions.id = logs.version_id AND versions.file_id = logs.file_id ORDER BY created_at"
        )
        return [{**row, "body": json.loads(row["body"])} for row in rows]
