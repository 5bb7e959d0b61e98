"""The files that stand for images, sounds and archives are taken by real decoders."""

from __future__ import annotations

import gzip
import io
import tarfile
import wave
import zipfile
from xml.etree import ElementTree

import pytest
from PIL import Image

from mockserver.contract.binary_samples import RANGES, member_of, sample_file


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "PNG"),
        ("image/gif", "GIF"),
        ("image/jpeg", "JPEG"),
        ("image/bmp", "BMP"),
        ("image/x-icon", "ICO"),
    ],
)
def test_an_image_has_one_pixel(media_type, kind):
    with Image.open(io.BytesIO(sample_file(media_type))) as image:
        image.load()
        assert (image.format, image.size) == (kind, (1, 1))


def test_a_sound_is_silent():
    with wave.open(io.BytesIO(sample_file("audio/wav"))) as sound:
        assert sound.getparams()[:4] == (1, 1, 8000, 8)
        assert set(sound.readframes(8)) == {0x80}
    assert len(sample_file("audio/mpeg")) == 104  # a whole frame: 144 * 32000 / 44100


def test_archives_are_empty():
    assert zipfile.ZipFile(io.BytesIO(sample_file("application/zip"))).namelist() == []
    assert gzip.decompress(sample_file("application/gzip")) == b""
    with tarfile.open(fileobj=io.BytesIO(sample_file("application/x-tar"))) as archive:
        assert archive.getnames() == []


def test_a_drawing_is_xml():
    assert ElementTree.fromstring(sample_file("image/svg+xml")).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_document_has_its_cross_reference_table_where_it_says():
    pdf = sample_file("application/pdf")
    start = int(pdf.split(b"startxref\n")[1].split(b"\n")[0])
    assert pdf[start:].startswith(b"xref\n0 4\n")
    for number, line in enumerate(pdf[start:].split(b"\n")[3:6], 1):
        assert pdf[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_a_film_is_a_row_of_boxes():
    film, at, kinds = sample_file("video/mp4"), 0, []
    while at < len(film):
        size = int.from_bytes(film[at : at + 4], "big")
        kinds.append(film[at + 4 : at + 8])
        at += size
    assert (kinds, at) == ([b"ftyp", b"moov"], len(film))


def test_a_range_is_answered_with_a_member():
    for kind, member in RANGES.items():
        assert member_of(f"{kind}/*") == member
    assert member_of("x-thing/*") == "x-thing/octet-stream"
    assert member_of("image/webp") == "image/webp"
    assert sample_file("x-thing/unknown") == bytes(range(16))
