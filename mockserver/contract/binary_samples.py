"""Short, valid files for media types that no schema describes: a one-pixel image, a silent sound, an empty archive.

Each is built from the format's own specification, so that a client's decoder takes it. Knows no OpenAPI.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cache

RANGES = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "text": "text/plain",
    "multipart": "multipart/mixed",
    "font": "font/ttf",
    "application": "application/octet-stream",
    "*": "application/octet-stream",
}
"""The member that a range of media types is answered with, by the type before the slash."""


def _png() -> bytes:
    """A grey pixel (PNG specification, third edition)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x80", 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def _gif() -> bytes:
    """A black pixel (GIF89a)."""
    screen = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0)
    colours = b"\x00\x00\x00\xff\xff\xff"
    image = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + colours + image + b";"


def _jpeg() -> bytes:
    """A grey pixel: one baseline block whose coefficients are all zero (ITU T.81, annex B)."""

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data

    code = b"\x01" + bytes(15) + b"\x00"  # one code, `0`, for the symbol 0: no difference, end of block
    frame = struct.pack(">BHHBBBB", 8, 1, 1, 1, 1, 0x11, 0)
    tables = segment(0xDB, b"\x00" + b"\x01" * 64) + segment(0xC0, frame)
    tables += segment(0xC4, b"\x00" + code) + segment(0xC4, b"\x10" + code)
    return b"\xff\xd8" + tables + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x3f\xff\xd9"


def _icon() -> bytes:
    """An icon directory with one PNG (as Windows reads it since Vista)."""
    image = _png()
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 1, 1, 0, 0, 1, 8, len(image), 22) + image


def _bmp() -> bytes:
    """A black pixel (BITMAPINFOHEADER)."""
    pixels = b"\x00\x00\x00\x00"
    info = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(pixels), 0, 0, 14 + len(info)) + info + pixels


def _svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><rect width="1" height="1"/></svg>'


def _wav() -> bytes:
    """Eight samples of silence: 8 kHz, mono, 8 bits (RIFF WAVE)."""
    samples = b"\x80" * 8
    layout = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _mp3() -> bytes:
    """A silent frame of MPEG-1 layer III: 32 kbit/s, 44.1 kHz, mono. A frame has 104 bytes."""
    return b"\xff\xfb\x10\xc4" + bytes(100)


def _mp4() -> bytes:
    """A file without tracks: the boxes `ftyp` and `moov` with a movie header (ISO/IEC 14496-12)."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", 8 + len(data)) + kind + data

    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = bytes(4) + struct.pack(">IIII", 0, 0, 1000, 0) + struct.pack(">IH", 0x10000, 0x100) + bytes(10)
    header += matrix + bytes(24) + struct.pack(">I", 1)
    return box(b"ftyp", b"isom" + bytes(4) + b"isommp42") + box(b"moov", box(b"mvhd", header))


def _pdf() -> bytes:
    """One empty page (PDF 1.4), with a cross-reference table."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>",
    )
    text, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(text))
        text += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(text)
    return text + b"xref\n0 4\n0000000000 65535 f \n" + table + end


def _zip() -> bytes:
    """An archive without members: the end-of-central-directory record alone."""
    return b"PK\x05\x06" + bytes(18)


def _gzip() -> bytes:
    """An empty member (RFC 1952)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    return compressor.compress(b"") + compressor.flush()


def _tar() -> bytes:
    """An archive without members: two empty blocks."""
    return bytes(1024)


def _octets() -> bytes:
    return bytes(range(16))


_MAKERS: dict[str, Callable[[], bytes]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/jpg": _jpeg,
    "image/bmp": _bmp,
    "image/x-icon": _icon,
    "image/vnd.microsoft.icon": _icon,
    "image/svg+xml": _svg,
    "audio/wav": _wav,
    "audio/x-wav": _wav,
    "audio/wave": _wav,
    "audio/vnd.wave": _wav,
    "audio/mpeg": _mp3,
    "audio/mp3": _mp3,
    "video/mp4": _mp4,
    "audio/mp4": _mp4,
    "application/pdf": _pdf,
    "application/zip": _zip,
    "application/x-zip-compressed": _zip,
    "application/java-archive": _zip,
    "application/gzip": _gzip,
    "application/x-gzip": _gzip,
    "application/x-tar": _tar,
    "application/octet-stream": _octets,
}


@cache
def sample_file(essence: str) -> bytes:
    """A file of a media type, given without parameters and in lower case; sixteen bytes where none is known."""
    return _MAKERS.get(essence, _octets)()


def is_file(essence: str) -> bool:
    """Whether bodies of a media type are files, whose bytes no schema describes."""
    return essence in _MAKERS or essence.partition("/")[0] in ("image", "audio", "video", "font", "model")


def member_of(media_range: str) -> str:
    """A media type within a range such as `image/*`; a type that is none stays as it is."""
    kind, _, subtype = media_range.partition("/")
    return RANGES.get(kind.strip().lower(), f"{kind}/octet-stream") if subtype.strip() in ("*", "") else media_range
