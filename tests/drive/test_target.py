import json
from pathlib import Path

import pytest

from drive.host import environment
from drive.target import Target, find_target
from results import HarnessError, UsageError

SECRET = "planted-secret-7341"


def described(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "staging.toml"
    file.write_text(text)
    return file


def test_a_password_comes_from_the_environment_and_is_never_in_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_DB", SECRET)
    file = described(
        tmp_path,
        'allow_load = true\nbase_url = "https://joe:pw9@staging.test"\n'
        '[primary]\nhost = "db"\nuser = "probe"\npassword_env = "STAGING_DB"\n',
    )
    target = find_target(str(file), {})
    assert target.resolved()["primary"]["password"] == SECRET
    stored = json.dumps(environment(target))
    assert SECRET not in stored
    assert "pw9" not in stored
    assert "staging.test" in stored


def test_a_missing_password_variable_is_named(tmp_path: Path) -> None:
    file = described(tmp_path, 'base_url = "http://x"\n[redis]\npassword_env = "NOT_SET_ANYWHERE"\n')
    with pytest.raises(HarnessError, match="NOT_SET_ANYWHERE"):
        find_target(str(file), {}).resolved()


def test_load_has_to_be_allowed_on_purpose() -> None:
    with pytest.raises(UsageError, match="allow_load"):
        Target(name="staging", base_url="http://x").check_allowed(None)


def test_a_production_target_wants_its_name_repeated() -> None:
    target = Target(name="eu-prod", base_url="http://x", allow_load=True)
    with pytest.raises(UsageError, match="--yes-load eu-prod"):
        target.check_allowed(None)
    target.check_allowed("eu-prod")


def test_an_unknown_target_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean try"):
        find_target("trry", {"try": tmp_path})


def test_without_a_stack_the_message_says_how_to_start_one() -> None:
    with pytest.raises(HarnessError, match="harness up"):
        find_target(None, {})


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="base_ulr"):
        find_target(str(described(tmp_path, 'base_ulr = "http://x"\n')), {})


def test_an_address_takes_its_login_from_the_environment_and_is_stored_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_PASSWORD", SECRET)
    file = described(
        tmp_path,
        'base_url = "https://staging.test"\n[lb]\nmetrics_url = "https://ops:${METRICS_PASSWORD}@lb.test/m"\n'
        '[[api]]\nname = "api1"\nmetrics_url = "https://ops:${METRICS_PASSWORD}@api1.test:9100/metrics"\n',
    )
    target = find_target(str(file), {})
    assert target.resolved()["lb"]["metrics_url"] == f"https://ops:{SECRET}@lb.test/m"
    assert target.resolved()["api"][0]["metrics_url"] == f"https://ops:{SECRET}@api1.test:9100/metrics"
    assert SECRET not in json.dumps(environment(target))


def test_a_missing_variable_of_an_address_is_named(tmp_path: Path) -> None:
    file = described(tmp_path, 'base_url = "https://x:${NOT_SET_ANYWHERE}@staging.test"\n')
    with pytest.raises(HarnessError, match="NOT_SET_ANYWHERE"):
        find_target(str(file), {}).resolved()


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    file = described(tmp_path, 'base_url = "http://x"\n[redis]\npassword_file = "/nowhere/secret"\n')
    with pytest.raises(HarnessError, match=r"redis's password: .*/nowhere/secret"):
        find_target(str(file), {}).resolved()


@pytest.mark.parametrize("name", ["example-dev", "example-staging", "example-prod", "compose"])
def test_the_targets_that_ship_say_which_tiers_they_describe(name: str) -> None:
    facts = find_target(name, {}).facts()
    assert {"web", "api", "primary", "redis"} <= set(facts["tiers"].split(", "))


@pytest.mark.parametrize("name", ["example-staging", "example-prod"])
def test_the_examples_of_shared_systems_do_not_allow_load_as_they_stand(name: str) -> None:
    with pytest.raises(UsageError, match="allow_load"):
        find_target(name, {}).check_allowed(name)


def test_what_is_written_down_with_a_run_says_where_it_aimed() -> None:
    told = Target(name="s", base_url="https://joe:pw9@staging.test:8443/x").facts()
    assert told == {"host": "staging.test", "tls": True, "tiers": ""}
