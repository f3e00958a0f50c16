"""Contact sheets hold the originals and as many versions as asked for."""

from __future__ import annotations

import torch
from augment_pictures import same

from cifarzoo import augment
from cifarzoo.augment.sheet import contact_sheet, drawn_pictures
from cifarzoo.draws import Draws


def test_a_sheet_shows_originals_above_and_versions_below() -> None:
    images, pipeline = drawn_pictures(32), augment.create("strong", 32)
    sheet = contact_sheet(pipeline, images, versions=2, seed=3)
    assert sheet.dtype == torch.uint8 and sheet.shape == (3, (32 + 12) + 2 * (32 + 4), 6 * 36)
    same(sheet[:, :32, 36:68], images[1])
    for epoch in range(2):
        top = 44 + 36 * epoch
        version = pipeline(images, draws=Draws(3, epoch, torch.arange(6)))
        same(sheet[:, top : top + 32, 36:68], version[1])


def test_zoom_repeats_pixels() -> None:
    images = drawn_pictures(8)
    small, large = (contact_sheet(augment.Pipeline(), images, zoom=zoom) for zoom in (1, 3))
    same(large[:, :24:3, :24:3], small[:, :8, :8])


def test_pictures_are_colourful_and_differ() -> None:
    images = drawn_pictures(48)
    assert images.shape == (6, 3, 48, 48)
    assert len(images.unique(dim=0)) == 6
    assert (images.amax(1).int() - images.amin(1).int()).float().mean() > 20
