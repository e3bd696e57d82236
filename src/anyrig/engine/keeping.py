"""What people say about what is kept: this result stays; what would go?"""

from anyrig.core.errors import Forbidden, Gone
from anyrig.core.users import Principal, Role
from anyrig.engine import result_reads
from anyrig.engine.lab import Lab
from anyrig.engine.retention import Kept, Plan, plan
from anyrig.storage.sql import retention as sql


async def pin(lab: Lab, who: Principal, result_id: str, *, pinned: bool) -> None:
    """A pinned result stays, whatever the rules of retention say, and so does its job.

    Raises:
        NotFound, Gone: There is no such result, or not any more.
        Forbidden: The token may only read.
    """
    found = await result_reads.one(lab, who, result_id)
    who.require(Role.OPERATOR, "pin results", found.project)
    if not await lab.db.write(lambda c: sql.pin(c, result_id, pinned=pinned)):
        raise Gone(what="result", name=result_id)


async def what_would_go(lab: Lab, who: Principal) -> Plan:
    """What the next sweep would remove if it were now. Raises Forbidden."""
    action = "see what retention would remove"
    who.require(Role.ADMIN, action)
    if who.projects is not None:
        raise Forbidden(user=who.user, role=who.role.label, action=action)
    return await plan(Kept(lab.db, lab.objects, lab.retention, lab.now))
