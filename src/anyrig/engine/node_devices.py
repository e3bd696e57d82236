"""Look at a node's device, and press its keys, whether a test runs there or not."""

from dataclasses import dataclass

from anyrig.bus import codec, subjects
from anyrig.core.errors import (
    AnyrigError,
    Invalid,
    NobodyThere,
    NoControl,
    NodeOffline,
    NodeTroubled,
    NotFound,
    NoVideo,
    PeerFailed,
)
from anyrig.core.messages import DeviceOffer, PictureReply, PictureRequest, PressRequest
from anyrig.core.records import NodeRecord
from anyrig.core.users import Principal, Role
from anyrig.engine import pack_remotes, reserve
from anyrig.engine.lab import Lab
from anyrig.engine.pages import find_node
from anyrig.storage.sql import nodes as nodes_sql

_SECONDS = 10.0
_LONGEST_HOLD = 60.0
_WIDEST = 4096
_NOTED_AGAIN = 10_000_000
"""Microseconds within which somebody who looks again and again is noted as the node's last user once."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What was on the screen."""

    image: bytes
    media_type: str
    taken: int
    """Microseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Press:
    """A key that somebody wants pressed."""

    key: str
    hold: float | None = None
    """Seconds; None: a short press."""
    remote_control: str | None = None
    """None: the revision's default one; without a revision, too, the one that was used last."""
    revision: str | None = None
    """Of the test pack that describes the remote control; None: its main branch."""
    project: str | None = None
    """Whose test pack; None: the default project's."""


async def picture(
    lab: Lab, who: Principal, name: str, form: str = "png", width: int | None = None, *, note: bool = True
) -> Picture:
    """What is on the screen of the node's device now; ``form``: ``png`` or ``jpeg``.

    ``note``: the user counts as the node's last user then.

    Raises:
        NotFound: There is no such node, or it has no device.
        NodeOffline, NodeTroubled: There is no picture.
        Invalid: No picture can be so wide.
    """
    if width is not None and not 0 < width <= _WIDEST:
        raise Invalid(reason=f"width must be from 1 to {_WIDEST}")
    record, _ = await _with_device(lab, who, name)
    first, image = await _piece(lab, name, PictureRequest(form, width))
    pieces, got = [image], len(image)
    while got < first.size:
        _, piece = await _piece(lab, name, PictureRequest(form, width, first.taken, got))
        pieces.append(piece)
        got += len(piece)
    if note:
        await _note_use(lab, who, record)
    return Picture(b"".join(pieces), f"image/{form}", first.taken)


async def press(lab: Lab, who: Principal, name: str, wanted: Press) -> None:
    """Press a key; returns when it is up again.

    Raises:
        NotFound: There is no such node, it has no device, or the test pack or its revision is not there.
        NodeReserved: By somebody else.
        UnknownKey, NoControl, ControlFailed, NodeOffline, Invalid, Forbidden.
    """
    who.require(Role.OPERATOR, "press keys")
    if not wanted.key:
        raise Invalid(reason="the key has no name")
    if wanted.hold is not None and not 0 <= wanted.hold <= _LONGEST_HOLD:
        raise Invalid(reason=f"a key can be held for at most {_LONGEST_HOLD:g} s")
    record, device = await _with_device(lab, who, name)
    await reserve.require_use(lab, who, name)
    if device.control is None:  # while it has no picture, its agent could not tell
        raise NoControl(device=device.kind)
    remote = await pack_remotes.remote_control(
        lab, who, name, wanted.remote_control, wanted.revision, wanted.project
    )
    request = PressRequest(wanted.key, wanted.hold, remote)
    await _ask(lab, name, "press", codec.encode(request), _SECONDS + (wanted.hold or 0))
    await _note_use(lab, who, record)


async def _with_device(lab: Lab, who: Principal, name: str) -> tuple[NodeRecord, DeviceOffer]:
    stand = await find_node(lab, who, name)
    if not stand.now.online:
        raise NodeOffline(node=name)
    if stand.record.device is None:
        raise NotFound(what="device on node", name=name)
    return stand.record, stand.record.device


async def _piece(lab: Lab, node: str, request: PictureRequest) -> tuple[PictureReply, bytes]:
    answer = await _ask(lab, node, "picture", codec.encode(request), _SECONDS)
    head, _, image = answer.partition(b"\n")
    return codec.decode(PictureReply, head), image


async def _ask(lab: Lab, node: str, verb: str, request: bytes, seconds: float) -> bytes:
    """What the node's agent answers; its errors become ours."""
    try:
        return await lab.bus.request(subjects.rpc(node, verb), request, timeout=seconds)
    except NobodyThere:
        raise NodeOffline(node=node) from None
    except PeerFailed as failed:
        told = failed.fields["error"]
        if isinstance(told, NoVideo):
            raise NodeTroubled(node=node, trouble=str(told)) from None
        raise (told if isinstance(told, AnyrigError) else failed) from None


async def _note_use(lab: Lab, who: Principal, record: NodeRecord) -> None:
    now = lab.now()
    if record.last_used_by == who.user and now - (record.last_used or 0) < _NOTED_AGAIN:
        return
    await lab.db.write(lambda c: nodes_sql.used(c, record.name, who.user, now))
