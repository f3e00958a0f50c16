"""Cards for readers: as a model card of Hugging Face, and as a page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cifarzoo.errors import SettingError
from cifarzoo.weights import statements
from cifarzoo.weights.cards import Card

FORMATS = ("hf", "docs")
_MOST_CLASSES = 20  # more are named in the JSON card only


def render(card: Card, kind: str) -> str:
    """A card as Markdown.

    Args:
        card: of published weights.
        kind: ``hf`` puts the metadata of a Hugging Face model card in front; ``docs`` is a page of its own.

    Raises:
        SettingError: another kind.
    """
    if kind not in FORMATS:
        raise SettingError(f"format (={kind!r}) must be one of: {', '.join(FORMATS)}")
    parts = [
        _metadata(card) if kind == "hf" else "",
        f"# {card.arch}.{card.tag}\n",
        f"{_in_short(card)}\n",
        _use(card),
        _section("Results", _table(("", "value"), _results(card))),
        _section("Seeds", _seeds(card)),
        _section("Accuracy of each class", _per_class(card)),
        _section("Training", _table(("", "value"), _training(card)) + _command(card)),
        _section("Near duplicates", card.near_duplicates),
        _section("What it is for", card.intended_use),
        _section("What it is not for", card.limits),
        _section("Licences", _licences(card)),
        _section("File", _table(("", "value"), _file(card))),
    ]
    return "\n".join(part for part in parts if part)


def _metadata(card: Card) -> str:
    """The YAML in front of a Hugging Face model card; JSON strings are YAML strings too."""
    name, dataset = f"{card.arch}.{card.tag}", card.dataset or "unknown"
    lines = [
        "---",
        "library_name: cifarzoo",
        f"license: {(card.license or 'unknown').lower()}",
        "pipeline_tag: image-classification",
        "tags:",
        "- image-classification",
        "- pytorch",
        f"datasets:\n- {json.dumps(dataset)}",
        "metrics:\n- accuracy",
        "model-index:",
        f"- name: {json.dumps(name)}",
        "  results:",
        "  - task:",
        "      type: image-classification",
        "    dataset:",
        f"      name: {json.dumps(statements.title(card.dataset))}",
        f"      type: {json.dumps(dataset)}",
        f"      split: {'validation' if dataset == 'tiny_imagenet' else 'test'}",
        "    metrics:",
    ]
    for kind, title, value in (
        ("accuracy", "top-1, single view", card.top1),
        ("accuracy", "top-5, single view", card.top5),
        ("accuracy", f"top-1, {card.views or 'several'} views", card.top1_views),
    ):
        if value is not None:
            lines += [f"    - type: {kind}", f"      name: {json.dumps(title)}", f"      value: {value:.2f}"]
    return "\n".join([*lines, "---", ""])


def _in_short(card: Card) -> str:
    """One sentence."""
    size = f"{card.params / 1e6:.2f}M parameters" if card.params else "parameters not counted"
    score = f", {card.top1:.2f} % of the test images right" if card.top1 is not None else ""
    return f"`{card.arch}` trained on {statements.title(card.dataset)}: {size}{score}."


def _use(card: Card) -> str:
    """How to classify a picture with it."""
    name = f"{card.arch}.{card.tag}"
    return (
        f'```python\nimport cifarzoo\n\nmodel = cifarzoo.create("{name}", pretrained=True)\n'
        f'cifarzoo.predict("{name}", picture, top=5)  # a PIL image, an array or a uint8 batch of any size\n```\n'
    )


def _results(card: Card) -> list[tuple[str, str]]:
    """What was measured on the test set."""
    percent = [
        ("top-1", card.top1),
        ("top-5", card.top5),
        (f"top-1, {card.views or 'several'} views", card.top1_views),
        ("calibration error (15 bins)", None if card.ece is None else 100 * card.ece),
    ]
    rows = [(name, f"{value:.2f} %") for name, value in percent if value is not None]
    if card.dtype_loss is not None:
        rows.append((f"changed by storing in {card.dtype}", f"{0 - card.dtype_loss:+.2f} points"))
    return rows


def _training(card: Card) -> list[tuple[str, str]]:
    """What it took."""
    return [
        (name, value)
        for name, value in (
            ("data", f"{statements.title(card.dataset)}, {card.train_images} images" if card.train_images else None),
            ("epochs", None if card.epochs is None else f"{card.epochs:g}"),
            ("seed", None if card.seed is None else str(card.seed)),
            ("time", None if card.seconds is None else f"{card.seconds / 3600:.2f} hours"),
            ("hardware", None if card.hardware is None else f"{card.hardware}, {_threads(card.threads)}"),
            ("arithmetic", card.precision),
            ("operations", None if card.pflop is None else f"{card.pflop:.3f} PFLOP"),
            ("torch", card.torch),
        )
        if value is not None
    ]


def _threads(count: int | None) -> str:
    """So many threads, in words."""
    return "threads not counted" if count is None else f"{count} thread{'s' * (count != 1)}"


def _command(card: Card) -> str:
    """The command that makes the weights again."""
    return "" if card.command is None else f"\n\n```sh\n{card.command}\n```"


def _seeds(card: Card) -> str | None:
    """The results of several seeds."""
    seeds = card.seeds or {}
    if seeds.get("n", 0) < 2:
        return None
    rows = []
    for key, name in (("top1", "top-1, single view"), ("top1_views", "top-1, several views")):
        if key in seeds:
            values = ", ".join(f"{value:.2f}" for value in seeds[key])
            rows.append((name, values, f"{seeds[f'{key}_mean']:.2f} ± {seeds[f'{key}_std']:.2f}"))
    columns = ("", f"seeds {', '.join(map(str, seeds['seeds']))}", "mean ± standard deviation")
    return f"{_table(columns, rows)}\n\nAs trained, before rounding. Published: seed {card.seed}, whatever its score."


def _per_class(card: Card) -> str | None:
    """The accuracy of each class, or of the best and worst where there are many."""
    if not card.per_class:
        return None
    known = card.classes is not None and len(card.classes) == len(card.per_class)  # else some have no test images
    names = dict(zip(card.per_class, (card.classes if known else None) or card.per_class, strict=True))
    order = sorted(card.per_class.items(), key=lambda pair: -pair[1])
    half = _MOST_CLASSES // 2
    shown = list(card.per_class.items()) if len(order) <= _MOST_CLASSES else [*order[:half], *order[-half:]]
    table = _table(("class", "top-1 %"), [(names[key], f"{value:.1f}") for key, value in shown])
    note = f"\n\nThe {half} best and the {half} worst of {len(order)}." if len(shown) < len(order) else ""
    labels = f"\n\nLabels are numbered in this order: {card.label_order}." if card.label_order else ""
    return f"{table}{note}{labels}"


def _licences(card: Card) -> str:
    """Of the weights and of the data."""
    return f"Weights: {card.license or 'not stated'}. {card.data_license or ''}".strip()


def _file(card: Card) -> list[tuple[str, str]]:
    """Of the weight file."""
    side = card.input_size
    return [
        (name, value)
        for name, value in (
            ("name", f"{card.arch}.{card.tag}.safetensors"),
            ("bytes", None if card.bytes is None else f"{card.bytes:,}"),
            ("SHA-256", None if card.sha256 is None else f"`{card.sha256}`"),
            ("numbers", card.dtype),
            ("input", None if side is None else f"{side}x{side}"),
            ("normalised by", None if card.mean is None else f"mean {card.mean}, std {card.std}"),
            ("created", card.created),
        )
        if value is not None
    ]


def _section(title: str, text: str | None) -> str:
    """A heading and what stands below it; nothing for nothing."""
    return f"## {title}\n\n{text.strip()}\n" if text else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *rows))
