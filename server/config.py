"""Settings: flags over ``RELAIS_*`` environment over one TOML file, checked at start.

Keys are named the same everywhere: ``mongodb_uri`` in the file, ``RELAIS_MONGODB_URI`` in the
environment, ``--mongodb-uri`` as a flag.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHECKING = ("auto", "here", "beside")
LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """A setting is wrong; the text names the key, what it must be, and never a secret's value."""

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(f"{key}: {expected}")
        self.key = key


def _secret() -> Any:
    return field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """What one node needs to know. Times in seconds unless the name says otherwise.

    Attributes:
        host, port: where to listen; port 0 is any.
        data: folder of the embedded database and the keys.
        mongodb_uri: MongoDB instead of the embedded database; `database` is its name there.
        redis_url: Redis, where several nodes serve.
        origin: address members see, such as https://relais.example.
        trust_proxy: believe X-Forwarded-For of the proxy in front.
        log_name: name of the audit log in its checkpoints.
        token_key_file, log_key_file: Ed25519 keys (PEM) that sign tokens and checkpoints.
        log_policy_file: the log's witnesses, where they are and how many must cosign (C2SP tlog-policy).
        token_seconds: life of a token, 60 to 600.
        web: folder of the built web client.
        log_level: debug, info, warning or error.
        requests_per_second, request_burst: of one device, steadily and at once.
        logins_per_minute, login_burst: of one address without a token.
        blob_bytes: largest encrypted attachment.
        drain_seconds: how long a stop waits for what is under way.
        checking: where envelopes are checked: here, beside (in a second process), or auto (beside under load).
    """

    host: str = "127.0.0.1"
    port: int = 8080
    data: Path = Path("relais-data")
    mongodb_uri: str | None = _secret()
    database: str = "relais"
    redis_url: str | None = _secret()
    origin: str | None = None
    trust_proxy: bool = False
    log_name: str = "relais.local/log"
    token_key_file: Path | None = None
    log_key_file: Path | None = None
    log_policy_file: Path | None = None
    token_seconds: int = 600
    web: Path | None = None
    log_level: str = "info"
    requests_per_second: int = 200
    request_burst: int = 1_000
    logins_per_minute: int = 600
    login_burst: int = 2_000
    blob_bytes: int = 32 * 1024 * 1024
    drain_seconds: int = 10
    checking: str = "auto"

    @property
    def behind_tls(self) -> bool:
        return self.origin is not None and self.origin.startswith("https://")

    @property
    def is_embedded(self) -> bool:
        return self.mongodb_uri is None


def load(
    flags: Mapping[str, Any], environment: Mapping[str, str], *, file: Path | None = None
) -> Settings:
    """Combine the three sources. Raises `SettingsError` naming the key that is wrong or unknown."""
    values: dict[str, Any] = _from_file(file) if file else {}
    values |= _from_environment(environment)
    values |= {key: value for key, value in flags.items() if value is not None}
    known = {entry.name: entry for entry in fields(Settings)}
    for key in values:
        if key not in known:
            raise SettingsError(key, "is not a setting")
    read = {key: _convert(key, str(known[key].type), value) for key, value in values.items()}
    return _checked(Settings(**read))


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError("config", f"{path} does not exist") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("config", f"{path} is not TOML") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Only names of settings: other ``RELAIS_*`` variables belong to other commands."""
    names = {f"RELAIS_{entry.name.upper()}": entry.name for entry in fields(Settings)}
    return {names[name]: value for name, value in environment.items() if name in names}


def _convert(key: str, kind: str, value: Any) -> Any:
    for word, convert in _CONVERSIONS.items():
        if word in kind:
            return convert(key, value)
    return _text(key, value)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(key, "must be a text that is not empty")
    return value


def _path(key: str, value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_text(key, value))


def _whole(key: str, value: Any) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingsError(key, "must be a whole number")
    return value


def _truth(key: str, value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    truth = words.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(truth, bool):
        raise SettingsError(key, "must be true or false")
    return truth


_CONVERSIONS: dict[str, Callable[[str, Any], Any]] = {
    "Path": _path,
    "int": _whole,
    "bool": _truth,
}


def _checked(settings: Settings) -> Settings:
    _within("port", settings.port, 0, 65_535)
    _within("token_seconds", settings.token_seconds, 60, 600)
    _within("blob_bytes", settings.blob_bytes, 1_048_576, 1_073_741_824)
    for key in ("requests_per_second", "request_burst", "logins_per_minute", "login_burst"):
        _within(key, getattr(settings, key), 1, 1_000_000)
    _within("drain_seconds", settings.drain_seconds, 0, 600)
    if settings.log_level not in LEVELS:
        raise SettingsError("log_level", f"must be one of {', '.join(LEVELS)}")
    if settings.checking not in CHECKING:
        raise SettingsError("checking", f"must be one of {', '.join(CHECKING)}")
    if settings.origin is not None:
        _check_origin(settings.origin)
    _check_scheme("mongodb_uri", settings.mongodb_uri, ("mongodb", "mongodb+srv"))
    _check_scheme("redis_url", settings.redis_url, ("redis", "rediss", "unix", "valkey"))
    if settings.redis_url and settings.token_key_file is None:
        raise SettingsError("token_key_file", "must be given where several nodes share redis_url")
    if settings.redis_url and settings.is_embedded:
        raise SettingsError("redis_url", "needs mongodb_uri: the embedded database serves one node")
    _check_files(settings)
    return settings


def _within(key: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SettingsError(key, f"must lie between {least} and {most}")


def _check_origin(origin: str) -> None:
    try:
        parts = urlsplit(origin)
        plain = (
            f"{parts.scheme}://{parts.netloc}" == origin and parts.hostname and "@" not in origin
        )
        parts.port  # noqa: B018  # raises ValueError for a port that is none
    except ValueError:
        plain = False
    if not plain or parts.scheme not in ("http", "https"):
        raise SettingsError("origin", "must look like https://relais.example, without a path")


def _check_scheme(key: str, value: str | None, schemes: tuple[str, ...]) -> None:
    if value is not None and value.partition("://")[0] not in schemes:
        raise SettingsError(key, f"must begin with {' or '.join(f'{name}://' for name in schemes)}")


def _check_files(settings: Settings) -> None:
    for key in ("token_key_file", "log_key_file", "log_policy_file"):
        path = getattr(settings, key)
        if path is not None and not path.is_file():
            raise SettingsError(key, "must be a file that exists")
    if settings.web is not None and not (settings.web / "index.html").is_file():
        raise SettingsError("web", "must be a folder that holds index.html")
