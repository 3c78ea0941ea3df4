"""Elements are well formed whatever is in them, and text stays text."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench.suite._html._svg import Markup, element, escape, join, number

HOSTILE = "<script>alert(\"1\")</script> & 'x' ]]> \x00\x1b\x7f\x9b \u202e \ud800"


def test_text_is_escaped_in_content_and_in_attributes() -> None:
    parsed = ET.fromstring(element("p", HOSTILE, title=HOSTILE))
    assert len(parsed) == 0 and set(parsed.attrib) == {"title"}
    for said in (parsed.text, parsed.get("title")):
        assert said == "<script>alert(\"1\")</script> & 'x' ]]> \ufffd\ufffd\ufffd\ufffd \ufffd \ufffd"


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_gives_a_document_that_can_be_read_and_written(content: str, attribute: str) -> None:
    whole = element("g", element("text", content, class_=attribute))
    text = ET.fromstring(whole.encode())[0]
    assert text.tag == "text" and len(text) == 0 and set(text.attrib) == {"class"}


def test_markup_goes_in_as_it_is() -> None:
    inner = element("b", "<")
    assert element("p", inner, None, "<") == "<p><b>&lt;</b>&lt;</p>"
    assert join([inner, "&"], " < ") == "<b>&lt;</b> &lt; &amp;"
    assert isinstance(escape("x"), Markup)


def test_names_and_values_of_attributes() -> None:
    made = element("rect", class_="a", stroke_width=1.5, viewBox="0 0", hidden=True, x=None, y=False, rx=-0.001)
    assert made == '<rect class="a" stroke-width="1.5" viewBox="0 0" hidden="" rx="0"/>'


def test_what_html_does_not_end_by_itself_has_an_end() -> None:
    assert element("td") == "<td></td>"
    assert element("meta", charset="utf-8") == '<meta charset="utf-8"/>'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_place_that_is_none_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="no place"):
        number(value)
