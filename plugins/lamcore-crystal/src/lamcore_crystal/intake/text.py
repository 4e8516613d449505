"""The bytes of a file as text, or why they are none."""

from __future__ import annotations

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(data: bytes) -> tuple[str | None, list[Finding]]:
    """The text, with warnings; or None, with the error.

    A byte order mark of UTF-8 is taken off. What is not UTF-8 is read as Latin-1, with a warning.
    """
    if not any(line.strip() and not line.lstrip().startswith(b"#") for line in data.splitlines()):
        return None, [finding("E_EMPTY", f"the file has {len(data)} bytes and no text, expected a CIF", size=len(data))]
    for magic, name in _COMPRESSED.items():
        if data.startswith(magic):
            return None, [finding("E_FORMAT", f"the file is compressed ({name}), expected the text of a CIF")]
    if data.startswith(_WIDE_MARKS):
        return None, [finding("E_ENCODING", "the file begins with a mark of UTF-16 or UTF-32, expected UTF-8")]
    if b"\x00" in data:
        position = data.index(b"\x00")
        return None, [
            finding(
                "E_FORMAT", f"byte {position} is zero: the file is binary, expected the text of a CIF", byte=position
            )
        ]
    findings: list[Finding] = []
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} ({data[error.start]:#04x}) is not UTF-8; the file was read as Latin-1"
        findings.append(finding("W_ENCODING", message, byte=error.start))
        text = data.decode("latin-1")
    if not _has_block(text):
        begin = text.lstrip()[:1]
        kind = "it begins as JSON does" if begin in ("{", "[") else "there is no line that begins with data_"
        return None, [*findings, finding("E_FORMAT", f"the file is not a CIF: {kind}")]
    return text, findings


def _has_block(text: str) -> bool:
    return any(line.lstrip()[:5].lower() == "data_" for line in text.splitlines())


def as_ascii(text: str) -> str:
    """The text with each character outside ASCII as `x`: gemmi follows CIF 1.1, where such are errors in bare words.

    An element or a number with such a character is no longer one, and is refused as such.
    """
    return text if text.isascii() else "".join(one if one.isascii() else "x" for one in text)
