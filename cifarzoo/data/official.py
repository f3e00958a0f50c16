"""What the classes of the official sets have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cifarzoo.data import build
from cifarzoo.data.contents import Contents
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.layouts import Found, check_counts
from cifarzoo.data.specs import Spec


class OfficialSet(Dataset):
    """A set with a spec, opened from what was found of it.

    Args:
        spec: what is known of it.
        split: one of the spec's.
        found: where it lies.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images than the spec says.

    Attributes:
        layout: which of the accepted layouts it was read from.
        skipped: images that could not be decoded and were left out.
    """

    def __init__(
        self,
        spec: Spec,
        split: str,
        found: Found,
        *,
        cache: Path | str | None,
        on_error: str,
        partial: bool,
    ) -> None:
        def read() -> Contents:
            contents = found.read()
            check_counts(spec, split, contents.targets, partial=partial, where=found.paths[0])
            return contents

        arrays = build.load(
            f"{spec.name}-{split}",
            replace(found, read=read),
            cache_folder=cache,
            on_error=on_error,
            options=["partial", partial],
        )
        self.layout, self.skipped = found.layout, arrays.skipped
        super().__init__(
            images=arrays.images,
            targets=arrays.targets,
            classes=arrays.classes,
            class_names=arrays.class_names,
            mean=spec.mean,
            std=spec.std,
            name=spec.name,
            split=split,
            fingerprint=arrays.fingerprint,
            columns=arrays.columns,
            cache_file=arrays.file,
        )
