"""A suite through the command line: every run of it, what they make together, and what is missing."""

import json
import re

import pytest

from lamcore import Score
from lamcore.errors import ConfigError
from lamcore.registry import load_registry
from lamcore.resampling import N_DRAWS
from lamcore.suite_command import choose

TINY = ("suite=tiny", "model=emt")


def written(workplace):
    (file,) = (workplace.folder / "runs").glob("suite-tiny-*/suite.json")
    return json.loads(file.read_text())


def test_what_can_be_run_is_run_and_what_is_missing_is_named_with_how_to_get_it(workplace):
    result = workplace.run(*TINY)
    assert result.returncode == 3, result.stderr
    assert "2 of 4 items are missing" in result.stdout
    assert "numbers: its file is not there; suite.data=<file>, from its authors" in result.stdout
    assert "dreams: no task yet" in result.stdout
    content = written(workplace)
    assert sorted(content["runs"]) == ["metals", "squares"]
    assert sorted(content["missing"]) == ["dreams", "numbers"]
    assert content["rehearsal"] is False
    assert workplace.calculated() == {"case-0": 1, "case-1": 1, "case-2": 1}
    (headline,) = content["scores"]
    metrics = json.loads((workplace.folder / "runs" / content["runs"]["metals"] / "metrics.json").read_text())
    assert headline["value"] == next(one["value"] for one in metrics["metrics"] if one["name"] == "mean_delta")
    assert headline["interval"][0] < headline["value"] < headline["interval"][1]


def test_the_same_command_again_computes_nothing(workplace):
    workplace.run(*TINY)
    first = written(workplace)
    assert "3 of 3 cases are there" in workplace.run(*TINY).stdout
    assert set(workplace.calculated().values()) == {1}
    assert written(workplace) == first


def test_fewer_cases_are_a_rehearsal_and_are_marked_where_they_appear(workplace):
    result = workplace.run(*TINY, "suite.max_cases=2")
    assert "REHEARSAL" in result.stdout
    assert written(workplace)["rehearsal"] is True
    assert set(workplace.calculated()) == {"case-0", "case-1"}


def test_more_cases_than_the_suite_takes_are_never_taken(workplace):
    workplace.run(*TINY, "suite.max_cases=100")
    assert set(workplace.calculated()) == {"case-0", "case-1", "case-2"}


def test_an_item_is_run_on_the_file_that_the_user_gives(workplace):
    (workplace.folder / "mine.txt").write_text("2 3")
    result = workplace.run(*TINY, "suite.data=mine.txt")
    assert "1 of 4 items are missing" in result.stdout, result.stderr
    assert sorted(written(workplace)["runs"]) == ["metals", "numbers", "squares"]


def test_a_run_that_raises_costs_that_item_alone(workplace):
    result = workplace.run(*TINY, "suite.data=nowhere.txt")
    assert result.returncode in (1, 2, 3)
    content = written(workplace)
    assert sorted(content["runs"]) == ["metals", "squares"]
    assert content["missing"]["numbers"] == "its run could not be made, see above"


def test_several_models_need_multirun_and_get_a_result_each(workplace):
    alone = workplace.run("suite=tiny", "model=emt,lj")
    assert alone.returncode == 2
    assert "several values need --multirun" in alone.stderr
    result = workplace.run("--multirun", "suite=tiny", "model=emt,lj", "suite.max_cases=1")
    assert len(list((workplace.folder / "runs").glob("suite-tiny-*/suite.json"))) == 2, result.stderr


def test_formulas_that_raise_cost_that_model_alone_and_say_whose_fault_it_is(workplace):
    result = workplace.run("--multirun", "suite=brittle", "model=emt,lj")
    assert result.returncode == 1
    assert result.stderr.count("this is a fault in a plugin or in lamcore") == 1
    assert "brittle with lj" in result.stdout


def test_variants_of_a_model_are_told_apart(workplace):
    result = workplace.run("--multirun", "suite=tiny", "model=lj", "model.sigma_ang=2.5,2.6", "suite.max_cases=1")
    models = {json.loads(file.read_text())["model"] for file in workplace.folder.glob("runs/suite-tiny-*/suite.json")}
    assert models == {"lj sigma_ang=2.5", "lj sigma_ang=2.6"}, result.stderr
    assert "tiny with lj sigma_ang=2.5" in result.stdout


def test_several_suites_run_one_after_the_other(workplace):
    result = workplace.run("suite=tiny,tiny", "model=emt", "suite.max_cases=1")
    assert result.stdout.count("tiny with emt") == 2, result.stderr
    assert set(workplace.calculated().values()) == {1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("suite=tinny",), "unknown suite 'tinny'; did you mean 'tiny'?"),
        (("suite=tiny", "suite.dta=x"), "unknown option 'suite.dta'; did you mean 'data'?"),
        (("suite=tiny", "suite.max_cases=0"), "suite.max_cases: got 0, expected a number above 0"),
        (("suite=tiny", "suite.max_cases=1,2"), "suite.max_cases=1,2: got several values, expected one"),
        (("suite=tiny", "task=eos"), "task=eos: a suite fixes its tasks and datasets"),
        (("suite=tiny", "dataset.max_cases=2"), "suite.max_cases=N takes fewer cases"),
        (("suite=tiny", "--cfg"), "with suite= the only flag is --multirun"),
        (("suite=tiny,",), "cannot read the override 'suite=tiny,'"),
        (("suite=tiny", "model=emmt"), "did you mean 'emt'?"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_before_anything_is_run(workplace, arguments, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        choose(arguments, load_registry(workplace.environment))


def test_what_stands_before_a_swept_key_stays_and_values_keep_their_quotes(workplace):
    arguments = ("-m", "suite=tiny", "+model.x='a b',c", "~batch")
    chosen = choose(arguments, load_registry(workplace.environment))
    assert chosen.overrides == [["+model.x='a b'", "~batch"], ["+model.x=c", "~batch"]]


def test_an_override_that_cannot_be_composed_is_a_wrong_command_and_no_fault(workplace):
    result = workplace.run(*TINY, "~nothing")
    assert result.returncode == 2
    assert "the configuration cannot be composed" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_refused_command_has_an_exit_status_of_its_own(workplace):
    result = workplace.run("suite=tinny")
    assert result.returncode == 2
    assert "unknown suite 'tinny'" in result.stderr
    assert not (workplace.folder / "runs").exists()


def test_a_suite_is_shown_with_its_options(workplace):
    shown = workplace.run("show", "suite", "tiny").stdout
    assert "two runs" in shown
    assert "data" in shown
    assert "max_cases" in shown


def test_a_score_has_an_interval_where_it_has_draws_and_a_value():
    import numpy as np

    draws = np.linspace(0.0, 1.0, N_DRAWS)
    assert Score("M", "M", 0.5, draws=draws).interval == pytest.approx((0.025, 0.975))
    assert Score("M", "M", 0.5).interval is None
    assert Score("M", "M", None, draws=draws).interval is None


def test_a_score_as_plain_values_has_its_parts_and_no_arrays():
    import numpy as np

    part = Score("a", "A", 2.0, "eV", note="why", context="one processor")
    plain = Score("M", "M", 0.5, draws=np.ones(N_DRAWS), parts=(part,)).plain()
    assert json.loads(json.dumps(plain, allow_nan=False))["interval"] == [1.0, 1.0]
    assert plain["parts"][0] == {
        "name": "a",
        "title": "A",
        "value": 2.0,
        "unit": "eV",
        "direction": "lower",
        "interval": None,
        "note": "why",
        "context": "one processor",
        "parts": [],
    }
