"""The examples that come with Anyrig, and what each needs of the machine."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyrig


@dataclass(frozen=True, slots=True)
class Example:
    """Some tests of one kind, of one project."""

    project: str
    kind: str
    node: str | None = None
    """The one node they can run on; None: any without a device."""
    programs: tuple[str, ...] = ()
    """What they cannot do without."""

    @property
    def missing(self) -> list[str]:
        """Those that this machine lacks."""
        return [program for program in self.programs if not shutil.which(program)]


BUILD = "build"
"""The kind that is in no test pack."""
TV = "tv"
"""The node with the television, and its project."""
EXAMPLES = (
    Example("first", "python"),
    Example("first", "command"),
    Example("builds", BUILD),
    Example(TV, "python", node=TV, programs=("chromium", "ffmpeg", "tesseract")),
)


def folder(project: str) -> Path:
    """The project's test pack: beside the sources, or within the installed package."""
    package = Path(anyrig.__file__).parent
    places = (package.parents[1] / "examples", package / "examples")
    return next(place / project for place in places if (place / project).is_dir())


def app_files() -> dict[str, str]:
    """The example builds: name -> app file."""
    files = sorted(folder("builds").glob("*.yml"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    return {f"examples/{file.stem}": text for file, text in zip(files, texts, strict=True)}


def options(examples: Sequence[Example]) -> list[str]:
    """For ``anyrig up``, so that it has what the examples need."""
    projects = dict.fromkeys(example.project for example in examples if example.kind != BUILD)
    found = [word for project in projects for word in ("--pack", f"{project}={folder(project)}")]
    if TV in projects:
        page = (folder(TV) / "app" / "index.html").as_uri()
        found += ["--device", f"{TV}=browser:{page}"]
    return found
