"""The style sheet's colours can be read and told apart, in both themes, also by those who see fewer colours."""

import importlib.resources
import itertools
import math
import re

import pytest

from spanwire_bench.suite import _html
from spanwire_bench.suite._sides import OURS, SIDES

CSS = importlib.resources.files(_html).joinpath("report.css").read_text(encoding="utf-8")
Rgb = tuple[float, float, float]
COLOURS: dict[str, tuple[str, str]] = {
    name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", CSS)
}
THEMES = pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
GROUNDS = ("page", "card")


def linear(colour: str) -> Rgb:
    """The channels as light, from 0 to 1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def luminance(colour: str) -> float:
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines define it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@THEMES
@pytest.mark.parametrize("text", ["text", "muted", "link", "good", "bad", "doubt", "spanwire"])
def test_text_can_be_read(theme: int, text: str) -> None:
    for ground in (*GROUNDS, "hover"):
        assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5, ground


@THEMES
def test_text_on_what_marks_a_stretch_of_time_can_be_read(theme: int) -> None:
    assert contrast(COLOURS["muted"][theme], COLOURS["away"][theme]) >= 4.5


@THEMES
@pytest.mark.parametrize("mark", [*SIDES, "other", "bar", "focus"])
def test_marks_can_be_seen(theme: int, mark: str) -> None:
    for ground in GROUNDS:
        assert contrast(COLOURS[mark][theme], COLOURS[ground][theme]) >= 3, ground


@THEMES
@pytest.mark.parametrize("under", ["bar", *SIDES])
def test_whiskers_can_be_seen_on_bars(theme: int, under: str) -> None:
    """Their halo has the card's colour: it and the whisker differ from each other, and one of them from the bar."""
    text, card, bar = (COLOURS[name][theme] for name in ("text", "card", under))
    assert contrast(text, card) >= 7
    assert max(contrast(text, bar), contrast(card, bar)) >= 3


def test_every_side_has_a_colour_and_a_class() -> None:
    for side in (*SIDES, "other"):
        assert side in COLOURS
        assert f".s-{side} {{ --c: var(--{side}); }}" in CSS


def test_every_bar_has_the_colour_of_its_side() -> None:
    """As the sign in the legend has: a bar in another colour than its sign names no side."""
    fills = re.findall(r"^\.plot \.bar[^{]*\{ fill: ([^;]+);", CSS, re.MULTILINE)
    assert fills == ["var(--c)"]


def test_every_colour_that_is_used_is_defined() -> None:
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) - {"c"} <= set(COLOURS)
    assert not re.findall(r"#\w{3,8}\b", re.sub(r"light-dark\(.*?\);", "", CSS)), "a colour of one theme only"


# Machado, Oliveira and Fernandes (2009), severity 1: what is left of linear red, green and blue.
SIGHTS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def oklab(colour: str, sight: str) -> Rgb:
    channels = linear(colour)
    mixed = (sum(weight * part for weight, part in zip(row, channels, strict=True)) for row in SIGHTS[sight])
    red, green, blue = (min(1.0, max(0.0, part)) for part in mixed)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
    )


@THEMES
@pytest.mark.parametrize("sight", SIGHTS)
def test_sides_that_are_drawn_together_can_be_told_apart(theme: int, sight: str) -> None:
    """Ours from everyone; the SDK from our exporter. The others have marks of their own shapes, and names beside them."""
    pairs = [(OURS, other) for other in (*SIDES, "bar") if other != OURS] + [("sdk", "exporter")]
    near = {
        pair: distance
        for pair in pairs
        if (distance := math.dist(*(oklab(COLOURS[name][theme], sight) for name in pair))) < 0.08
    }
    assert not near


def test_the_measure_of_distance_tells_colours_that_look_alike() -> None:
    red, green = oklab("#b05050", "deuteranopia"), oklab("#7a7a50", "deuteranopia")
    assert math.dist(red, green) < math.dist(oklab("#b05050", "usual"), oklab("#7a7a50", "usual")) / 2
    assert len(set(itertools.chain(*COLOURS.values()))) > 30
