"""Draw the contact sheet of each augmentation preset, from drawn shapes, into docs/pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from cifarzoo import augment
from cifarzoo.augment.sheet import contact_sheet, drawn_pictures

FOLDER = Path(__file__).parent / "pictures"
SIZE = 40


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name in augment.list_presets():
        sheet = contact_sheet(augment.create(name, SIZE), drawn_pictures(SIZE), zoom=2)
        picture = Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy())
        picture.save(FOLDER / f"augment-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
