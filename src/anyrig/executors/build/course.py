"""Runs the actions of a build one after the other, and says what becomes of each."""

from collections.abc import Collection
from dataclasses import dataclass, field

from anyrig.core.build_records import Ended
from anyrig.core.build_spec import BuildSpec
from anyrig.core.builds import Action
from anyrig.core.placeholders import BadCommand, CommandLine, MissingParam, fill
from anyrig.executors.base import Stop
from anyrig.executors.build.printed import Printed
from anyrig.executors.build.ran import Place, Ran, not_run
from anyrig.executors.build.voice import Voice

_FAILED = "Execution failed: "


@dataclass(frozen=True, slots=True)
class Failure:
    """An action that is not done."""

    command: str
    """As people may read it."""
    why: str
    output: str
    """The end of what it has printed."""


@dataclass(slots=True)
class Course:
    """How a run has gone so far."""

    ended: list[Ended] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    cut_short: bool = False
    """An action that matters has failed."""
    stopped: bool = False


async def follow(build: BuildSpec, secret: Collection[str], place: Place, voice: Voice, stop: Stop) -> Course:
    """Run all actions, or as many as are to be run. ``secret``: names of params that nobody is to read."""
    course = Course()
    for action in build.actions:
        if stop.is_set():
            course.stopped = True
            break
        ended = await _act(action, build, secret, place, voice, course)
        course.ended.append(ended)
        if ended is not Ended.DONE and (action.critical or build.stop_on_first_fail):
            course.cut_short = True
        if course.cut_short or course.stopped:
            break
    return course


async def _act(
    action: Action, build: BuildSpec, secret: Collection[str], place: Place, voice: Voice, course: Course
) -> Ended:
    """Run one action; what is wrong with it is said and added to the course."""
    printed = Printed(voice)
    line, trouble = _filled(action, build, secret)
    voice.command(line.shown)
    ran = not_run(trouble) if trouble else await _run(line, place, voice, printed)
    message = trouble or (f"{_FAILED}{ran.why}" if ran.why else "Finished")
    if ran.ended is Ended.DONE:
        voice.info(message)
    else:
        voice.error(message)
        why = voice.mask.text(message.removeprefix(_FAILED))
        course.failures.append(Failure(voice.mask.text(line.shown), why, printed.last()))
        course.stopped = ran.stopped
    voice.log.note(f"({message})")
    return ran.ended


def _filled(action: Action, build: BuildSpec, secret: Collection[str]) -> tuple[CommandLine, str]:
    """What to run, and why it cannot be run, if so."""
    if action.broken:
        return CommandLine(action.command, action.command), f"{_FAILED}{action.broken}"
    try:
        return fill(action.command, build.values, raw=build.raw_params, secret=secret), ""
    except (MissingParam, BadCommand) as error:
        return CommandLine(action.command, action.command), str(error)


async def _run(line: CommandLine, place: Place, voice: Voice, printed: Printed) -> Ran:
    voice.info(f"Executing action: {line.shown}")
    ran = await place.act(line, printed)
    printed.end()
    if ran.started:
        output, error = ("", "") if ran.timed_out else ("stdout: ", "stderr: ")
        voice.debug(output + printed.output.text())
        voice.debug(error + printed.error.text())
    return ran
