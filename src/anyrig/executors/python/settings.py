"""What the test pack and the task say about how tests are to run."""

import configparser
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anyrig.core.errors import Invalid
from anyrig.core.messages import TaskSpec

DEFAULTS = Path(__file__).parent / "inside" / "defaults.conf"
_TIMEOUT = 6 * 3600.0
_MAX_LOG = 100 << 20
_MAX_FILES = 2 << 30
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_BOOLEANS = _TRUE | _FALSE
"""Older packs say ``pytest = true`` to choose pytest over the runner of their time."""
_OWN_RUNNER = "stbt_rig"
"""A pytest plugin that sends tests to the server instead of running them: for the author's machine only."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run the tests of one task."""

    timeout: float
    """Seconds until a test is stopped."""
    max_log: int
    max_files: int
    """Bytes of log, and of files in its folder, that one test may leave."""
    arguments: tuple[str, ...]
    """For pytest."""
    python: str | None
    """Version such as ``3.12``; None: any."""
    files: tuple[Path, ...]
    """Configuration files of the pack; the first that has a value counts."""
    remote_control: str = ""
    """Name; empty: none."""
    video: bool = True
    screenshot: bool = True
    """Whether to keep these of what the device showed."""


def settings(spec: TaskSpec, pack: Path) -> Settings:
    """Read ``[test_pack]`` of ``config/test-farm/<node>.conf`` and ``.stbt.conf``; the task's params win.

    Keys: ``watchdog_timeout`` (seconds; as parameter: ``timeout``), ``pytest`` (more arguments),
    ``python_version``, ``max_log_bytes``, ``max_files_bytes``, ``default_remote_control`` (the task may name
    another), ``video`` and ``screenshot`` (``false``: not to be kept).

    Raises:
        Invalid: A file cannot be read, or a value is not a number, or neither true nor false.
    """
    candidates = (pack / "config" / "test-farm" / f"{spec.node}.conf", pack / ".stbt.conf")
    files = tuple(file for file in candidates if file.is_file())
    values = _test_pack(files)
    return Settings(
        timeout=_number(
            "watchdog_timeout", spec.params.get("timeout", values.get("watchdog_timeout")), _TIMEOUT
        ),
        max_log=int(_number("max_log_bytes", _either(spec, values, "max_log_bytes"), _MAX_LOG)),
        max_files=int(_number("max_files_bytes", _either(spec, values, "max_files_bytes"), _MAX_FILES)),
        arguments=(*_ini(pack), *_extra(values.get("pytest", ""))),
        python=values.get("python_version"),
        files=files,
        remote_control=spec.remote_control or values.get("default_remote_control", ""),
        video=_boolean("video", _either(spec, values, "video")),
        screenshot=_boolean("screenshot", _either(spec, values, "screenshot")),
    )


def _test_pack(files: tuple[Path, ...]) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(reversed(files), "utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise Invalid(reason=f"the configuration of the test pack cannot be read: {error}") from error
    return parser["test_pack"] if parser.has_section("test_pack") else {}


def _either(spec: TaskSpec, values: Mapping[str, str], key: str) -> object:
    return spec.params.get(key, values.get(key))


def _number(key: str, value: object, default: float) -> float:
    if value is None or value == "":
        return default
    try:
        number = float(str(value))
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise Invalid(reason=f"'{value}' is not a number above 0 ({key})")
    return number


def _boolean(key: str, value: object) -> bool:
    """True when nothing is said."""
    text = "true" if value is None or value == "" else str(value).strip().lower()
    if text not in _BOOLEANS:
        raise Invalid(reason=f"'{value}' is neither true nor false ({key})")
    return text in _TRUE


def _extra(value: str) -> list[str]:
    if value.strip().lower() in _BOOLEANS:
        return []
    try:
        return shlex.split(value)
    except ValueError as error:
        raise Invalid(reason=f"'{value}' cannot be split into arguments for pytest: {error}") from error


def _ini(pack: Path) -> list[str]:
    """Name the pack's own configuration of pytest, or none; pytest would look for one above the pack too."""
    for name, section in _INI_FILES:
        file = pack / name
        if file.is_file() and section in (text := file.read_text("utf-8", "replace")):
            return ["-c", str(file), *(["-o", "addopts="] if _OWN_RUNNER in text else [])]
    return ["-c", "/dev/null"]


_INI_FILES = (
    ("pytest.toml", ""),
    (".pytest.toml", ""),
    ("pytest.ini", ""),
    (".pytest.ini", ""),
    ("pyproject.toml", "[tool.pytest"),
    ("tox.ini", "[pytest]"),
    ("setup.cfg", "[tool:pytest]"),
)
"""Where pytest looks, and what has to be in the file."""


def run_configuration(spec: TaskSpec, test: str = "") -> str:
    """The text of the configuration file that stands before those of the pack, for ``stbt.get_config``.

    Sections: ``result`` (``test_case``, ``job_uid``, ``job_category``), ``result.tags`` (a tag without a
    value is empty), ``test_pack`` with ``default_remote_control`` if the task names one, and ``secrets``. The
    reader interpolates ``%`` and lower-cases keys. Tags whose name its syntax cannot express are left out.
    """
    result = {"test_case": test, "job_uid": spec.job_uid, "job_category": spec.category}
    tags = {name.lower(): value or "" for name, value in spec.tags.items() if name[:1] not in "#;["}
    sections = {"result": result, "result.tags": tags}
    if spec.remote_control:
        sections["test_pack"] = {"default_remote_control": spec.remote_control}
    if spec.secrets:
        sections["secrets"] = spec.secrets
    return "".join(f"[{name}]\n{_section(values)}\n" for name, values in sections.items())


def _section(values: Mapping[str, str]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: str) -> str:
    return value.replace("%", "%%").replace("\r", " ").replace("\n", "\n\t")
