"""Which run belongs to which item, and who may claim which place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lamcore import Headline, Score, Suite, SuiteItem
from lamcore.errors import MixedProtocolsError
from lamcore.registry import load_registry
from lamcore.resampling import N_DRAWS
from lamcore.results import Part, RunSummary
from lamcore.standings import Standing, ahead, belongs, dummy, is_rehearsal, model_label, places, stand, standings
from lamcore.task import Contributions, Metric

ITEM = SuiteItem("metals", "Metals", "A", "eos", "dcdft", dataset_options={"elements": ["Cu", "Ag"]})


@pytest.fixture(scope="module")
def registry():
    return load_registry({"LAMCORE_PLUGINS": ""})


@pytest.fixture(scope="module")
def eos_options(registry):
    return {key: option.default for key, option in registry.tasks["eos"].options().items()}


@pytest.fixture
def make_run(eos_options):
    def make(model="emt", totals=(1.0, 2.0), **changes):
        made_of = Contributions(("Cu", "Ag"), tuple(totals), (1.0, 1.0), (4.0, 4.0), (1.0, 1.0))
        metric = Metric("mean_delta", sum(totals) / 2, "meV/atom", "lower", 4.0, None, 2, 0, contributions=made_of)
        run = RunSummary(
            folder=Path("runs") / model,
            run_id="0123456789ab",
            task=Part("eos", {key: value for key, value in eos_options.items() if value is not None}, "lamcore 1"),
            dataset=Part("dcdft", {"elements": ["Cu", "Ag"]}, "lamcore 1", "content"),
            model=Part(model, {"device": "cpu"}, "lamcore 1", "weights"),
            max_cases=None,
            n_cases=2,
            n_failed=0,
            failures={},
            metrics={"mean_delta": metric},
            config={"dataset": {}},
            provenance={"sessions": [{"started_at": "2026-01-01T00:00:00+00:00"}], "data_files": {}},
        )
        return replace(run, **changes)

    return make


class OneNumber(Suite):
    """The mean Δ, rounded to one decimal for the ranking."""

    headlines = (Headline("M", "Mean Δ", "meV/atom", "lower", "mean", decimals=1),)

    def __init__(self, *items):
        self.items = items or (ITEM,)

    def score(self, runs):
        if "metals" not in runs:
            return [Score("M", "Mean Δ", None)]
        from lamcore.resampling import draws

        metric = runs["metals"].metrics["mean_delta"]
        return [Score("M", "Mean Δ", metric.value, metric.unit, draws=draws(metric.contributions))]


def started(run, when):
    return replace(run, provenance={**run.provenance, "sessions": [{"started_at": when}]})


def with_part(run, name, **changes):
    part = getattr(run, name)
    return replace(run, **{name: replace(part, options={**part.options, **changes})})


def test_a_run_with_the_items_options_belongs_to_it(make_run, registry):
    assert belongs(make_run(), ITEM, registry)


@pytest.mark.parametrize("change", [{"max_strain": 0.02}, {"elements": ["Cu"]}])
def test_a_run_with_another_option_does_not_belong(make_run, registry, eos_options, change):
    name = "dataset" if "elements" in change else "task"
    if name == "task":
        key = next(key for key, value in eos_options.items() if isinstance(value, float))
        change = {key: 2 * eos_options[key]}
    assert not belongs(with_part(make_run(), name, **change), ITEM, registry)


def test_a_run_of_another_task_or_dataset_does_not_belong(make_run, registry):
    other = make_run(dataset=Part("noble-metals", {}, "x 1", "content"))
    assert not belongs(other, ITEM, registry)
    assert not belongs(make_run(task=Part("phonon", {}, "x 1")), ITEM, registry)


def test_a_run_on_more_cases_than_the_item_takes_is_another_measurement(make_run, registry):
    assert not belongs(make_run(), replace(ITEM, max_cases=1), registry)
    assert belongs(make_run(), replace(ITEM, max_cases=2), registry)


def test_items_that_differ_in_their_file_alone_get_the_runs_on_that_file(make_run, registry, tmp_path):
    """By its place, and by its content where it was moved."""
    from lamcore.data_files import sha256

    first, second = tmp_path / "first.xyz", tmp_path / "second"
    second.mkdir()
    first.write_text("one")
    (second / "frames.xyz").write_text("two")
    items = [
        replace(ITEM, key=path.name, dataset_options={**ITEM.dataset_options, "path": path}) for path in (first, second)
    ]
    here = make_run(config={"dataset": {"path": str(first)}})
    moved = make_run(config={"dataset": {"path": "/elsewhere"}})
    moved = replace(moved, provenance={**moved.provenance, "data_files": {"f": sha256(second / "frames.xyz")}})
    unknown = make_run(config={"dataset": {"path": "/elsewhere"}})
    assert [belongs(here, item, registry) for item in items] == [True, False]
    assert [belongs(moved, item, registry) for item in items] == [False, True]
    assert [belongs(unknown, item, registry) for item in items] == [False, False]


def test_an_item_whose_data_are_not_there_gets_no_run_of_another(make_run, registry):
    assert not belongs(make_run(), replace(ITEM, missing="its file is not there"), registry)


def test_of_several_runs_the_one_with_most_cases_counts_then_the_latest(make_run, registry):
    rehearsal = started(make_run(totals=(9.0, 9.0), n_cases=1, max_cases=1), "2026-03-01T00:00:00+00:00")
    old = started(make_run(totals=(5.0, 5.0)), "2026-01-01T00:00:00+00:00")
    new = started(make_run(totals=(1.0, 1.0)), "2026-02-01T00:00:00+00:00")
    (row,) = standings(OneNumber(), [new, rehearsal, old], registry)
    assert row.runs["metals"] is new
    assert not row.rehearsal


def test_runs_on_different_data_cannot_share_a_column(make_run, registry):
    other = make_run("lj", dataset=Part("dcdft", {"elements": ["Cu", "Ag"]}, "lamcore 1", "changed"))
    with pytest.raises(MixedProtocolsError, match=r"'metals'.*different data.*runs/emt.*runs/lj"):
        standings(OneNumber(), [make_run(), other], registry)


def test_runs_by_different_versions_of_the_task_cannot_share_a_column(make_run, registry):
    run = make_run("lj")
    other = replace(run, task=replace(run.task, plugin="lamcore 2"))
    with pytest.raises(MixedProtocolsError, match=r"'metals'.*versions of the task.*lamcore 1: runs/emt; lamcore 2: "):
        standings(OneNumber(), [make_run(), other], registry)
    retried = started(replace(make_run(), task=other.task), "2026-02-01T00:00:00+00:00")
    assert len(standings(OneNumber(), [make_run(), retried, other], registry)) == 2


def test_an_option_may_be_given_as_a_tuple(make_run, registry):
    assert belongs(make_run(), replace(ITEM, dataset_options={"elements": ("Cu", "Ag")}), registry)


def test_a_file_that_an_item_gives_its_task_is_told_by_its_content(make_run, registry, tmp_path):
    from lamcore.data_files import sha256

    file = tmp_path / "settings.txt"
    file.write_text("one")
    item = replace(ITEM, task_options={"settings": file})
    run = with_part(make_run(), "task", settings=sha256(file))
    assert belongs(run, item, registry)
    file.write_text("another")
    assert not belongs(run, item, registry)
    assert not belongs(make_run(), item, registry)


def test_a_model_that_stands_alone_is_named_with_its_checkpoint_and_changed_options(make_run, registry):
    assert model_label(make_run(), registry) == "emt"
    assert model_label(with_part(make_run(), "model", checkpoint="small"), registry) == "emt small"
    assert model_label(with_part(make_run("lj"), "model", epsilon_ev=0.5), registry) == "lj epsilon_ev=0.5"


def test_a_checkpoint_in_a_file_is_named_by_the_file(make_run, registry):
    run = with_part(make_run(), "model", checkpoint="one of the weights")
    run = replace(run, config={"dataset": {}, "model": {"checkpoint": "/somewhere/mine.pth"}})
    assert model_label(run, registry) == "emt mine.pth"


def test_models_are_in_the_order_of_the_rounded_headline_and_those_without_one_come_last(make_run, registry):
    items = (ITEM, SuiteItem("other", "Other", "A", "eos", "dcdft", dataset_options={"elements": ["Au"]}))
    without = make_run("z", dataset=Part("dcdft", {"elements": ["Au"]}, "lamcore 1", "gold"))
    runs = [make_run("c", (1.0, 1.0)), make_run("b", (3.0, 3.0)), make_run("d", (1.01, 1.01)), without]
    rows = standings(OneNumber(*items), runs, registry)
    assert [row.model for row in rows] == ["c", "d", "b", "z"]
    assert rows[-1].scores["M"].value is None


def test_where_a_model_was_computed_does_not_make_it_another(make_run, registry):
    on_gpu = with_part(started(make_run(), "2026-02-01T00:00:00+00:00"), "model", device="cuda")
    assert len(standings(OneNumber(), [make_run(), on_gpu], registry)) == 1


def test_models_of_one_name_are_told_apart_by_checkpoint_options_and_weights(make_run, registry):
    def variant(**options):
        return with_part(make_run(), "model", **options)

    runs = [variant(checkpoint="small"), variant(checkpoint="large"), variant(checkpoint="large", dtype="float64")]
    labels = {row.model for row in standings(OneNumber(), runs, registry)}
    assert labels == {"emt small", "emt large", "emt large dtype=float64"}
    retrained = replace(make_run(), model=replace(make_run().model, content="other weights"))
    labels = {row.model for row in standings(OneNumber(), [make_run(), retrained], registry)}
    assert labels == {"emt (weights)", "emt (other we)"}


def test_fewer_cases_than_the_suite_asks_for_are_a_rehearsal(make_run):
    assert is_rehearsal(make_run(max_cases=2), ITEM)
    assert is_rehearsal(make_run(max_cases=2), replace(ITEM, max_cases=3))
    assert not is_rehearsal(make_run(max_cases=3), replace(ITEM, max_cases=3))
    assert not is_rehearsal(make_run(), ITEM)
    assert stand(OneNumber(), {"metals": make_run(max_cases=2)}, "emt").rehearsal


def test_the_dummy_stands_on_the_cases_of_the_model_with_the_most_items(make_run):
    row = stand(OneNumber(), {"metals": make_run()}, "emt")
    assert dummy(OneNumber(), [row]).scores["M"].value == 4.0
    assert dummy(OneNumber(), []) is None


def score(value, draws=None, direction="lower", context=""):
    drawn = None if draws is None else np.asarray(draws, dtype=float)
    return Score("M", "M", value, direction=direction, draws=drawn, context=context)


def test_a_model_is_ahead_where_the_paired_difference_leaves_out_zero():
    cases = np.random.default_rng(0).normal(10, 3, N_DRAWS)
    assert ahead(score(10, cases), score(10.5, cases + 0.5)) == 1
    assert ahead(score(10.5, cases + 0.5), score(10, cases)) == -1
    other = np.random.default_rng(1).normal(10.5, 3, N_DRAWS)
    assert ahead(score(10, cases), score(10.5, other)) == 0


def test_a_score_without_draws_is_the_same_in_every_draw_of_another():
    around_one = np.linspace(0.8, 1.1, 1000)
    assert ahead(score(0.95, around_one), score(1.0)) == 0
    assert ahead(score(1.0), score(0.95, around_one)) == 0
    assert ahead(score(0.95, around_one), score(2.0)) == 1


def test_higher_is_ahead_where_higher_is_better():
    draws = np.linspace(1, 2, N_DRAWS)
    assert ahead(score(2.5, draws + 1, "higher"), score(1.5, draws, "higher")) == 1


def test_without_resampling_the_better_value_is_ahead_and_equal_ones_are_not():
    assert ahead(score(1.0), score(2.0)) == 1
    assert ahead(score(1.0), score(1.0)) == 0


def test_nothing_is_ahead_of_what_was_measured_on_other_hardware_or_has_no_value():
    assert ahead(score(1.0, context="A"), score(2.0, context="B")) == 0
    assert ahead(score(None), score(2.0)) == 0
    assert ahead(score(1.0, np.full(N_DRAWS, np.nan)), score(2.0, np.full(N_DRAWS, np.nan))) == 0


def test_a_place_is_certain_only_where_nobody_is_within_the_interval():
    cases = np.random.default_rng(0).normal(0, 3, N_DRAWS)
    unsure = np.random.default_rng(1).normal(0, 3, N_DRAWS)
    rows = [
        Standing(name, {}, {"M": made}, False)
        for name, made in {
            "best": score(1.0, cases + 1),
            "near": score(1.2, unsure + 1.2),
            "last": score(30.0, cases + 30),
            "none": score(None),
        }.items()
    ]
    assert places(rows, "M") == {"best": (1, 2), "near": (1, 2), "last": (3, 3)}
