"""`mockserver check`: documents and scenarios, every fault with its place, in each form."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner

from mockserver.cli.check import check
from mockserver.cli.files import findings_schema
from mockserver.cli.report_files import FORMATS
from mockserver.cli.reports import CHECK, Report
from mockserver.text.findings import Finding, Location

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
    assert body["subjects"] == ["bad.yaml", "good.yaml"]
    assert body["counts"] == {"error": 2, "warning": 0, "note": 0, "accepted": 0}
    assert body["unchecked"] == []
    assert body["findings"][0] == {
        "rule": "reference-not-found",
        "level": "error",
        "severity": "error",
        "side": "document",
        "operations": [],
        "message": body["findings"][0]["message"],
        "why": body["findings"][0]["why"],
        "old": None,
        "new": {
            "file": "bad.yaml",
            "line": 11,
            "column": 24,
            "pointer": "/paths/~1a/get/responses/200/content/application~1json/schema/$ref",
        },
        "fingerprint": body["findings"][0]["fingerprint"],
        "accepted": None,
    }


def test_the_json_form_is_as_its_schema_says(run):
    schema = jsonschema_rs.validator_for(json.loads(CliRunner().invoke(findings_schema).output))
    for files in (["bad.yaml", "good.yaml"], ["good.yaml"], ["gone.yaml"]):
        schema.validate(json.loads(run("--format", "json", *files, bad=BAD, good=GOOD).output))


def test_an_accepted_finding_fails_nothing_and_is_told(run):
    found = json.loads(run("--format", "json", "bad.yaml", bad=BAD).output)["findings"]
    entries = "".join(f"  - {{fingerprint: '{f['fingerprint']}', reason: known}}\n" for f in found)
    Path("accepted.yaml").write_text(f"version: 1\naccepted:\n{entries}", encoding="utf-8")
    done = run("bad.yaml", "--accepted", "accepted.yaml")
    assert done.exit_code == 0
    assert done.output.endswith("bad.yaml: 0 errors, 0 warnings, 2 accepted\n")
    assert run("good.yaml", "--accepted", "accepted.yaml", good=GOOD).output.count("any more; remove the entry") == 2


def test_a_rule_of_documents_can_have_another_level(run):
    Path("levels.yaml").write_text("version: 1\nlevels: {reference-not-found: note, schema-without-value: warning}\n")
    done = run("bad.yaml", "--accepted", "levels.yaml", bad=BAD)
    assert done.exit_code == 0
    assert done.output.endswith("bad.yaml: 0 errors, 1 warning, 1 note\n")


def test_junit_and_markdown_have_the_findings_of_documents_too(run):
    suite = ET.fromstring(run("--format", "junit", "bad.yaml", bad=BAD).output.encode())
    assert (suite.get("tests"), suite.get("failures"), suite.get("name")) == ("2", "2", "bad.yaml")
    page = run("--format", "markdown", "bad.yaml").output
    assert page.startswith("### Findings: 2 errors, 0 warnings") and "| bad.yaml:11:24 |" in page


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
    place = Location("a,b:c.yaml", 3, 4, "/x")
    finding = Finding("rule", "error", "document", (), "50 % of\nit", None, place, "none")
    text = FORMATS["github"](Report(CHECK, "a", {"a": [finding], "b": []}, {"b": ["not, here"]}))
    assert text.splitlines() == [
        "::error file=a%2Cb%3Ac.yaml,line=3,col=4,title=rule::#/x: 50 %25 of%0Ait; none",
        "::error file=b,title=not checked::not, here",
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_has_an_empty_report(form):
    assert "error" in FORMATS[form](Report(CHECK, "a", {"a": []})) or form in ("github", "sarif")
