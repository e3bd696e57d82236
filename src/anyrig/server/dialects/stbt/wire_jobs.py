"""Jobs in the words of stb-tester: ``running`` or ``exited``, with an uid that begins with a slash."""

from anyrig.core.records import Job
from anyrig.core.results import Counts
from anyrig.server.dialects.stbt.wire import ZULU, Json, moment

_NO_JOB = "/0000/0"
"""Ends the uid that stands for "this node never had a job": no farm's job has the number 0."""


def job_json(job: Job, base: str, utc: str = ZULU) -> Json:
    """A job; ``base`` is our own address without a slash at the end.

    A job that its node has not accepted yet started when it was submitted.
    """
    return _json(
        job.uid,
        base,
        running=not job.is_over,
        start=moment(job.started or job.created, utc),
        end=None if job.ended is None else moment(job.ended, utc),
        counts=job.counts,
    )


def no_job_json(node: str, base: str) -> Json:
    """The job of a node that never had one: ``stbt_rig run --force`` wants to see one that has exited."""
    never = moment(0)
    return _json(no_job_uid(node), base, running=False, start=never, end=never, counts=Counts())


def no_job_uid(node: str) -> str:
    return f"/{node}{_NO_JOB}"


def is_no_job(uid: str) -> bool:
    return uid.endswith(_NO_JOB)


def results_page(uid: str, base: str) -> str:
    """Where a browser shows the job's results."""
    return f"{base}/app/#/results?filter=job:{uid}"


def _json(uid: str, base: str, *, running: bool, start: str, end: str | None, counts: Counts) -> Json:
    url = f"{base}/api/v2/jobs{uid}"
    return {
        "job_uid": uid,
        "job_url": url,
        "log_url": f"{url}/log",
        "triage_url": results_page(uid, base),
        "status": "running" if running else "exited",
        "start_time": start,
        "end_time": end,
        "result_counts": {
            "pass": counts.passed,
            "fail": counts.failed,
            "error": counts.errors,
            "total": counts.total,
        },
    }
