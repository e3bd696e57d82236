"""Who wants to encrypt a secret for the tests of a project gets its public key."""

from anyrig.core.users import Principal, Role
from anyrig.engine.lab import Lab
from anyrig.engine.pack_tests import project_named


async def public_key(lab: Lab, who: Principal, project: str | None) -> str:
    """The public key of a project, the default one for None, as PEM (SubjectPublicKeyInfo).

    Raises:
        NotFound: There is no such project.
    """
    owner = await project_named(lab, who, project)
    who.require(Role.VIEWER, "encrypt secrets", owner.name)
    return await lab.secrets.public_key(owner.name, owner.number, lab.now())
