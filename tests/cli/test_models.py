"""`cifarzoo list` and `cifarzoo info`."""

from __future__ import annotations

import json

import pytest

from cifarzoo import factory

NAMES = factory.list_models()


def test_list_has_a_row_for_each_model(cli) -> None:
    code, out, _ = cli("list")
    assert code == 0
    lines = out.splitlines()
    for name in NAMES:
        (line,) = (line for line in lines if f" {name} " in line)
        assert f"{factory.model_info(name).params / 1e6:.2f}M" in line


def test_list_takes_a_pattern(cli) -> None:
    records = json.loads(cli("list", "*cnn", "--json").out)
    assert sorted(record["name"] for record in records) == factory.list_models("*cnn") != NAMES


def test_list_in_markdown_is_the_same_table(cli) -> None:
    head, rule, *rows = cli("list", "--markdown").out.splitlines()
    assert {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    assert sorted(row.split("|")[1].strip() for row in rows) == NAMES


def test_list_without_a_match_is_empty(cli) -> None:
    assert json.loads(cli("list", "nothing*", "--json").out) == []
    assert cli("list", "nothing*").code == 0
    assert cli("list", "nothing*", "--markdown").code == 0


@pytest.mark.parametrize("name", NAMES)
def test_info_agrees_with_the_spec(cli, name: str) -> None:
    spec = factory.model_info(name)
    record = json.loads(cli("info", name, "--json").out)
    assert (record["name"], record["params"], record["macs"]) == (name, spec.params, spec.macs)
    assert {row["model"] for row in record["report"]} <= {name}
    text = cli("info", name).out
    assert spec.summary in text


def test_report_accuracy_is_the_best_of_the_models_rows(cli) -> None:
    (line,) = (line for line in cli("list").out.splitlines() if " wide_residual_cnn " in line)
    assert "92.61" in line
