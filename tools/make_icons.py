"""Draws the icons of the site as an app from the figures of static/icon.svg: python tools/make_icons.py

A maskable icon fills its square, and its sign stays within the circle that every mask leaves.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parent.parent / "static" / "icons"
RED, WHITE = "#9b1b1e", "#ffffff"
SIDE, ROUND = 32, 4  # of the drawing
BARS = ((8, 8, 24, 10.6), (8, 14.2, 24, 16.8), (8, 20.4, 18, 23))
FINE = 4  # drawn so many times as large, for smooth corners


def draw(pixels: int, *, maskable: bool) -> Image.Image:
    """The icon, `pixels` wide and high."""
    scale = pixels * FINE / SIDE
    picture = Image.new("RGBA", (pixels * FINE, pixels * FINE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    whole = (0, 0, pixels * FINE - 1, pixels * FINE - 1)
    if maskable:
        pen.rectangle(whole, fill=RED)
    else:
        pen.rounded_rectangle(whole, radius=ROUND * scale, fill=RED)
    for left, top, right, bottom in BARS:
        pen.rectangle((left * scale, top * scale, right * scale - 1, bottom * scale - 1), fill=WHITE)
    return picture.resize((pixels, pixels), Image.Resampling.LANCZOS)


def main() -> None:
    """Write every icon."""
    FOLDER.mkdir(exist_ok=True)
    for pixels in (192, 512):
        draw(pixels, maskable=False).save(FOLDER / f"icon-{pixels}.png", optimize=True)
        draw(pixels, maskable=True).save(FOLDER / f"maskable-{pixels}.png", optimize=True)
    # An iPhone rounds the corners itself and shows what is transparent as black.
    draw(180, maskable=True).save(FOLDER / "apple-touch-icon.png", optimize=True)


if __name__ == "__main__":
    main()
