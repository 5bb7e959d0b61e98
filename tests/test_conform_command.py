"""`mockserver conform`: exit codes, forms of the report, secrets, and servers that misbehave."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner
from conform_server import KEY, WAYS, App, document, serving
from test_proxy_servers import certificates, tls_context  # noqa: F401
from upstreams import upstream

from mockserver.cli.conform import conform
from mockserver.cli.files import findings_schema
from mockserver.cli.report_files import FORMATS

ONE = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /things:
    get:
      responses:
        '200':
          description: x
          content:
            application/json:
              schema: {type: array, items: {type: object, required: [id], properties: {id: {type: string}}}}
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def answer(body: bytes, head: bytes = OK) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(ONE, encoding="utf-8")

    def run(url, *arguments, api="one.yaml"):
        return CliRunner().invoke(conform, [api, "--url", url, *arguments], catch_exceptions=False)

    return run


def test_of_a_right_server_it_says_what_was_judged_and_exits_with_0(run):
    with upstream(answer(b'[{"id": "a"}]')) as real:
        done = run(real.url)
    assert (done.exit_code, done.output) == (
        0,
        "note: 1 responses of 1 of 1 operations were judged\n" + f"{real.url} as one.yaml: 0 errors, 0 warnings\n",
    )


def test_a_finding_says_where_why_an_example_and_a_mend_and_exits_with_1(run):
    with upstream(answer(b'[{"id": 17}]')) as real:
        done = run(real.url)
    assert done.exit_code == 1
    assert done.output.splitlines()[:4] == [
        "one.yaml:11: error: GET /things: /*/id is an integer and not string [body-type]",
        "    A client that trusts the document reads a value of another type. Seen in 1 of 1 responses.",
        '    for example: {"request":"GET /things","status":200,"at":"/*/id","value":17}',
        "    overlay: "
        """{"target":"$.paths['/things'].get.responses['200'].content['application/json'].schema.items.properties.id","""
        '"update":{"anyOf":[{"type":"string"},{"type":"integer"}]}}',
    ]


def test_the_level_that_fails_can_be_chosen(run):
    with upstream(answer(b'[{"id": "a", "more": 1}]')) as real:
        assert run(real.url).exit_code == 1
        assert run(real.url, "--fail-on", "error").exit_code == 0


def test_an_accepted_finding_does_not_fail(run):
    with upstream(answer(b'[{"id": 17}]')) as real:
        fingerprint = json.loads(run(real.url, "--format", "json").output)["findings"][0]["fingerprint"]
        text = f"version: 1\naccepted:\n  - {{fingerprint: '{fingerprint}', reason: known}}\n"
        Path("accepted.yaml").write_text(text, encoding="utf-8")
        assert run(real.url, "--accepted", "accepted.yaml").exit_code == 0


def test_the_overlay_makes_the_second_run_clean(run):
    with upstream(answer(b'[{"id": 17, "more": null}, {}]')) as real:
        done = run(real.url, "--write-overlay", "mend.yaml")
        assert done.exit_code == 1
        again = run(real.url, "--overlay", "mend.yaml")
    assert (again.exit_code, again.output.splitlines()[-1]) == (0, f"{real.url} as one.yaml: 0 errors, 0 warnings")


def test_what_no_schema_can_say_is_named_in_the_overlay_and_accepted_then(run):
    ways = [way for way in WAYS if way.name in ("server-fails", "same-page", "half-a-body", "fraction")]
    Path("forty.json").write_text(json.dumps(document(ways)), encoding="utf-8")
    with serving(App({way.name for way in ways})) as url:
        start = [url, "--api-key", KEY]
        assert run(*start, "--write-overlay", "mend.yaml", api="forty.json").exit_code == 1
        again = run(*start, "--overlay", "mend.yaml", api="forty.json")
    assert (again.exit_code, again.output.splitlines()[-1]) == (
        0,
        f"{url} as forty.json: 0 errors, 0 warnings, 3 accepted",
    )
    assert "as the server was when the overlay was written" in again.output


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_tells_the_finding_and_no_secret(run, form):
    ways = [way for way in WAYS if way.name in ("fraction", "password", "open-door")]
    Path("forty.json").write_text(json.dumps(document(ways)), encoding="utf-8")
    with serving(App({way.name for way in ways})) as url:
        done = run(url, "--format", form, "--api-key", KEY, "--write-overlay", "mend.yaml", api="forty.json")
    assert done.exit_code == 1, done.output
    assert "body-type" in done.output and "key-not-checked" in done.output
    for text in (done.output, Path("mend.yaml").read_text(encoding="utf-8")):
        assert KEY not in text and "hunter2" not in text


def test_json_is_as_the_schema_says(run):
    with upstream(answer(b'[{"id": 17}]')) as real:
        body = json.loads(run(real.url, "--format", "json").output)
    schema = json.loads(CliRunner().invoke(findings_schema).output)
    jsonschema_rs.Draft202012Validator(schema).validate(body)
    assert body["findings"][0]["overlay"][0]["update"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


BAD = {
    "says nothing": (b"", "closed the connection without a response"),
    "is no HTTP": (b"\x16\x03\x01 SSH-2.0\r\n\r\n", "it is not HTTP/1.1"),
    "ends too early": (OK + b"Content-Length: 100\r\n\r\n[]", "ended its response after 2 of 100 bytes"),
    "has two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "cannot be passed on"),
    "is a bomb": (
        answer(gzip.compress(b" " * 20_000_000), OK + b"Content-Encoding: gzip\r\n"),
        "decompresses to more than 8,388,608 bytes",
    ),
    "is no gzip": (answer(b"[]", OK + b"Content-Encoding: gzip\r\n"), "cannot be decompressed"),
    "is longer than that": (answer(b" " * 9_000_000), "the body is longer than 8,388,608 bytes"),
    "has a head without end": (OK + b"X: " + b"a" * 200_000 + b"\r\n\r\n", "head is larger than 65,536 bytes"),
    "redirects elsewhere": (
        answer(b"", b"HTTP/1.1 302 Found\r\nLocation: http://other.example/x?token=hidden\r\n"),
        "is answered 302, a redirect to other.example, which is not followed",
    ),
    "is out of order": (answer(b"", b"HTTP/1.1 503 Unavailable\r\n"), "is answered 503: the server is not in order"),
    "asks for a key": (answer(b"", b"HTTP/1.1 401 Unauthorized\r\n"), "is answered 401; give a key"),
    "asks for an hour": (
        answer(b"", b"HTTP/1.1 429 Too Many\r\nRetry-After: 3600\r\n"),
        "the server asks to wait 3600 s, more than --max-wait",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_checked_is_told_and_exits_with_3(run, name):
    data, why = BAD[name]

    def serve(sock, message):
        sock.sendall(data)
        sock.close()

    with upstream(serve) as real:
        done = run(real.url)
    assert done.exit_code == 3, done.output
    assert "not checked: GET /things: " in done.output and why in done.output
    assert "hidden" not in done.output


def test_a_server_that_is_down_is_told_and_no_more_is_sent_after_three(run):
    Path("forty.json").write_text(json.dumps(document()), encoding="utf-8")
    done = run("http://127.0.0.1:9", "--api-key", KEY, api="forty.json")
    assert done.exit_code == 3
    assert (
        "cannot be reached" in done.output and "requests were not sent, since 3 in a row had no answer" in done.output
    )


def test_a_server_that_never_ends_its_response_is_left(run):
    def drip(sock, message):
        sock.sendall(OK + b"Content-Length: 1000000\r\n\r\n")
        while True:
            sock.sendall(b" " * 10)

    with upstream(drip) as real:
        done = run(real.url, "--timeout", "200ms")
    assert done.exit_code == 3 and "not checked: GET /things" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "ftp://x"], "--url: 'ftp://x' is not the URL of a server"),
        (["--url", "http://u:secret@x"], "--url holds a name or a password"),
        (["--url", "http://x", "--overlay", "none.yaml"], "none.yaml"),
        (["--url", "http://x", "--rate", "vendor"], "--rate: write a limit"),
        (["--url", "http://x", "--skip", "get /thing"], "did you mean"),
        (["--url", "http://x", "--ignore", "at"], "--ignore: 'at' is no pointer"),
        (["--url", "http://x", "--header", "Authorization: Bearer secret"], "--header: write NAME=VALUE"),
    ],
)
def test_wrong_usage_is_told_without_a_secret(run, arguments, message, capsys):
    from mockserver.cli.main import main

    with pytest.raises(SystemExit) as stopped:
        main(["conform", "one.yaml", *arguments])
    told = capsys.readouterr().err
    assert stopped.value.code == 2 and message in told and "secret" not in told


def test_the_help_teaches():
    from mockserver.cli.main import cli

    told = CliRunner().invoke(cli, ["conform", "--help"]).output
    for heading in ("The server:", "What is sent:", "What is reported:", "Exit code:"):
        assert heading in told
    assert "mockserver conform openapi.yaml --url https://api.example.com" in told


def test_an_authority_of_its_own_is_trusted_where_it_is_named(run, certificates):  # noqa: F811
    tls = tls_context(certificates, asks_for_certificate=True)
    own = ["--client-cert", str(certificates / "client.pem"), "--client-key", str(certificates / "client.key")]
    with upstream(answer(b'[{"id": "a"}]'), tls) as real:
        done = run(real.url, "--upstream-ca", str(certificates / "ca.pem"), *own)
        assert done.exit_code == 0, done.output
        done = run(real.url, *own)
    assert done.exit_code == 3 and "is not to be trusted" in done.output


def test_a_silent_server_is_left_after_the_time_that_was_given(run):
    def say_nothing(sock, message):
        sock.recv(1)  # until the client goes away

    with upstream(say_nothing) as real:
        done = run(real.url, "--timeout", "100ms")
    assert done.exit_code == 3 and "not checked: GET /things" in done.output
