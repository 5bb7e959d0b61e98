"""What is kept of the package's documents saves time and nothing else: whatever is wrong with it, the text is read."""

from __future__ import annotations

import os

import pytest

from mockserver.text import kept
from mockserver.text.kept import parse_bundled

TEXT = "openapi: 3.1.0\nsizes: [1, 1.0, true, null, no]\n"
VALUE = {"openapi": "3.1.0", "sizes": [1, 1.0, True, None, "no"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MOCKSERVER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "documents"


@pytest.fixture
def parsed(monkeypatch):
    """The texts that were read as YAML."""
    texts = []

    def parse(text, name):
        texts.append(text)
        return original(text, name)

    original = kept.parse
    monkeypatch.setattr(kept, "parse", parse)
    return texts


def test_a_text_is_read_once(folder, parsed):
    for _ in range(3):
        value = parse_bundled(TEXT, "a.yaml")
        assert value == VALUE
        assert list(map(type, value["sizes"])) == list(map(type, VALUE["sizes"]))
    assert parsed == [TEXT]
    assert parse_bundled(TEXT + "more: 1\n", "a.yaml") == VALUE | {"more": 1}


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff"])
def test_a_damaged_file_is_read_past_and_mended(folder, parsed, damage):
    parse_bundled(TEXT, "a.yaml")
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    assert parse_bundled(TEXT, "a.yaml") == VALUE
    assert parse_bundled(TEXT, "a.yaml") == VALUE
    assert len(parsed) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no such owners here")
def test_a_file_that_others_can_write_is_not_believed(folder, parsed):
    parse_bundled(TEXT, "a.yaml")
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o022 == 0
    file.write_bytes(b'{"openapi":"evil"}')
    for mode in (0o664, 0o646):
        file.chmod(mode)
        assert parse_bundled(TEXT, "a.yaml") == VALUE
        assert file.stat().st_mode & 0o022 == 0
        file.write_bytes(b'{"openapi":"evil"}')


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no such owners here")
def test_a_file_of_somebody_else_is_not_believed(folder, parsed, monkeypatch):
    parse_bundled(TEXT, "a.yaml")
    (file,) = folder.iterdir()
    file.write_bytes(b'{"openapi":"evil"}')
    owner = file.stat().st_uid
    if owner == 0:
        os.chown(file, 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert parse_bundled(TEXT, "a.yaml") == VALUE


def test_what_json_cannot_say_is_not_kept(folder, parsed):
    for _ in range(2):
        assert str(parse_bundled("size: .nan\n", "a.yaml")) == "{'size': nan}"
    assert len(parsed) == 2
    assert not folder.exists()


def test_without_a_folder_that_can_be_written_it_works_as_well(tmp_path, monkeypatch, parsed):
    (tmp_path / "file").write_text("no folder")
    for name in ("off", "", str(tmp_path / "file")):
        monkeypatch.setenv("MOCKSERVER_CACHE_DIR", name)
        assert parse_bundled(TEXT, "a.yaml") == VALUE
    assert len(parsed) == 3


def test_the_oldest_go_first(folder, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    for n in range(5):
        parse_bundled(f"n: {n}\n", "a.yaml")
        for file in folder.iterdir():
            os.utime(file, (file.stat().st_mtime - 10, file.stat().st_mtime - 10))
    assert sorted(file.read_bytes() for file in folder.iterdir()) == [b'{"n":2}', b'{"n":3}', b'{"n":4}']
