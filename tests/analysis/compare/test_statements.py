from __future__ import annotations

import pytest

from analysis.compare.statements import short_statement


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("SELECT `id` , `title` FROM `todos` WHERE `id` = ?", "SELECT … FROM todos WHERE id = ?"),
        ("UPDATE `todos` SET `title` = ? WHERE `id` = ?", "UPDATE todos SET title = ? WHER…"),
        (
            "SELECT ( SELECT COUNT ( * ) FROM `todos` ) AS `n` FROM `teams`",
            "SELECT ( SELECT COUNT ( * ) FRO…",
        ),
    ],
)
def test_a_long_statement_loses_its_columns_but_never_the_begin_of_one_within_it(
    text: str, short: str
) -> None:
    assert short_statement(text, 32) == short
