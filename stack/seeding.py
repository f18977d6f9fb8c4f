"""The seed, made once: a copy of the data folder serves every later stack of the same schema and size."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from stack.app.seedplan import PASSWORD, SIZES
from stack.knobs import Knobs
from stack.place import Place, state_folder
from stack.programs import CHECKOUT

_INGREDIENTS = (
    "stack/schema/*.sql",
    "stack/app/seed*.py",
    "stack/app/migrate.py",
    "stack/mariadb.py",
    "stack/mysql.py",
)


def seed_facts(knobs: Knobs) -> dict[str, Any]:
    """What scenarios need to know of the data: how many of each, and the seeded users' password."""
    size = knobs.seed.size
    return {"size": size, **SIZES[size], "password": PASSWORD, "server": knobs.db.server}


def _cache(knobs: Knobs) -> Path:
    digest = hashlib.sha256()
    for pattern in _INGREDIENTS:
        for file in sorted(CHECKOUT.glob(pattern)):
            digest.update(file.read_bytes())
    return state_folder() / "cache" / f"seed-{knobs.db.server}-{knobs.seed.size}-{digest.hexdigest()[:12]}"


def cached_seed(knobs: Knobs) -> Path | None:
    """The folder of a seed made earlier (`data/`, `seeded.json`); None where there is none."""
    folder = _cache(knobs)
    return folder if (folder / "seeded.json").is_file() else None


def keep_seed(place: Place, knobs: Knobs) -> None:
    """Keep a stopped primary's data for later, without its binlog; what older schemas left is removed."""
    for file in (place.folder / "primary").glob("binlog.*"):
        file.unlink()
    folder = _cache(knobs)
    making = folder.with_name(f"making-{place.name}")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(
        place.folder / "primary",
        making / "data",
        ignore=shutil.ignore_patterns("ib_buffer_pool", "auto.cnf", "*.pid"),
    )
    (making / "seeded.json").write_text(json.dumps(seed_facts(knobs)))
    for old in folder.parent.glob(f"seed-{knobs.db.server}-{knobs.seed.size}-*"):
        shutil.rmtree(old, ignore_errors=True)
    making.replace(folder)
