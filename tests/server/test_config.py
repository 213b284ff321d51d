"""Settings: three sources, one check, and an error that names the key."""

from pathlib import Path

import pytest

from relais.server.config import Settings, SettingsError, load


def test_flags_come_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "relais.toml"
    file.write_text('port = 1\nhost = "0.0.0.0"\nlog_level = "debug"\n')
    read = load({"port": 3}, {"RELAIS_PORT": "2", "RELAIS_HOST": "::1"}, file=file)
    assert (read.port, read.host, read.log_level) == (3, "::1", "debug")


def test_nothing_given_is_a_service_for_this_machine_alone() -> None:
    read = load({}, {})
    assert read == Settings()
    assert read.host == "127.0.0.1"
    assert read.is_embedded
    assert not read.behind_tls


def test_other_variables_of_the_same_prefix_are_left_alone() -> None:
    assert load({}, {"RELAIS_PASSPHRASE": "x", "RELAIS_TEST_MONGODB_URI": "y"}) == Settings()


def test_secrets_do_not_show() -> None:
    uri = "mongodb://user:hush@db/relais"
    assert "hush" not in repr(load({"mongodb_uri": uri}, {}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "eighty"),
        ("port", "65536"),
        ("port", "-1"),
        ("token_seconds", "601"),
        ("token_seconds", "59"),
        ("trust_proxy", "perhaps"),
        ("log_level", "loud"),
        ("checking", "elsewhere"),
        ("origin", "relais.example"),
        ("origin", "https://relais.example/path"),
        ("origin", "https://someone@relais.example"),
        ("origin", "https://relais.example:port"),
        ("origin", "ftp://relais.example"),
        ("mongodb_uri", "http://db"),
        ("redis_url", "http://redis"),
        ("token_key_file", "/nowhere/key.pem"),
        ("web", "/nowhere"),
        ("blob_bytes", "12"),
        ("host", ""),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, {f"RELAIS_{key.upper()}": value})
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "8443"),
        ("token_seconds", "60"),
        ("trust_proxy", "true"),
        ("log_level", "warning"),
        ("origin", "https://relais.example:8443"),
        ("mongodb_uri", "mongodb+srv://db/relais"),
    ],
)
def test_a_right_value_is_taken(key: str, value: str) -> None:
    read = load({}, {f"RELAIS_{key.upper()}": value})
    assert str(getattr(read, key)).lower() == value


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "relais.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(SettingsError, match="prot"):
        load({}, {}, file=file)


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "relais.toml"
    file.write_text("port:\n")
    with pytest.raises(SettingsError, match="not TOML"):
        load({}, {}, file=file)


def test_several_nodes_need_a_database_and_a_key_they_share(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    redis = {"redis_url": "redis://r"}
    mongodb = {"mongodb_uri": "mongodb://db", "token_key_file": str(key)}
    assert load({**redis, **mongodb}, {}).redis_url == "redis://r"
    with pytest.raises(SettingsError) as without_key:
        load({**redis, "mongodb_uri": "mongodb://db"}, {})
    assert without_key.value.key == "token_key_file"
    with pytest.raises(SettingsError) as without_database:
        load({**redis, "token_key_file": str(key)}, {})
    assert without_database.value.key == "redis_url"
