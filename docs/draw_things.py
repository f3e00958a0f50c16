"""Draw five things that CIFAR-10 has classes for into examples/pictures: pictures of our own, which may be shown."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

FOLDER = Path(__file__).parent.parent / "examples" / "pictures"
SIZE = 256  # of the drawing; the file has half of it
BLUR_PX = 1.5
DARK, GREY = (25, 25, 28), (100, 100, 104)


def sky(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    """One colour above that becomes another below."""
    fade = Image.linear_gradient("L").resize((SIZE, SIZE))
    return Image.composite(Image.new("RGB", (SIZE, SIZE), bottom), Image.new("RGB", (SIZE, SIZE), top), fade)


def wheels(draw: ImageDraw.ImageDraw, places: tuple[int, ...], *, y: int, radius: int) -> None:
    """Wheels at some places."""
    for x in places:
        for size, colour in ((radius, DARK), (radius // 2, (185, 185, 190))):
            draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)


def airplane() -> Image.Image:
    """From the side, in the air."""
    image = sky((120, 170, 230), (200, 220, 245))
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 112, 236, 146), fill=(235, 238, 242))
    draw.polygon([(110, 128), (165, 128), (120, 205), (92, 205)], fill=(190, 196, 206))
    draw.polygon([(115, 125), (150, 125), (110, 70), (92, 70)], fill=(205, 210, 218))
    draw.polygon([(28, 128), (62, 122), (40, 72), (18, 72)], fill=(180, 60, 60))
    for x in range(80, 215, 14):
        draw.ellipse((x, 122, x + 6, 128), fill=(70, 90, 120))
    return image


def automobile() -> Image.Image:
    """A red car on a road."""
    image = sky((170, 200, 235), (225, 230, 235))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 180, SIZE, SIZE), fill=GREY)
    draw.polygon([(62, 125), (95, 82), (172, 82), (205, 125)], fill=(185, 25, 30))
    draw.polygon([(74, 122), (100, 90), (130, 90), (130, 122)], fill=(150, 195, 225))
    draw.polygon([(138, 122), (138, 90), (167, 90), (192, 122)], fill=(150, 195, 225))
    draw.rounded_rectangle((22, 120, 236, 182), 22, fill=(205, 30, 35))
    draw.ellipse((222, 132, 236, 150), fill=(250, 240, 190))
    wheels(draw, (72, 186), y=182, radius=27)
    return image


def frog() -> Image.Image:
    """Sitting, from the front."""
    image = Image.new("RGB", (SIZE, SIZE), (120, 95, 60))
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 90, 200, 210), fill=(70, 140, 50))
    draw.ellipse((80, 55, 180, 140), fill=(80, 155, 55))
    for x in (92, 150):
        draw.ellipse((x, 40, x + 34, 74), fill=(90, 165, 60))
        draw.ellipse((x + 9, 48, x + 25, 64), fill=DARK)
    for x in (25, 165):
        draw.ellipse((x, 150, x + 70, 225), fill=(60, 125, 45))
    draw.ellipse((95, 130, 165, 205), fill=(190, 205, 130))
    return image


def ship() -> Image.Image:
    """A steamer at sea."""
    image = sky((150, 190, 235), (215, 230, 245))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 170, SIZE, SIZE), fill=(30, 80, 140))
    draw.polygon([(20, 140), (236, 140), (205, 190), (50, 190)], fill=(150, 35, 35))
    draw.rectangle((75, 100, 185, 140), fill=(240, 240, 240))
    draw.rectangle((95, 72, 160, 100), fill=(225, 225, 225))
    draw.rectangle((115, 40, 138, 72), fill=(60, 60, 65))
    draw.rectangle((115, 48, 138, 56), fill=(200, 60, 50))
    for x in range(84, 180, 16):
        draw.rectangle((x, 112, x + 8, 122), fill=(60, 90, 130))
    for y in range(186, SIZE, 14):
        draw.line((0, y, SIZE, y), fill=(50, 105, 165), width=3)
    return image


def truck() -> Image.Image:
    """A lorry on a road."""
    image = sky((165, 195, 230), (225, 230, 235))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 190, SIZE, SIZE), fill=GREY)
    draw.rectangle((14, 62, 168, 176), fill=(238, 238, 240))
    draw.rectangle((14, 62, 168, 70), fill=(200, 200, 205))
    draw.polygon([(174, 176), (174, 98), (212, 98), (240, 138), (240, 176)], fill=(30, 75, 170))
    draw.polygon([(184, 134), (184, 106), (208, 106), (226, 134)], fill=(160, 200, 230))
    draw.rectangle((14, 172, 240, 184), fill=(50, 50, 55))
    wheels(draw, (50, 96, 206), y=184, radius=22)
    return image


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for thing in (airplane, automobile, frog, ship, truck):
        soft = thing().filter(ImageFilter.GaussianBlur(BLUR_PX))
        soft.resize((SIZE // 2, SIZE // 2), Image.Resampling.BOX).save(FOLDER / f"{thing.__name__}.png", optimize=True)


if __name__ == "__main__":
    main()
