"""Settings come from the environment and the files it names, are checked at once, and reach child processes whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings, load_settings, origins, unknown_variables


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_ANALYSIS_FPS", "7.5")
    monkeypatch.setenv("PATCHWATCH_MEDIA_DIRS", "/a:/b")
    settings = load_settings()
    assert settings.analysis_fps == 7.5
    assert settings.media_dirs == (Path("/a"), Path("/b"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ANALYSIS_FPS", "0"), ("PORT", "70000"), ("DEVICE", "gpu"), ("QUEUE_FRAMES", "many"), ("LOG_LEVEL", "loud"),
     ("SOURCE_TIMEOUT_S", "inf"), ("MAX_AGE_S", "nan"), ("RECONNECT_MAX_S", "1"),
     ("PUBLISH_PASSWORD", "p4ss")],
)  # fmt: skip
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PATCHWATCH_{name}", value)
    with pytest.raises(ConfigurationError, match=f"PATCHWATCH_{name}"):
        load_settings()


@pytest.mark.parametrize("url", ["", "http://u:p4ss@host", "redis://u:p4ss@host:six", "host:6379", "redis://p4ss[@h"])
def test_a_redis_address_is_checked_without_showing_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_REDIS_URL: .*redis://") as caught:
        load_settings()
    assert "p4ss" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h", "redis://:p@h:6379/0", "rediss://u:p@h/1", "unix:///run/r.sock?db=1"])
def test_every_form_of_redis_address_is_taken(url: str) -> None:
    assert load_settings(redis_url=url).redis_url == SecretStr(url)


def test_a_publishers_name_and_password_go_together() -> None:
    for half in (
        {"publish_username": "cam"},
        {"publish_password": "p4ss"},
        {"publish_username": "cam", "publish_password": ""},
    ):
        with pytest.raises(
            ConfigurationError, match="PATCHWATCH_PUBLISH_PASSWORD: goes with PATCHWATCH_PUBLISH_USERNAME"
        ):
            load_settings(**half)
    assert load_settings(publish_username="cam", publish_password="p4ss").publish_username == "cam"


def test_an_unknown_override_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_NO_SUCH"):
        load_settings(no_such=1)


def test_secrets_do_not_show() -> None:
    settings = load_settings(
        api_token="t0ken", publish_username="cam", publish_password="s3cret", redis_url="redis://:p4ss@host/0"
    )
    assert not any(secret in repr(settings) + str(settings) for secret in ("t0ken", "s3cret", "p4ss"))


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATCHWATCH_QUEUE_FRAMES", "9")
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", "redis://old/0")
    ours = load_settings(
        port=0, media_dirs=(tmp_path / "a", tmp_path / "b"), random_clip_weights=True, api_token=SecretStr("t"),
        publish_username=None, clip_weights=tmp_path / "clip.pt", websocket_heartbeat_s=0.25,
    ).changed(redis_url="redis://new/0", port=1234)  # fmt: skip
    environment = ours.environment()
    assert environment["PATH"]  # the rest of the environment is kept
    for name in list(environment):
        if name.startswith("PATCHWATCH_"):
            monkeypatch.setenv(name, environment[name])
    theirs = load_settings()
    assert theirs == ours
    assert theirs.redis_url is not None
    assert theirs.redis_url.get_secret_value() == "redis://new/0"
    assert theirs.queue_frames == 9


def test_media_folders_default_to_one_in_the_data_folder(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).allowed_media_dirs == (tmp_path / "media",)


def test_media_folders_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may lie on a share that hangs, and the event loops ask for them."""
    settings = load_settings(media_dirs=(tmp_path / "link" / "x", Path("y")))
    monkeypatch.setattr(os.path, "realpath", lambda *_, **__: pytest.fail("followed"))
    assert settings.allowed_media_dirs == (tmp_path / "link" / "x", Path.cwd() / "y")


def test_a_role_without_a_redis_is_told_what_to_set() -> None:
    assert Settings(redis_url="redis://:pw@host:1/0").shared_redis_url == "redis://:pw@host:1/0"
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_REDIS_URL.*patchwatch serve"):
        _ = Settings().shared_redis_url


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "url",
    ["redis://:pa/ss@host:6379/0", "redis://:12/ss@host/0", "redis://u:p#x@host/0", "redis://:p?x@host", "redis://host/zero",
     "redis://", "unix://relative", "redis://host/0#1"],
)  # fmt: skip
def test_an_address_whose_password_was_not_encoded_is_refused_and_says_how(url: str) -> None:
    with pytest.raises(ConfigurationError, match="%2F"):
        load_settings(redis_url=url)


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without an entry in passwd and without HOME, as OpenShift gives."""
    for name in ("HOME", "PATCHWATCH_DATA_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 123_456_789)


def test_without_a_home_a_data_folder_has_to_be_named(no_home: None) -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_DATA_DIR: there is no home folder"):
        load_settings()


def test_with_a_data_folder_no_home_is_needed(no_home: None, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    assert settings.weights_dir == tmp_path / "weights"
    assert settings.allowed_media_dirs == (tmp_path / "media",)


def test_variables_that_are_not_settings_are_named_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS", "redis://h")
    monkeypatch.setenv("PATCHWATCH_ANALYSIS_FSP", "5")
    monkeypatch.setenv("PATCHWATCH_" + "X" * 5000, "1")
    monkeypatch.setenv("patchwatch_port", "1")
    unknown = unknown_variables()
    assert unknown["PATCHWATCH_REDIS"] == "PATCHWATCH_REDIS_URL"
    assert unknown["PATCHWATCH_ANALYSIS_FSP"] == "PATCHWATCH_ANALYSIS_FPS"
    assert (len(unknown), unknown["PATCHWATCH_" + "X" * 5000]) == (3, None)


def test_every_command_warns_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_DATADIR", "/x")
    result = CliRunner().invoke(app, ["settings"])
    assert "PATCHWATCH_DATADIR is not a setting and has no effect: did you mean PATCHWATCH_DATA_DIR?" in result.stderr
    assert "PATCHWATCH_DATADIR" not in result.stdout


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TOML file that the environment names."""
    path = tmp_path / "patchwatch.toml"
    path.write_text('analysis_fps = 7.5\nmedia_dirs = ["/a", "/b"]\nport = 1\napi_token = "of-the-file"\n')
    monkeypatch.setenv("PATCHWATCH_CONFIG_FILE", str(path))
    return path


def test_a_toml_file_sets_what_nothing_else_sets(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_PORT", "2")
    settings = load_settings()
    assert (settings.analysis_fps, settings.media_dirs) == (7.5, (Path("/a"), Path("/b")))
    assert (settings.port, load_settings(port=3).port) == (2, 3)
    assert [origins().get(name) for name in ("port", "analysis_fps", "host")] == ["environment", str(config), None]


def test_a_file_of_a_secret_comes_before_the_toml_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = config.with_name("token")
    secret.write_text("of-its-own-file\r\n")
    monkeypatch.setenv("PATCHWATCH_API_TOKEN_FILE", str(secret))
    assert load_settings().api_token == SecretStr("of-its-own-file")
    assert origins()["api_token"] == str(secret)
    assert unknown_variables() == {}


def test_a_secret_that_is_set_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_API_TOKEN", "t0ken")
    monkeypatch.setenv("PATCHWATCH_API_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ConfigurationError, match="PATCHWATCH_API_TOKEN and PATCHWATCH_API_TOKEN_FILE are both set"):
        load_settings()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_of_a_secret_that_cannot_be_read_is_named(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("PATCHWATCH_API_TOKEN_FILE", str(path))
    with pytest.raises(ConfigurationError, match=rf"PATCHWATCH_API_TOKEN_FILE: {path} cannot be read"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("port = ", "PATCHWATCH_CONFIG_FILE: .*toml is not TOML"),
        ("analysis_fsp = 5", "toml: analysis_fsp is not a setting: did you mean analysis_fps?"),
        ("port = 70000", "PATCHWATCH_PORT: .* Correct or remove port in .*toml"),
        ('media_dirs = ["/a", 1]', "PATCHWATCH_MEDIA_DIRS: .* Correct or remove media_dirs in"),
        ("[camera]", "toml: camera is not a setting"),
    ],
)
def test_what_is_wrong_in_the_toml_file_is_named_with_its_place(content: str, message: str, config: Path) -> None:
    config.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        load_settings()


def test_a_toml_file_that_is_not_there_is_named(config: Path) -> None:
    config.unlink()
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_CONFIG_FILE: .*patchwatch.toml cannot be read"):
        load_settings()


def test_a_wrong_secret_in_a_file_names_the_variable_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text("http://u:p4ss@host")
    monkeypatch.setenv("PATCHWATCH_REDIS_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_REDIS_URL: .* unset PATCHWATCH_REDIS_URL_FILE") as caught:
        load_settings()
    assert "p4ss" not in str(caught.value)


def test_a_child_process_gets_what_the_files_set_and_reads_none(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = load_settings(redis_url="redis://h")
    environment = ours.environment()
    assert "PATCHWATCH_CONFIG_FILE" not in environment
    assert environment["PATCHWATCH_API_TOKEN"] == "of-the-file"
    monkeypatch.delenv("PATCHWATCH_CONFIG_FILE")
    for name in [name for name in environment if name.startswith("PATCHWATCH_")]:
        monkeypatch.setenv(name, environment[name])
    assert load_settings() == ours


def test_no_file_in_the_working_folder_is_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATCHWATCH_CONFIG_FILE")
    monkeypatch.chdir(config.parent)
    assert load_settings().analysis_fps == 5.0
