"""Folders, archives and single files, honest and hostile."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile

import pytest
from cif_samples import cif
from lamcore_crystal.intake.archives import _InPieces
from lamcore_crystal.intake.sources import SubmissionError, is_archive, read_submission
from lamcore_crystal.rounds import Limits, RoundSettings

SETTINGS = RoundSettings(limits=Limits(max_bytes=10_000), max_files=50, max_submission_bytes=1_000_000)


def codes(path, settings=SETTINGS):
    return {one.name: one.refusal.code if one.refusal else one.data for one in read_submission(path, settings)}


def tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kind
            info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(info, io.BytesIO(data))
    return path


def test_folder_zip_and_tars_hold_the_same_files_in_the_same_order(tmp_path):
    folder = tmp_path / "some"
    (folder / "b").mkdir(parents=True)
    names = ["a.b.cif", "a.c.cif", "b/a.b.cif", "B.CIF"]
    for name in names:
        (folder / name).write_bytes(cif(name=name.replace("/", "")))
    (folder / ".DS_Store").write_bytes(b"x")
    expected = [(name, (folder / name).read_bytes()) for name in sorted(names)]
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        for name in names:
            archive.write(folder / name, name)
    paths = [folder, tmp_path / "z"]
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        members = [(name, (folder / name).read_bytes(), tarfile.REGTYPE) for name in names]
        paths.append(tar(tmp_path / f"t{mode[2:]}", members, mode))
    for path in paths:
        assert [(one.name, one.data) for one in read_submission(path, SETTINGS)] == expected, path
    assert all(is_archive(path) for path in paths[1:])


def test_links_devices_and_names_that_leave_are_refused_and_the_rest_is_read(tmp_path):
    path = tar(
        tmp_path / "t",
        [
            ("../up.cif", b"x", tarfile.REGTYPE),
            ("/abs.cif", b"x", tarfile.REGTYPE),
            ("C:\\abs.cif", b"x", tarfile.REGTYPE),
            ("link.cif", b"", tarfile.SYMTYPE),
            ("hard.cif", b"", tarfile.LNKTYPE),
            ("null.cif", b"", tarfile.CHRTYPE),
            ("inner.zip", b"PK\x03\x04", tarfile.REGTYPE),
            ("<b>\x1b[31m\u202e.cif", b"ok", tarfile.REGTYPE),
        ],
    )
    found = codes(path)
    assert found.pop(r"<b>\x1b[31m\u202e.cif") == b"ok"
    assert found.pop("inner.zip") == "E_FORMAT"
    assert len(found) == 6
    assert set(found.values()) == {"E_MEMBER"}
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "l.cif").symlink_to("/etc/passwd")
    (folder / "d.cif").symlink_to("/etc")
    os.mkfifo(folder / "p.cif")
    assert codes(folder) == {"l.cif": "E_MEMBER", "d.cif": "E_MEMBER", "p.cif": "E_MEMBER"}


def test_bombs_are_refused_before_they_unpack(tmp_path):
    path = tmp_path / "ratio.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.cif", b"0" * 500_000)
    big = RoundSettings(limits=Limits(max_bytes=1_000_000))
    assert codes(path, big) == {"b.cif": "E_BOMB"}
    assert codes(path) == {"b.cif": "E_BOMB"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.cif", b"0" * 500_000)
    with pytest.raises(SubmissionError, match="1500000 bytes unpacked, the round takes 1000000"):
        read_submission(path, SETTINGS)
    with gzip.open(tmp_path / "b.tar.gz", "wb") as file:
        file.write(b"\0" * 3_000_000)
    with pytest.raises(SubmissionError, match="bytes unpacked, the round takes 1000000"):
        read_submission(tmp_path / "b.tar.gz", SETTINGS)


def header(name, kind, size=0):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "data",
    [
        header("chain", tarfile.XHDTYPE) * 5000,
        header("chain", tarfile.GNUTYPE_LONGNAME) * 5000,
        # A name of 1.5 GB, of which the archive holds as much as the round lets it unpack.
        header("long", tarfile.GNUTYPE_LONGNAME, 1_500_000_000),
    ],
)
def test_a_tar_of_headers_alone_is_damaged_and_costs_no_memory(tmp_path, data):
    (tmp_path / "t.gz").write_bytes(gzip.compress(data, 1))
    with pytest.raises(SubmissionError, match="no tar"):
        read_submission(tmp_path / "t.gz", RoundSettings())


def test_a_header_is_read_no_further_than_any_is_long():
    file = _InPieces(io.BytesIO(b"0" * 100), 10)
    assert file.read(2) == b"00"
    for size in (-1, 1_500_000_000):
        with pytest.raises(tarfile.ReadError):
            file.read(size)


def test_a_member_without_a_name_is_refused_alone(tmp_path):
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr(zipfile.ZipInfo("\0"), b"nameless")
        archive.writestr("a.cif", b"fine")
    assert codes(tmp_path / "z") == {"": "E_MEMBER", "a.cif": b"fine"}


def test_a_directory_of_too_many_entries_is_not_even_read(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        for number in range(101):
            archive.writestr(f"{number}/", b"")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(SubmissionError, match="101 or more files and folders, the round takes 50"):
        read_submission(tmp_path / "z", SETTINGS)


def test_a_member_as_large_as_the_round_allows_is_read_from_a_tar(tmp_path):
    data = b"#" * 3_000_000
    path = tar(tmp_path / "t", [("a.cif", data, tarfile.REGTYPE)])
    assert codes(path, RoundSettings(limits=Limits(max_bytes=len(data)))) == {"a.cif": data}


def test_more_files_than_allowed_refuse_the_whole(tmp_path):
    path = tar(tmp_path / "t", [(f"{n}.cif", b"x", tarfile.REGTYPE) for n in range(51)])
    with pytest.raises(SubmissionError, match="holds 51 files, the round takes 50"):
        read_submission(path, SETTINGS)


def test_damaged_archives_say_so(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.cif", b"0123456789")
        archive.writestr("b.cif", b"fine")
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456780"))
    assert codes(path) == {"a.cif": "E_MEMBER", "b.cif": b"fine"}
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(SubmissionError, match="the zip is damaged"):
        read_submission(path, SETTINGS)
    (tmp_path / "one.cif.gz").write_bytes(gzip.compress(cif()))
    with pytest.raises(SubmissionError, match="no tar"):
        read_submission(tmp_path / "one.cif.gz", SETTINGS)
    with pytest.raises(SubmissionError, match="cannot be read"):
        read_submission(tmp_path / "nothing", SETTINGS)


def test_a_single_file_may_hold_many_blocks_and_a_member_may_not(tmp_path):
    data = cif() * 30
    (tmp_path / "many.cif").write_bytes(data)
    assert len(data) > SETTINGS.limits.max_bytes
    assert codes(tmp_path / "many.cif") == {"many.cif": data}
    assert codes(tmp_path) == {"many.cif": "E_TOO_LARGE"}
