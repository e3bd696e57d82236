"""``anyrig screenshot``: saves what is on a node's screen."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from anyrig.cli import exits, output
from anyrig.cli.exits import Refused

_STDOUT = Path("-")
_JPEG = frozenset({".jpg", ".jpeg"})


def screenshot(
    node: Annotated[str, typer.Argument(help="The node; it has a device.")],
    file: Annotated[
        Path, typer.Argument(help="Where to: a JPEG if its name ends so, else a PNG; - is stdout.")
    ] = Path("screenshot.png"),
    width: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Pixels.  [default: as wide as the screen]")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print as JSON what was saved and when it was on the screen.")
    ] = False,
) -> int:
    """Save what is on a node's screen now, whether a test runs there or not.

    For example:

      anyrig screenshot tv1

      anyrig screenshot tv1 small.jpg --width 640
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    form = "jpeg" if file.suffix.lower() in _JPEG else "png"
    path = f"/nodes/{quote(node, safe='')}/screenshot"
    image, headers = Client.from_environment().file(path, format=form, width=width)
    if file == _STDOUT:
        output.raw(image)
        return exits.OK
    _save(file, image)
    if json:
        taken = datetime.fromtimestamp(int(headers["x-taken"]) / 1e6, UTC)
        output.json({"node": node, "file": str(file), "size": len(image), "taken": taken})
    else:
        output.line(str(file))
    return exits.OK


def _save(file: Path, image: bytes) -> None:
    try:
        file.write_bytes(image)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}.", 400) from error
