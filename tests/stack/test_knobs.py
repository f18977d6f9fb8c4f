import pytest

from stack.errors import SettingError
from stack.knobs import describe, make_knobs, parse_settings


def test_defaults_are_those_that_the_docs_rest_on() -> None:
    knobs = make_knobs({})
    assert (knobs.web.instances, knobs.api.pool_size, knobs.api.pool_timeout_s, knobs.cache.ttl_s) == (
        2,
        10,
        60,
        3600,
    )


def test_a_setting_changes_one_knob_alone() -> None:
    changed = make_knobs(parse_settings(["api.pool_size=2"])).flat()
    default = make_knobs({}).flat()
    assert {knob for knob in default if default[knob] != changed[knob]} == {"api.pool_size"}


def test_an_unknown_knob_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"unknown knob 'api.poolsize': did you mean api.pool_size\?"):
        make_knobs({"api.poolsize": "2"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api.pool_size", "0"),
        ("api.pool_size", "many"),
        ("redis.maxmemory", "64 MB"),
        ("redis.maxmemory_policy", "none"),
        ("seed.size", "huge"),
        ("api.pool_timeout_s", "-1"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        make_knobs({name: value})
    assert name in str(refused.value)
    assert value in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_setting_needs_an_equals_sign() -> None:
    with pytest.raises(SettingError, match=r"api\.pool_size=2"):
        parse_settings(["api.pool_size"])


def test_every_knob_says_what_it_does() -> None:
    assert all(text for _, _, text in describe())
    assert {name for name, _, _ in describe()} == set(make_knobs({}).flat())
