"""Scenarios over the admin API: by their names or as texts, listed, checked, set; and the schema that editors use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mockserver import scenarios
from mockserver.admin import views
from mockserver.admin.ask import Ask
from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON, Response
from mockserver.scenarios import Scenario, ScenarioError, bundled_scenarios
from mockserver.text.documents import files_in


def given_scenario(ask: Ask, given: JSON) -> Scenario:
    """A scenario by name, or one given as an object."""
    if isinstance(given, dict) and "use" in given:
        given = given["use"]
    if isinstance(given, str):
        return _named(ask, given)
    import yaml  # when it is needed: a start of bundled documents reads none

    text = yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
    return scenarios.parse_scenario(text, ask.pipeline.apis, "upload.yaml")


def _named(ask: Ask, name: str) -> Scenario:
    """A bundled one, or one of the server's own folder: a name that came over the network is never read as a path."""
    bundled, own = bundled_scenarios(), _own_scenarios(ask)
    if name in bundled:
        return scenarios.load_scenario(name, ask.pipeline.apis)
    if name not in own:
        elsewhere = ", and none in the server's folder" if ask.scenario_dir else ""
        raise UserError(f"there is no bundled scenario {name[:80]!r}{elsewhere}{did_you_mean(name, [*bundled, *own])}")
    return scenarios.load_scenario(str(own[name]), ask.pipeline.apis)


def _own_scenarios(ask: Ask) -> dict[str, Path]:
    """Scenarios of the server's own folders, by their names."""
    own = files_in(ask.scenario_dir)
    for api in ask.pipeline.apis.values():
        for folder in api.scenario_folders:
            own = {**files_in(str(folder)), **own}
    return own


def set_scenario(ask: Ask) -> Response:
    """Load, and only then start the sandbox afresh with it."""
    sandbox = ask.sandbox
    if isinstance(ask.body, str):
        scenario = scenarios.parse_scenario(ask.body, ask.pipeline.apis, ask.params["file"])
    else:
        scenario = given_scenario(ask, ask.body)
    sandbox.use(scenario)
    return Response(200, views.scenario_view(sandbox))


def list_scenarios(ask: Ask) -> Response:
    """The names that `{"use": NAME}` takes."""
    sources = dict.fromkeys(_own_scenarios(ask), "folder") | dict.fromkeys(bundled_scenarios(), "bundled")
    return Response(200, {"scenarios": [{"name": name, "source": source} for name, source in sorted(sources.items())]})


def check_scenario(ask: Ask) -> Response:
    """Read a scenario as `setScenario` does, and change nothing."""
    try:
        if isinstance(ask.body, str):
            scenarios.parse_scenario(ask.body, ask.pipeline.apis, ask.params["file"])
        else:
            given_scenario(ask, ask.body)
    except ScenarioError as error:
        return Response(200, {"ok": False, "problems": [problem.as_json() for problem in error.problems]})
    except UserError as error:
        return Response(200, {"ok": False, "problems": [{"line": 0, "column": 0, "rule": None, "message": str(error)}]})
    return Response(200, {"ok": True, "problems": []})


def get_schema(_ask: Ask) -> Response:
    """The JSON Schema of scenarios, for completion."""
    return Response(200, _schema())


@cache
def _schema() -> JSON:
    from mockserver.text.models import editor_schema  # pydantic, which a server's start does without

    return editor_schema(scenarios.ScenarioModel)
