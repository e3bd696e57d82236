"""Who tells for which extension: by the first of its names in ``core.extensions``."""

from anyrig.engine.announcing import files, mails, posts
from anyrig.engine.announcing.base import Teller

TELLERS: dict[str, Teller] = {
    "logs": files,
    "notifications": mails,
    "webhooks": posts,
}
