"""Webhooks of Git hosts and of others, one module a provider. All of it is pure: no I/O, no clock.

A module reads its options when a test is made, and judges each hook: whether it comes from whom it says, what
was pushed, and which runs that means. Who the peer is, which deliveries are known, and what a judgement looks
like on the wire is for others to say.
"""

from anyrig.server.dialects.sloth.hooks import bitbucket, generic, gitea, github, gitlab
from anyrig.server.dialects.sloth.hooks.base import Hook, Judgement, ProviderModule
from anyrig.server.dialects.sloth.peers import Networks

PROVIDERS: dict[str, ProviderModule] = {
    bitbucket.NAME: bitbucket,
    generic.NAME: generic,
    gitea.NAME: gitea,
    github.NAME: github,
    gitlab.NAME: gitlab,
}
DEFAULT_NETWORKS: dict[str, Networks] = {
    name: provider.DEFAULT_NETWORKS for name, provider in PROVIDERS.items() if provider.DEFAULT_NETWORKS
}
"""By provider: where its hooks come from, unless the server's settings say otherwise."""

__all__ = ["DEFAULT_NETWORKS", "PROVIDERS", "Hook", "Judgement", "ProviderModule"]
