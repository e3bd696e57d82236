"""Remote controls as a project's test pack describes them, read from its repository."""

from anyrig.core.devices import Remote
from anyrig.core.errors import Invalid, NotFound
from anyrig.core.node_config import config_path, parse_config, value_of
from anyrig.core.remote_controls import FOLDER, KEYMAP, LIRC, is_plain, remote_from
from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.engine.pack_tests import project_named
from anyrig.packs.revisions import HEAD

_WHOLE_PACK = ".stbt.conf"


async def remote_control(
    lab: Lab, who: Principal, node: str, name: str | None, revision: str | None, project: str | None
) -> Remote | None:
    """The remote control of that name at the revision, or else on the main branch.

    Without a name it is the revision's ``test_pack.default_remote_control``, in the words of the node's own
    file first. None: neither a name nor a revision is given, or the revision has no default.

    Raises:
        NotFound: The project, its pack or the revision.
        Invalid: There is no such remote control, or its keymap makes no sense.
    """
    if name is None and revision is None:
        return None
    if name is not None and not is_plain(name):
        raise Invalid(reason=f"'{name}' does not name a remote control")
    try:
        owner = (await project_named(lab, who, project)).name
    except NotFound:
        if name is None or project is not None:
            raise
        return remote_from(name, None, None)
    sha = (await lab.packs.resolve(owner, revision or HEAD)).sha
    chosen = await _default(lab, owner, sha, node) if name is None else name
    return await _read(lab, owner, sha, chosen) if chosen is not None else None


async def _default(lab: Lab, project: str, sha: str, node: str) -> str | None:
    for path in (config_path(node), _WHOLE_PACK):
        config = parse_config((await lab.packs.read_file(project, sha, path)) or b"")
        if found := value_of(config, "test_pack", "default_remote_control"):
            return found
    return None


async def _read(lab: Lab, project: str, sha: str, name: str) -> Remote:
    keymap, lirc = [await _text(lab, project, sha, f"{FOLDER}/{name}{ending}") for ending in (KEYMAP, LIRC)]
    return remote_from(name, keymap, lirc)


async def _text(lab: Lab, project: str, sha: str, path: str) -> str | None:
    data = await lab.packs.read_file(project, sha, path)
    return None if data is None else data.decode("utf-8", "replace")
