"""The HTML report read again: it is written so that a parser of XML can, but for style and script."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def parsed(page: str) -> ET.Element:
    """The root; namespaces stay in the names of SVG's elements."""
    bare = re.sub(r"<(style|script)>.*?</\1>", "", page.removeprefix("<!doctype html>"), flags=re.DOTALL)
    return ET.fromstring(bare.encode())


def with_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in root.iter() if name in one.get("class", "").split()]


def text(one: ET.Element) -> str:
    return "".join(one.itertext())


def plots(root: ET.Element) -> list[ET.Element]:
    return with_class(root, "plot")


def outside(plot: ET.Element) -> list[str]:
    """What of a plot lies beyond its edges: coordinates of marks, and where texts begin."""
    _, _, width, height = map(float, plot.get("viewBox", "").split())
    found = []
    for one in plot.iter():
        for x, y in _corners(one):
            if not (-1 <= x <= width + 1 and -1 <= y <= height + 1):
                found.append(f"{one.tag.removeprefix(SVG)} {one.get('class')} at {x:g}, {y:g} of {width:g}, {height:g}")
    return found


def _corners(one: ET.Element) -> Iterator[tuple[float, float]]:
    tag = one.tag.removeprefix(SVG)
    number = {name: float(value) for name, value in one.attrib.items() if _NUMBER.fullmatch(value)}
    if tag == "rect":
        yield number["x"], number["y"]
        yield number["x"] + number["width"], number["y"] + number["height"]
    elif tag == "line":
        yield number["x1"], number["y1"]
        yield number["x2"], number["y2"]
    elif tag == "circle":
        yield number["cx"], number["cy"]
    elif tag == "text":
        yield number["x"], number["y"]
    elif tag == "polygon":
        for point in one.get("points", "").split():
            x, y = point.split(",")
            yield float(x), float(y)
    elif tag == "path":
        yield from _followed(one.get("d", ""))


def _followed(path: str) -> Iterator[tuple[float, float]]:
    x = y = 0.0
    for command, said in re.findall(r"([a-zA-Z])([^a-zA-Z]*)", path):
        numbers = [float(one) for one in _NUMBER.findall(said)]
        match command:
            case "M" | "L":
                x, y = numbers
            case "l":
                x, y = x + numbers[0], y + numbers[1]
            case "H":
                (x,) = numbers
            case "h":
                x += numbers[0]
            case "V":
                (y,) = numbers
            case "v":
                y += numbers[0]
            case "Z" | "z":
                pass
            case _:
                raise AssertionError(f"unknown command of a path: {command}")
        yield x, y
