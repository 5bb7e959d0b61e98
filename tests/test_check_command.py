"""`mockserver check`: documents and scenarios, every fault with its place, in each form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver.cli.check import check
from mockserver.cli.reports import FORMATS, Report
from mockserver.contract.faults import Fault

GOOD = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a: {get: {responses: {'200': {description: x}}}}
"""
BAD = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    get:
      responses:
        '200':
          description: x
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Missing'}
  /b:
    get:
      responses:
        '200':
          description: x
          content:
            application/json:
              schema: {type: integer, minimum: 5, maximum: 4}
"""
WARNED = GOOD.replace(
    "description: x", "description: x, content: {application/json: {schema: {type: integer}, example: x}}"
)
SCENARIO = "version: 1\nname: s\napi: datagrid\nrules: [{id: r, op: nobody, reply: conflict}]\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, stdin=None, **files):
        for name, text in files.items():
            Path(f"{name}.yaml").write_text(text, encoding="utf-8")
        return CliRunner().invoke(check, arguments, input=stdin)

    return run


def test_a_document_without_faults_says_so(run):
    done = run("good.yaml", good=GOOD)
    assert (done.exit_code, done.output) == (0, "good.yaml: 0 errors, 0 warnings\n")


def test_every_fault_has_its_place_its_consequence_and_its_rule(run):
    done = run("bad.yaml", bad=BAD)
    assert done.exit_code == 1
    assert "bad.yaml:11:24: error: #/paths/~1a/get/responses/200/content/application~1json/schema/$ref: " in done.output
    assert "[reference-not-found]" in done.output
    assert "GET /b answers 501 instead of 200 [schema-without-value]" in done.output
    assert done.output.endswith("bad.yaml: 2 errors, 0 warnings\n")


def test_warnings_fail_only_when_that_is_asked_for(run):
    assert run("warned.yaml", warned=WARNED).exit_code == 0
    assert run("--strict", "warned.yaml").exit_code == 1


def test_documents_and_scenarios_are_told_apart(run):
    done = run("good.yaml", "scenario.yaml", good=GOOD, scenario=SCENARIO)
    assert done.exit_code == 1
    assert "good.yaml: 0 errors" in done.output
    assert "scenario.yaml:4:17: error: " in done.output and "[scenario]" in done.output


def test_a_document_comes_from_standard_input(run):
    assert run("-", stdin=GOOD).output == "standard input: 0 errors, 0 warnings\n"
    assert run("-", stdin=BAD).exit_code == 1


def test_a_reference_that_is_not_fetched_is_not_checked(run):
    remote = BAD.replace("#/components/schemas/Missing", "https://example.com/s.json").replace("minimum: 5, ", "")
    done = run("remote.yaml", remote=remote)
    assert done.exit_code == 3
    assert "remote.yaml: not checked: remote.yaml:11: " in done.output
    assert "; a part was not checked" in done.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("openapi: [3", "bad.yaml:2:1: error: "),
        ("just text", "a scenario is a mapping"),
        ("openapi: 9.9\ninfo: {}\npaths: {}\n", "bad.yaml:1:"),
        ("openapi: 3.0.3\na: &a [" + "x," * 50 + "]\nb: &b [" + "*a," * 50 + "]\nc: &c [" + "*b," * 50 + "]\nd: &d ["
         + "*c," * 50 + "]\ne: [" + "*d," * 50 + "]\n", "error"),
        ("openapi: 3.0.3\nx: " + "[" * 5000 + "]" * 5000, "bad.yaml"),
    ],
)  # fmt: skip
def test_what_is_no_document_exits_with_2(run, text, message):
    done = run("bad.yaml", bad=text)
    assert done.exit_code == 2, done.output
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_file_that_is_not_there_exits_with_2_and_the_others_are_checked(run):
    done = run("gone.yaml", "good.yaml", good=GOOD)
    assert done.exit_code == 2
    assert "gone.yaml" in done.output and "good.yaml: 0 errors" in done.output


def test_a_reference_out_of_the_folder_is_refused(run):
    done = run("bad.yaml", bad=BAD.replace("#/components/schemas/Missing", "/etc/passwd"))
    assert done.exit_code == 1
    assert "root:" not in done.output
    assert "/etc/passwd" in done.output


# -- the forms ----------------------------------------------------------------------------------------


def test_the_json_form_holds_everything(run):
    body = json.loads(run("--format", "json", "bad.yaml", "good.yaml", bad=BAD, good=GOOD).output)
    assert body["version"] == 1
    assert body["files"] == ["bad.yaml", "good.yaml"]
    assert body["counts"] == {"error": 2, "warning": 0, "note": 0}
    assert body["unchecked"] == []
    assert body["findings"][0] == {
        "rule": "reference-not-found",
        "severity": "error",
        "file": "bad.yaml",
        "line": 11,
        "column": 24,
        "pointer": "/paths/~1a/get/responses/200/content/application~1json/schema/$ref",
        "message": body["findings"][0]["message"],
        "consequence": body["findings"][0]["consequence"],
    }


def test_the_sarif_log_has_what_the_standard_requires(run):
    log = json.loads(run("--format", "sarif", "bad.yaml", bad=BAD).output)
    assert log["version"] == "2.1.0"
    (sarif,) = log["runs"]
    rules = [rule["id"] for rule in sarif["tool"]["driver"]["rules"]]
    assert sarif["invocations"][0]["executionSuccessful"] is True
    for result in sarif["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad.yaml"


def test_workflow_commands_escape_what_would_end_them():
    fault = Fault("error", "a,b:c.yaml", 3, 4, "/x", "50 % of\nit", "none", "rule")
    text = FORMATS["github"](Report({"a": [fault]}, {"b": ["not, here"]}))
    assert text.splitlines() == [
        "::error file=a%2Cb%3Ac.yaml,line=3,col=4,title=rule::#/x: 50 %25 of%0Ait; none",
        "::error file=b,title=not checked::not, here",
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_has_an_empty_report(form):
    assert "error" in FORMATS[form](Report({"a": []}, {})) or form in ("github", "sarif")
