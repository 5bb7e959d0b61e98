"""`mockserver diff`: exit codes, forms of the report, accepted changes, git revisions."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner

from mockserver.cli.diff import diff
from mockserver.cli.files import findings_schema
from mockserver.cli.report_files import FORMATS

OLD = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    get:
      parameters:
        - {name: n, in: query, schema: {type: integer, maximum: 9}}
      responses: {'200': {description: x}}
  /b: {get: {responses: {'200': {description: x}}}}
"""
BREAKING = OLD.replace("maximum: 9", "maximum: 5")
SAFE = OLD.replace("maximum: 9", "maximum: 12")
RISKY = OLD.replace("{name: n,", "{name: m,")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(OLD, encoding="utf-8")

    def run(new, *arguments, old="old.yaml"):
        Path("new.yaml").write_text(new, encoding="utf-8")
        return CliRunner().invoke(diff, [old, "new.yaml", *arguments])

    return run


def test_nothing_that_breaks_is_said(run):
    done = run(OLD)
    assert (done.exit_code, done.output) == (0, "old.yaml -> new.yaml: 0 breaking, 0 risky, 0 safe\n")


def test_a_change_that_breaks_exits_with_1_and_says_where_and_why(run):
    done = run(BREAKING)
    assert done.exit_code == 1
    assert done.output.splitlines()[0] == (
        "new.yaml:7 (was old.yaml:7): breaking: GET /a: the query parameter n: maximum was 9 and is 5 "
        "[request-range-narrowed]"
    )
    assert "A request that was accepted may now be rejected." in done.output
    assert "accepted before, rejected now: " in done.output
    assert done.output.endswith("1 breaking, 0 risky, 0 safe\n")


def test_safe_and_risky_changes_exit_with_0(run):
    assert run(SAFE).exit_code == 0
    assert run(RISKY).exit_code == 0
    assert run(RISKY, "--fail-on", "risky").exit_code == 1


def test_only_what_breaks_can_be_shown(run):
    assert "[parameter-removed]" not in run(RISKY, "--breaking-only").output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("openapi: [3", "new.yaml:"),
        ("openapi: 9.9\ninfo: {}\npaths: {}\n", "`openapi` is 9.9"),
        ("just text", "is not an OpenAPI document"),
    ],
)
def test_a_document_that_cannot_be_read_exits_with_3(run, text, message):
    done = run(text)
    assert done.exit_code == 3
    assert message in done.output
    assert "Traceback" not in done.output and "breaking" not in done.output


def test_a_file_that_is_not_there_exits_with_3(run):
    done = run(OLD, old="gone.yaml")
    assert done.exit_code == 3
    assert "gone.yaml" in done.output


def test_a_part_that_cannot_be_compared_exits_with_3(run):
    done = run(OLD.replace("{type: integer, maximum: 9}", "{$ref: '#/components/schemas/Missing'}"))
    assert done.exit_code == 3
    assert "not compared: new.yaml:7: " in done.output
    assert done.output.endswith("; a part was not compared\n")


def test_a_url_is_not_fetched_unless_allowed(run):
    done = run(OLD, old="https://127.0.0.1:1/openapi.yaml")
    assert done.exit_code == 3
    assert "--allow-remote-refs" in done.output


# -- accepted changes ----------------------------------------------------------------------------------


def fingerprint(run):
    return json.loads(run(BREAKING, "--format", "json").output)["findings"][0]["fingerprint"]


def accepted(entry, levels="{}"):
    Path("accepted.yaml").write_text(f"version: 1\naccepted: [{entry}]\nlevels: {levels}\n", encoding="utf-8")
    return "--accepted", "accepted.yaml"


def test_an_accepted_change_fails_nothing_until_it_expires(run):
    entry = f"fingerprint: '{fingerprint(run)}', reason: nobody asks for more"
    done = run(BREAKING, *accepted(f"{{{entry}}}"))
    assert done.exit_code == 0
    assert "accepted: nobody asks for more" in done.output
    assert done.output.endswith("0 breaking, 0 risky, 0 safe, 1 accepted\n")
    assert run(BREAKING, *accepted(f"{{{entry}, expires: 2999-01-01}}")).exit_code == 0
    expired = run(BREAKING, *accepted(f"{{{entry}, expires: 2020-01-01}}"))
    assert expired.exit_code == 1
    assert "was accepted until 2020-01-01" in expired.output


def test_an_entry_that_fits_no_change_is_said(run):
    done = run(OLD, *accepted("{fingerprint: '0123456789abcdef', reason: x}"))
    assert (
        "note: accepted.yaml:2: nothing has the fingerprint 0123456789abcdef any more; remove the entry" in done.output
    )


def test_a_rule_can_have_another_level(run):
    assert run(BREAKING, *accepted("", "{request-range-narrowed: risky}")).exit_code == 0
    assert run(SAFE, *accepted("", "{request-range-widened: breaking}")).exit_code == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2\n", "accepted.yaml:1: `version` is 2"),
        ("version: 1\naccept: []\n", "accepted.yaml:2: `accept` is not known; did you mean 'accepted'?"),
        ("version: 1\naccepted:\n  - {fingerprint: abc, reason: x}\n", "accepted.yaml:3: `fingerprint` is not 16"),
        ("version: 1\naccepted:\n  - {fingerprint: '0123456789abcdef'}\n", "accepted.yaml:3: has no `reason`"),
        ("version: 1\nlevels: {request-range-narowed: safe}\n", "did you mean 'request-range-narrowed'?"),
        ("version: 1\nlevels: {request-range-narrowed: bad}\n", "it may be breaking, risky, safe"),
        ("[]", "is no object"),
    ],
)
def test_a_mistake_in_the_file_of_accepted_changes_is_told_with_its_line(run, text, message):
    Path("accepted.yaml").write_text(text, encoding="utf-8")
    done = run(OLD, "--accepted", "accepted.yaml")
    assert done.exception is not None
    assert message in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 2


# -- forms ---------------------------------------------------------------------------------------------


def test_the_json_form_holds_everything(run):
    body = json.loads(run(BREAKING, "--format", "json").output)
    assert body["counts"] == {"breaking": 1, "risky": 0, "safe": 0, "accepted": 0}
    (finding,) = body["findings"]
    assert finding["rule"] == "request-range-narrowed"
    assert finding["operations"] == ["GET /a"]
    assert finding["old"]["pointer"] == finding["new"]["pointer"] == "/paths/~1a/get/parameters/0/schema"
    assert 5 < finding["evidence"]["value"] <= 9


def test_the_json_form_is_as_its_schema_says(run):
    schema = jsonschema_rs.validator_for(json.loads(CliRunner().invoke(findings_schema).output))
    for new in (BREAKING, SAFE, RISKY, OLD):
        schema.validate(json.loads(run(new, "--format", "json").output))


def test_junit_fails_what_breaks_alone(run):
    suite = ET.fromstring(run(BREAKING.replace("  /b:", "  /c:"), "--format", "junit").output.encode())
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert len(suite.findall("testcase/failure")) == 2


def test_markdown_lets_no_text_of_a_document_be_markup(run):
    new = OLD.replace("{name: n,", "{name: '<b>|x',")
    output = run(new, "--format", "markdown").output
    assert output.startswith("### API changes: 0 breaking, 1 risky, 1 safe")
    assert "&lt;b>\\|x" in output


def test_sarif_and_github_have_the_place_in_the_new_document(run):
    (result,) = json.loads(run(BREAKING, "--format", "sarif").output)["runs"][0]["results"]
    assert result["ruleId"] == "request-range-narrowed" and result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert run(BREAKING, "--format", "github").output.startswith("::error file=new.yaml,line=7,")


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_has_an_empty_report(run, form):
    assert run(OLD, "--format", form).exit_code == 0


# -- git -----------------------------------------------------------------------------------------------


@pytest.fixture
def repository(run, tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    return git


def test_a_file_of_a_git_revision_is_compared(run, repository):
    repository("add", "old.yaml")
    repository("commit", "-qm", "x")
    done = run(BREAKING, old="main:old.yaml")
    assert done.exit_code == 1
    assert "(was main:old.yaml:7)" in done.output


def test_the_files_that_a_revision_refers_to_are_of_that_revision(run, repository):
    text = OLD.replace("{type: integer, maximum: 9}", "{$ref: 'schemas/n.yaml'}")
    Path("schemas").mkdir()
    Path("schemas/n.yaml").write_text("{type: integer, maximum: 9}\n", encoding="utf-8")
    Path("api.yaml").write_text(text, encoding="utf-8")
    repository("add", ".")
    repository("commit", "-qm", "x")
    Path("schemas/n.yaml").write_text("{type: integer, maximum: 5}\n", encoding="utf-8")
    done = run(text, old="main:api.yaml")
    assert done.exit_code == 1, done.output
    assert "schemas/n.yaml:1 (was main:schemas/n.yaml:1)" in done.output


@pytest.mark.parametrize("name", ["nowhere:old.yaml", "main:gone.yaml", "--output=x:old.yaml"])
def test_a_revision_that_is_not_there_exits_with_3(run, repository, name):
    repository("add", "old.yaml")
    repository("commit", "-qm", "x")
    Path("new.yaml").write_text(OLD, encoding="utf-8")
    done = CliRunner().invoke(diff, ["--", name, "new.yaml"])
    assert done.exit_code == 3
    assert name.partition(":")[0] in done.output
