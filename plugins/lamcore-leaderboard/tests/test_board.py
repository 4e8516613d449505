"""What rows and columns a leaderboard has, from made-up runs."""

import json

import pytest


@pytest.fixture
def board(leaderboard, write_model):
    """Make a leaderboard and read its JSON document."""

    def make(*arguments):
        status, site = leaderboard(*arguments)
        document = json.loads((site / "data/leaderboard.json").read_text())
        document["status"] = status
        document["by_model"] = {row["model"]: row for row in document["rows"]}
        return document

    return make


def columns(document, headline):
    return [column for column in document["columns"] if column["headline"] == headline]


def test_rows_are_sorted_by_the_first_headline_with_the_dummy_and_published_rows_among_them(board, write_model):
    write_model("good", scale=5)
    write_model("bad", scale=200)
    names = [row["model"] for row in board()["rows"]]
    assert names == ["good", "Paper-1", "Paper-2", "dummy", "bad"]


def test_published_rows_are_marked_and_say_where_they_are_from(board, write_model):
    write_model("good", scale=5)
    row = board()["by_model"]["Paper-1"]
    assert row["kind"] == "as published, not re-run"
    assert (row["source"], row["url"], row["values"]["M_ACC"]) == ("A paper 2024", "https://example.org/a", 0.2)
    assert row["cells"]["m-acc"]["place"] is None


def test_values_from_different_hardware_never_share_a_column(board, write_model):
    write_model("one", scale=5, throughput=2.0, context="AMD EPYC")
    write_model("two", scale=6, throughput=900.0, context="NVIDIA H200")
    document = board()
    contexts = [column["context"] for column in columns(document, "M_EFF")]
    assert contexts == ["AMD EPYC", "NVIDIA H200", "A paper 2024"]
    for column in columns(document, "M_EFF"):
        with_value = [name for name, row in document["by_model"].items() if value(row, column) is not None]
        assert (
            with_value == {"AMD EPYC": ["one"], "NVIDIA H200": ["two"], "A paper 2024": ["Paper-1"]}[column["context"]]
        )


def value(row, column):
    return row["cells"].get(column["key"], {}).get("value")


def test_the_place_within_one_hardware_counts_its_own_models_only(board, write_model):
    write_model("one", scale=5, throughput=2.0, context="AMD EPYC")
    write_model("two", scale=6, throughput=900.0, context="NVIDIA H200")
    write_model("three", scale=6, throughput=3.0, context="AMD EPYC")
    document = board()
    epyc, h200, _ = columns(document, "M_EFF")
    assert document["by_model"]["one"]["cells"][epyc["key"]]["place"] == [2, 2]
    assert document["by_model"]["three"]["cells"][epyc["key"]]["place"] == [1, 1]
    assert document["by_model"]["two"]["cells"][h200["key"]]["place"] == [1, 1]


def test_models_that_cannot_be_told_apart_share_their_places(board, write_model):
    write_model("a", scale=20.0)
    write_model("b", scale=20.5)
    write_model("c", scale=400.0)
    rows = board()["by_model"]
    assert rows["a"]["cells"]["m-acc"]["place"] == [1, 2]
    assert rows["b"]["cells"]["m-acc"]["place"] == [1, 2]
    assert rows["c"]["cells"]["m-acc"]["place"] == [3, 3]


def test_every_headline_of_measured_models_has_an_interval_around_its_value(board, write_model):
    write_model("a", scale=20.0)
    cell = board()["by_model"]["a"]["cells"]["m-acc"]
    assert cell["interval"][0] < cell["value"] < cell["interval"][1]


def test_the_dummy_stands_at_its_own_error(board, write_model):
    write_model("a", scale=20.0)
    assert board()["by_model"]["dummy"]["cells"]["m-acc"]["value"] == pytest.approx(1.0)


def test_failed_cases_count_at_the_dummys_error_and_are_counted(board, write_model):
    write_model("whole", scale=5.0)
    write_model("whole-but-for-two", scale=5.0, failed=(0, 1))
    document = board()
    rows = document["by_model"]
    failing = rows["whole-but-for-two"]
    assert failing["cells"]["m-acc"]["value"] > rows["whole"]["cells"]["m-acc"]["value"]
    assert [run["n_failed"] for run in failing["runs"].values()] == [2, 2, 2]
    assert failing["runs"]["surfaces"]["failures"]["case-000"] == "NoMinimumError: case 0"


def test_a_model_with_missing_items_is_shown_with_the_reason(board, write_model, write_run):
    write_model("whole", scale=5.0)
    write_run("surfaces", "part", scale=4.0)
    row = board()["by_model"]["part"]
    assert row["cells"]["m-acc"]["value"] is None
    assert row["cells"]["m-acc"]["note"] == "no run of molecules, vibrations"
    assert "no run of it among the folders given" in row["missing"]["molecules"]
    assert "pip install lamcore-speed" in row["missing"]["speed"]


def test_rows_without_a_value_come_last(board, write_model, write_run):
    write_run("surfaces", "part", scale=0.1)
    write_model("bad", scale=500.0)
    assert [row["model"] for row in board()["rows"]][-1] == "part"


def test_a_domain_that_one_model_lacks_is_not_dropped_for_the_others(board, write_model, write_run):
    write_model("whole", scale=5.0)
    before = board()["by_model"]["whole"]["scores"]
    write_run("surfaces", "part", scale=4.0)
    assert board()["by_model"]["whole"]["scores"] == before


def test_fewer_cases_than_the_suite_asks_for_are_a_rehearsal(board, write_model):
    write_model("short", scale=5.0, n=4, max_cases=4)
    assert board()["by_model"]["short"]["rehearsal"] is True
    assert board("--suite-option", "at_most=4")["by_model"]["short"]["rehearsal"] is False


def test_a_model_is_ranked_whatever_its_licence(board, write_model):
    write_model("free", scale=20.0)
    write_model("closed", scale=5.0, licences=("MIT", "FAIR Chemistry License v1"))
    rows = board()["by_model"]
    assert rows["closed"]["licences"]["weights"] == "FAIR Chemistry License v1"
    assert rows["closed"]["cells"]["m-acc"]["place"] == [1, 1]


def test_two_settings_of_one_model_are_two_rows(board, write_model):
    write_model("m", scale=5.0, model_options={"checkpoint": "small"})
    write_model("m", scale=9.0, model_options={"checkpoint": "large"})
    assert {"m small", "m large"} <= board()["by_model"].keys()


def test_every_number_of_the_document_can_be_traced(board, write_model):
    write_model("a", scale=20.0, weights="ab" * 32)
    run = board()["by_model"]["a"]["runs"]["surfaces"]
    assert run["identity"]["dataset"]["content_sha256"] == "c0ffee" * 10
    assert run["identity"]["model"]["weights"][0]["sha256"] == "ab" * 32
    assert run["versions"]["lamcore"] == "0.1.0"
    assert run["hardware"] == ["AMD EPYC, 2 cores"]
    assert all({"unit", "direction", "n", "n_failed", "interval"} <= metric.keys() for metric in run["metrics"])
