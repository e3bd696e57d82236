"""The conversation with the keepers of one task."""

import asyncio
import itertools
from pathlib import Path

from anyrig.core.errors import AnyrigError
from anyrig.core.messages import TaskSpec
from anyrig.core.results import Verdict
from anyrig.executors.base import Outcome, Reporter, Stop, Workspace
from anyrig.executors.python.filming import Filming
from anyrig.executors.python.handles import Keeper, Wanted
from anyrig.executors.python.inside.messages import LOG, Message, decode
from anyrig.executors.python.place import Place, clock_offset
from anyrig.executors.python.settings import DEFAULTS, Settings, run_configuration
from anyrig.executors.python.warm import Warm

_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL for a test that takes too long or leaves too much."""
_SLACK = 30.0
"""Seconds after which a keeper that should have ended a test itself is taken for lost."""


class Session:
    """Runs the tests of one task.

    ``environment``: the folder of the pack's environment. ``group``: owns what goes on beside the tests.
    """

    def __init__(
        self,
        spec: TaskSpec,
        workspace: Workspace,
        reporter: Reporter,
        stop: Stop,
        how: Settings,
        filming: Filming,
        environment: Path,
        warm: Warm,
        group: asyncio.TaskGroup,
    ) -> None:
        self._spec = spec
        self._workspace = workspace
        self._reporter = reporter
        self._stop = stop
        self._how = how
        self._filming = filming
        self._environment = environment
        self._warm = warm
        self._group = group
        self._device = str(filming.device.socket) if filming.device else None
        self._configuration = "\n".join((*map(str, how.files), str(self._device), run_configuration(spec)))
        self._numbers = itertools.count()
        self._files: dict[str, bool] = {}
        """Whether the pack has them."""
        self._more = False
        self._last: Place | None = None
        self._running: Keeper | None = None
        self._deadline = asyncio.timeout(None)

    async def run_test(self, name: str, *, more: bool) -> bool:
        """Run it and report it; False when it could not even begin, as it would not another time.

        ``more``: another one follows.
        """
        self._more = more
        place = Place(self._workspace.scratch / "results" / str(next(self._numbers)), self._reporter)
        place.make()
        self._clear_last(place)
        trouble = await self._filming.trouble(self._stop)
        if self._stop.is_set():
            return True
        self._reporter.started(name)
        if trouble:
            result = place.error(name, trouble, began=True)  # the next time it may be gone
        else:
            async with self._filming.of(place):
                result = await self._result(name, place)
        if result.get("empty", True):  # as a rule; a folder with many files would keep the event loop waiting
            outcome = self._outcome(result, place)
        else:
            outcome = await asyncio.to_thread(self._outcome, result, place)
        await self._reporter.finished(name, outcome)
        return bool(result["began"])

    def _clear_last(self, place: Place) -> None:
        """Remove what the test before left, while this one runs; the last one's goes with the task."""
        if self._last is not None:
            self._group.create_task(asyncio.to_thread(self._last.clear))
        self._last = place

    def _outcome(self, result: Message, place: Place) -> Outcome:
        verdict = Verdict(result["verdict"])
        return place.outcome(verdict, result["reason"], result["traceback"], self._how.max_files)

    async def _result(self, name: str, place: Place) -> Message:
        """What a keeper says of the test, or what there is to say without one."""
        file, _, function = name.partition("::")
        if not function:
            return place.error(name, f"'{name}' does not name a test; tests/file.py::test_name would")
        if not self._is_in_pack(file):
            return place.error(name, f"There is no file '{file}' in the test pack")
        try:
            place.configure(run_configuration(self._spec, name))
            sha = self._spec.sha or f"task {self._spec.task}"  # files without a sha may change between tasks
            wanted = Wanted(self._workspace.pack, sha, file, self._how.arguments)
            keeper = self._warm.take(self._environment, wanted, self._configuration)
        except (AnyrigError, OSError) as error:
            return place.error(name, str(error))
        result = await self._said(keeper, self._request(name, place))
        return result or place.error(
            name, f"The test's keeper ended: {keeper.zygote.complaints()}", began=True
        )

    def _is_in_pack(self, file: str) -> bool:
        if file not in self._files:
            pack = self._workspace.pack.resolve()
            path = (pack / file).resolve()
            self._files[file] = path.is_relative_to(pack) and path.is_file()
        return self._files[file]

    async def _said(self, keeper: Keeper, request: Message) -> Message | None:
        """None when the keeper is lost."""
        result = None
        try:
            result = await self._converse(keeper, request)
        finally:
            self._running = None
            try:
                if not result:
                    await _end(keeper)
            finally:
                self._warm.give_back(keeper, usable=bool(result))
        if result:
            keeper.configuration = self._configuration if result["configured"] else None
        return result

    def _request(self, name: str, place: Place) -> Message:
        return {
            "test": name,
            "config": ":".join(map(str, (place.configuration, *self._how.files, DEFAULTS))),
            "offset": clock_offset(self._reporter),
            "files": str(place.files),
            "logs": str(place.logs),
            "timeout": self._how.timeout,
            "grace": _GRACE,
            "max_log": self._how.max_log,
            "max_files": self._how.max_files,
            "more": self._more,
            "secrets": list(self._spec.secrets.values()),
            "node": self._spec.node,
            "device": self._device,
            "pictures": str(place.pictures) if self._device and self._how.screenshot else None,
        }

    async def _converse(self, keeper: Keeper, request: Message) -> Message | None:
        """Have the keeper run a test, and pass its log on; None when the keeper is lost."""
        if not keeper.send(request):
            return None
        self._running = keeper
        part = b""
        try:
            async with asyncio.timeout(request["timeout"] + _SLACK) as self._deadline:
                self._tell_to_stop()
                while packet := await keeper.receive():
                    if packet[:1] != LOG:
                        return decode(packet)
                    whole, newline, part = (part + packet[1:]).rpartition(b"\n")
                    if newline:
                        self._reporter.log(whole + newline)
        except TimeoutError:
            pass
        return None

    async def pass_on_stop(self) -> None:
        """Wait for the task to be stopped, and have the running test ended."""
        await self._stop.wait()
        self._tell_to_stop()

    def _tell_to_stop(self) -> None:
        if self._running and self._stop.is_set():
            self._running.send({"stop": self._stop.reason, "grace": self._stop.grace})
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._stop.grace + _SLACK)


async def _end(keeper: Keeper) -> None:
    """Wait until it has killed what it looked after and has ended."""
    keeper.hang_up()
    try:
        async with asyncio.timeout(_SLACK):
            while await keeper.receive():
                pass
    except TimeoutError:
        pass
