from __future__ import annotations

import zipfile

import pytest
from lamcore_crystal import build_crystals, build_demo, build_task
from lamcore_crystal.datasets.demo import write_demo

from lamcore import AseModel, ScoredCase
from lamcore.aggregate import score_cases
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.records import Failure, Record


def screen(dataset):
    """A run of the task with EMT, without a folder."""
    from ase.calculators.emt import EMT

    task, cases = build_task(), list(dataset.cases())
    hub = Hub(AseModel(EMT()), BatchLimits(), Counters())
    records = {}
    for outcome in hub.run(Job(lambda model, case=case: task.calculate(case, model), 0) for case in cases):
        case = cases[outcome.index]
        records[case.id] = (
            Record.done(case.id, outcome.output, 0.0)
            if outcome.error is None
            else Record.failed(case.id, Failure.of(outcome.error), 0.0)
        )
    scored = score_cases(task, cases, records)
    return scored, {metric.name: metric for metric in task.summarize(scored)}


@pytest.fixture(scope="module")
def demo():
    return screen(build_demo())


def test_ten_crystals_are_measured_from_the_elements_in_them(demo):
    scored, metrics = demo
    references = [one.case.id for one in scored if one.case.settings.get("role") == "reference"]
    assert sorted(one.split("/")[1][:2] for one in references) == ["Ag", "Al", "Au", "Cu", "Ni", "Pd", "Pt"]
    assert metrics["share_relaxed"].n == 10
    assert metrics["share_references_relaxed"].value == 1.0
    assert metrics["median_energy_above_hull"].value < 0
    assert metrics["median_energy_above_hull"].unit == "eV/atom"


def test_what_failed_is_unstable_and_stays_in_the_denominator(demo):
    scored, _ = demo
    broken = [ScoredCase(one.case, None, "RuntimeError: gone") if one.case.id == "CuPt-L10" else one for one in scored]
    before = {metric.name: metric for metric in build_task().summarize(scored)}
    after = {metric.name: metric for metric in build_task().summarize(broken)}
    assert after["share_stable"].n == before["share_stable"].n == 10
    assert after["share_stable"].value == pytest.approx(before["share_stable"].value - 0.1)
    assert after["median_energy_above_hull"].n_failed == before["median_energy_above_hull"].n_failed + 1


def test_without_its_element_a_crystal_has_no_distance_and_counts_as_not_relaxed(demo):
    scored, _ = demo
    broken = [
        ScoredCase(one.case, None, "RuntimeError: gone") if one.case.id.startswith("reference/Al") else one
        for one in scored
    ]
    with_aluminium = sum("Al" in one.case.id and "reference" not in one.case.id for one in scored)
    metrics = {metric.name: metric for metric in build_task().summarize(broken)}
    assert metrics["share_relaxed"].value == pytest.approx(1 - with_aluminium / 10)


def test_files_are_cases_and_a_refused_one_is_a_failed_case(tmp_path):
    write_demo(tmp_path / "files")
    scored, metrics = screen(build_crystals(tmp_path / "files"))
    (refused,) = [one for one in scored if one.failure is not None]
    assert refused.case.id == "overlapping.cif"
    assert "E_OVERLAP" in refused.failure
    assert metrics["share_relaxed"].n == 11
    assert metrics["share_relaxed"].value == pytest.approx(10 / 11)


def test_the_report_lists_crystals_from_the_lowest_and_none_that_failed(demo):
    from lamcore_crystal.task_report import sections

    from lamcore.report import RunView

    scored, _ = demo
    broken = [ScoredCase(one.case, None, "RuntimeError: gone") if one.case.id == "NiAl-B2" else one for one in scored]
    figure, table = sections(RunView({}, broken, {}, []))
    assert "9 of 10 crystals" in figure.body
    assert "NiAl-B2" not in table.body
    assert table.body.index("CuPt-L10") < table.body.index("AlPt-B1") < table.body.index("Ni3Al-L12")
    assert sections(RunView({}, [one for one in scored if "reference" in one.case.id], {}, [])) == []


def test_two_members_of_an_archive_with_one_name_are_two_cases(tmp_path):
    write_demo(tmp_path / "files")
    with zipfile.ZipFile(tmp_path / "files.zip", "w") as archive:
        archive.write(tmp_path / "files" / "Cu-hcp.cif", "same.cif")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.write(tmp_path / "files" / "CuPt-L10.cif", "same.cif")
    cases = [one for one in build_crystals(tmp_path / "files.zip").cases() if "role" not in one.settings]
    assert [one.id for one in cases] == ["same.cif", "same.cif (2)"]
    assert [one.atoms.get_chemical_formula() if one.structures else None for one in cases] == ["Cu2", "CuPt"]
