"""The portal: plain pages for people, drawn by the server; the scripts in them only make them lively."""

from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from anyrig.server.portal import builds, jobs, nodes, results, session
from anyrig.server.portal.page import action, page, public

_ONE = "/app/result/{node}/{series}/{number:int}/{time}"


def routes() -> list[BaseRoute]:
    """All below ``/app``."""
    return [
        Route("/app", public(session.shell)),
        Route("/app/login", public(session.ask), methods=["GET"]),
        Route("/app/login", public(session.log_in), methods=["POST"]),
        Route("/app/logout", public(session.log_out), methods=["POST"]),
        Route("/app/results", page(results.show_list)),
        Route(_ONE, page(results.show_one)),
        Route(_ONE + "/artifacts/{name:path}", page(results.send_artifact), methods=["GET"]),
        Route("/app/jobs", page(jobs.show_list)),
        Route("/app/job/{number:int}", page(jobs.show_one)),
        Route("/app/job/{number:int}/events", page(jobs.follow)),
        Route("/app/job/{number:int}/log", page(jobs.send_log)),
        Route("/app/job/{number:int}/stop", action(jobs.stop_one), methods=["POST"]),
        Route("/app/builds", page(builds.show_list)),
        Route("/app/build/{name:path}", page(builds.show_one), methods=["GET"]),
        Route("/app/build/{name:path}", action(builds.run_one), methods=["POST"]),
        Route("/app/nodes", page(nodes.show_list)),
        Route("/app/node/{name}", page(nodes.show_one)),
        Route("/app/node/{name}/picture", page(nodes.send_picture)),
        Route("/app/node/{name}/press", action(nodes.press_key), methods=["POST"]),
        Mount("/app/static", StaticFiles(directory=Path(__file__).with_name("static"))),
    ]
