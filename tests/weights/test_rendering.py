"""Cards for readers say what the card says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from cifarzoo.errors import SettingError
from cifarzoo.weights import Card
from cifarzoo.weights.rendering import FORMATS, render

CARD = Card(
    arch="net",
    tag="cifar10",
    sha256="ab" * 32,
    bytes=1_234_567,
    dtype="float16",
    params=1_972_792,
    dataset="cifar10",
    num_classes=2,
    classes=["cat", "dog"],
    label_order="alphabetical",
    input_size=32,
    mean=[0.5] * 3,
    std=[0.25] * 3,
    top1=94.123,
    top5=99.9,
    top1_views=95.0,
    views=6,
    ece=0.0123,
    dtype_loss=0.01,
    per_class={"cat": 90.0, "dog": 98.0},
    command="cifarzoo train net --recipe fast",
    seed=0,
    seeds={
        "n": 2,
        "seeds": [0, 1],
        "top1": [94.13, 94.33],
        "top1_mean": 94.23,
        "top1_std": 0.14,
        "top1_views": [95.0, 95.2],
        "top1_views_mean": 95.1,
        "top1_views_std": 0.14,
    },
    epochs=10,
    train_images=50_000,
    hardware="a processor",
    threads=2,
    precision="bf16",
    torch="2.14",
    seconds=1800,
    pflop=0.25,
    license="Apache-2.0",
    data_license="Trained on CIFAR-10; the images' terms may restrict use.",
    near_duplicates="3.25 % of the test images",
    intended_use="For teaching.",
    limits="Not for decisions.",
    created="2026-01-01",
)


@pytest.mark.parametrize("kind", FORMATS)
def test_all_of_it_is_said(kind: str) -> None:
    text = render(CARD, kind)
    for said in (
        "# net.cifar10",
        'cifarzoo.create("net.cifar10", pretrained=True)',
        "1.97M parameters",
        "94.12 %",
        "| top-1, 6 views | 95.00 % |",
        "| calibration error (15 bins) | 1.23 % |",
        "| changed by storing in float16 | -0.01 points |",
        "| cat | 90.0 |",
        "94.23 ± 0.14",
        "As trained, before rounding. Published: seed 0, whatever its score",
        "cifarzoo train net --recipe fast",
        "0.50 hours",
        "a processor, 2 threads",
        "| arithmetic | bf16 |",
        "0.250 PFLOP",
        CARD.near_duplicates,
        CARD.intended_use,
        CARD.limits,
        CARD.data_license,
        CARD.sha256,
    ):
        assert said is not None
        assert said in text


def test_nothing_is_said_of_what_is_not_known() -> None:
    text = render(Card(arch="net", tag="mine", num_classes=2, top1=50.0, top1_views=51.0, per_class={"a": 50.0}), "hf")
    assert "None" not in text


@pytest.mark.parametrize("loss, said", [(0.02, "-0.02"), (-0.02, "+0.02"), (0.0, "+0.00")])
def test_half_precision_may_gain(loss: float, said: str) -> None:
    assert f"| {said} points |" in render(replace(CARD, dtype_loss=loss), "docs")


@pytest.mark.parametrize("dataset", ["pets: 2024", "123", "yes"])
def test_any_set_s_name_is_text_in_the_metadata(dataset: str) -> None:
    _, head, _ = render(replace(CARD, dataset=dataset), "hf").split("---\n", 2)
    fields = yaml.safe_load(head)
    assert fields["datasets"] == [dataset]
    assert fields["model-index"][0]["results"][0]["dataset"]["type"] == dataset


def test_the_metadata_is_yaml() -> None:
    _, head, body = render(CARD, "hf").split("---\n", 2)
    fields = yaml.safe_load(head)
    assert fields["license"] == "apache-2.0"
    assert fields["datasets"] == ["cifar10"]
    (entry,) = fields["model-index"]
    metrics = {metric["name"]: metric["value"] for metric in entry["results"][0]["metrics"]}
    assert metrics == {"top-1, single view": 94.12, "top-5, single view": 99.9, "top-1, 6 views": 95.0}
    assert body.lstrip() == render(CARD, "docs")


def test_many_classes_are_cut_to_the_best_and_the_worst() -> None:
    names = [f"c{label}" for label in range(100)]
    card = replace(CARD, classes=names, per_class={name: float(label) for label, name in enumerate(names)})
    text = render(card, "docs")
    assert "The 10 best and the 10 worst of 100." in text
    assert "| c99 | 99.0 |" in text
    assert "| c50 | 50.0 |" not in text


def test_classes_without_test_images_take_no_other_s_name() -> None:
    card = replace(CARD, classes=["a", "b", "c"], per_class={"b": 10.0, "c": 20.0})
    text = render(card, "docs")
    assert "| b | 10.0 |" in text
    assert "| c | 20.0 |" in text


def test_what_is_not_known_is_left_out() -> None:
    text = render(Card(arch="net", tag="mine", num_classes=2), "docs")
    assert "None" not in text
    assert "## Seeds" not in text
    assert "±" not in render(replace(CARD, seeds={"n": 1, "seeds": [0], "top1": [1.0]}), "docs")


def test_another_format_is_refused() -> None:
    with pytest.raises(SettingError, match=r"format \(='pdf'\) must be one of: hf, docs"):
        render(CARD, "pdf")
