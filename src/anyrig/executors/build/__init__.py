"""Tests of kind ``build``: actions, one after the other, each in a shell of its own.

Described for users in ``docs/reference/builds.md``.
"""

from anyrig.core.build_spec import BuildSpec, heard
from anyrig.core.masking import Mask
from anyrig.core.messages import TaskSpec
from anyrig.executors.base import Reporter, Stop, Workspace
from anyrig.executors.build.course import follow
from anyrig.executors.build.endings import ended
from anyrig.executors.build.places import opened
from anyrig.executors.build.voice import Voice
from anyrig.executors.live_log import LiveLog

KIND = "build"
_LOG = "combined.log"


async def run(spec: TaskSpec, workspace: Workspace, reporter: Reporter, stop: Stop) -> None:
    """Run the actions and say how it goes, in records and in the log; there is one result.

    A build without actions passes, and nothing is said about the run as a whole: nothing was asked for, and
    nothing has failed.
    """
    if spec.done or stop.is_set():
        return
    build = heard(spec.params, spec.secrets)
    secret = _secret(spec, build)
    mask = Mask(spec.secrets.values())
    reporter.started(spec.tests[0])
    with LiveLog(workspace.scratch / _LOG, reporter, mask=mask) as log:
        voice = Voice(reporter, mask, log)
        if build.actions:
            voice.params(build.values, secret)
        async with opened(build, spec, workspace, voice, stop) as place:
            course = await follow(build, secret, place, voice, stop)
    said, outcome = ended(build, course, stop.reason)
    if said:
        voice.ended(said)
    outcome.files[_LOG] = log.file
    await reporter.finished(spec.tests[0], outcome)


def _secret(spec: TaskSpec, build: BuildSpec) -> frozenset[str]:
    """The params whose values came apart from the others."""
    return frozenset(
        name
        for name, (_, value) in spec.params["values"].items()
        if value is None and build.values[name].value is not None
    )
