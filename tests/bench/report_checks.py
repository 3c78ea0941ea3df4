"""What a browser has to find of a report. Each check gives what is wrong, in words: nothing, if nothing is."""

from selenium.webdriver import ActionChains, Keys

from tests.chromium import Browser

__all__ = ["everything", "keyboard", "layout", "plots", "printed", "quiet", "switches"]


def everything(browser: Browser, url: str) -> list[str]:
    """Opened anew, on a wide and on a narrow screen, in light and in dark; and on paper."""
    found = []
    for width in (1400, 900, 360):
        for theme in ("light", "dark"):
            browser.look(width, theme=theme)
            browser.open(url)
            problems = [*plots(browser), *layout(browser), *theme_is(browser, theme), *quiet(browser, url)]
            found += [f"{width} {theme}: {problem}" for problem in problems]
    browser.look(1000, media="print", theme="dark")
    browser.open(url)
    found += [f"print: {problem}" for problem in [*printed(browser), *plots(browser), *quiet(browser, url)]]
    return found


def quiet(browser: Browser, url: str) -> list[str]:
    """Nothing in the console, and nothing was asked for but the page."""
    wanted = {url}
    return [
        *(f"console: {line}" for line in browser.said()),
        *(f"request: {one}" for one in browser.requested() if one.partition("#")[0] not in wanted),
    ]


_PLOTS = """
const wrong = [];
const ink = (one) => {  // the letters of a line, without most of the room above and below
  const box = one.getBoundingClientRect(), cut = box.height * 0.2;
  return {left: box.left, right: box.right, top: box.top + cut, bottom: box.bottom - cut, said: one.textContent};
};
for (const article of document.querySelectorAll("article, .headline")) {
  const shown = [...article.querySelectorAll("svg.plot")].filter((one) => one.getClientRects().length);
  if (shown.length !== 1) { wrong.push(`${article.id}: ${shown.length} plots are shown`); continue; }
  const edge = shown[0].getBoundingClientRect();
  if (edge.width < 200 || edge.height < 40) wrong.push(`${article.id}: ${edge.width} by ${edge.height}`);
  const marks = [...shown[0].querySelectorAll(".bar, .mark, .hill, .line, .whisker, .box, .quantile, .ghost-tip")];
  if (!marks.some((one) => one.matches(".bar, .mark, .hill"))) wrong.push(`${article.id}: no marks`);
  for (const one of marks) {
    const box = one.getBoundingClientRect();
    if (box.left < edge.left - 2 || box.right > edge.right + 2 || box.top < edge.top - 2 || box.bottom > edge.bottom + 2)
      wrong.push(`${article.id}: ${one.getAttribute("class")} is beyond the edge`);
    if (box.width + box.height === 0) wrong.push(`${article.id}: ${one.getAttribute("class")} has no size`);
  }
  const texts = [...shown[0].querySelectorAll("text")].map(ink);
  if (!texts.length) wrong.push(`${article.id}: no text`);
  texts.forEach((one, index) => {
    if (one.left < edge.left - 1 || one.right > edge.right + 1 || one.top < edge.top || one.bottom > edge.bottom)
      wrong.push(`${article.id}: "${one.said}" is cut`);
    for (const other of texts.slice(index + 1))
      if (one.left < other.right - 0.5 && other.left < one.right - 0.5 && one.top < other.bottom && other.top < one.bottom)
        wrong.push(`${article.id}: "${one.said}" lies over "${other.said}"`);
  });
}
return wrong;
"""


def plots(browser: Browser) -> list[str]:
    """Every outcome has one, drawn, within its edges, with labels that can be read."""
    found: list[str] = browser.run(_PLOTS)
    return found


_LAYOUT = """
const wrong = [], wide = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > wide) wrong.push(`the page is ${document.documentElement.scrollWidth} wide of ${wide}`);
for (const one of document.querySelectorAll("body *")) {
  if (one.closest(".scroll table, svg, .skip") || !one.getClientRects().length) continue;
  const box = one.getBoundingClientRect();
  if (box.right > wide + 1 || box.left < -1) wrong.push(`${one.tagName} ${one.className} reaches from ${box.left} to ${box.right}`);
}
return wrong.slice(0, 5);
"""


def layout(browser: Browser) -> list[str]:
    """Nothing but tables, in their boxes, is wider than the window; tables are looked at open."""
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true;")
    found: list[str] = browser.run(_LAYOUT)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = false;")
    return found


_BACKGROUND = "return getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"


def _is_dark(browser: Browser) -> bool:
    channels: list[float] = browser.run(_BACKGROUND)
    return sum(channels) < 384


def theme_is(browser: Browser, theme: str) -> list[str]:
    return [] if _is_dark(browser) == (theme == "dark") else [f"the page is not {theme}"]


def switches(browser: Browser, url: str) -> list[str]:
    """Theme, scale and tables, by their buttons; nothing is remembered."""
    wrong = []
    browser.look(1400, theme="light")
    browser.open(url)
    press = "document.getElementById(arguments[0]).click()"
    themes = [_is_dark(browser)]
    for _ in range(2):
        browser.run(press, "theme")
        themes.append(_is_dark(browser))
    browser.run(press, "theme")
    browser.open(url)
    if [*themes, _is_dark(browser)] != [False, True, False, False]:
        wrong.append(f"dark, after each press and anew: {themes}")

    shown = "return [...document.querySelectorAll('.two-scales svg.linear')].filter((one) => one.getClientRects().length).length"
    both = browser.run("return document.querySelectorAll('.two-scales').length")
    linear = [browser.run(shown)]
    for _ in range(2):
        browser.run(press, "scale")
        linear.append(browser.run(shown))
        wrong += plots(browser)
    if linear != [0, both, 0]:
        wrong.append(f"linear scales: {linear} of {both}")

    opened = "return document.querySelectorAll('details[open]').length"
    every = browser.run("return document.querySelectorAll('details').length")
    tables = [browser.run(opened)]
    for _ in range(2):
        browser.run(press, "tables")
        tables.append(browser.run(opened))
    if tables != [0, every, 0]:
        wrong.append(f"open tables: {tables} of {every}")
    return [*wrong, *quiet(browser, url)]


_REACHABLE = """
const wanted = [...document.querySelectorAll("a[href], button, summary, [tabindex='0']")]
  .filter((one) => one.getClientRects().length && (one.matches("summary") || !one.closest("details:not([open])")));
wanted.forEach((one, index) => one.dataset.number = index);
return wanted.length;
"""
_FOCUSED = """
const one = document.activeElement;
if (!one || one === document.body) return null;
const style = getComputedStyle(one);
return [one.dataset.number ?? "?", style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
"""


def keyboard(browser: Browser, url: str) -> list[str]:
    """The key Tab comes by everything that can be used, once, in order, and one sees where it is."""
    browser.look(1400)
    browser.open(url)
    count: int = browser.run(_REACHABLE)
    came, unseen = [], []
    for _ in range(count):
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        focused = browser.run(_FOCUSED)
        if focused is None:
            break
        came.append(focused[0])
        if not focused[1]:
            unseen.append(focused[0])
    wrong = []
    if came != [str(number) for number in range(count)]:
        wrong.append(f"of {count} one comes by {came}")
    if unseen:
        wrong.append(f"focus cannot be seen on {unseen}")
    return wrong


_PRINTED = """
const wrong = [];
for (const one of document.querySelectorAll("article table"))
  if (!one.getBoundingClientRect().height) wrong.push(`${one.closest("article").id}: its table is not printed`);
for (const one of document.querySelectorAll("nav, .tools, .skip, summary"))
  if (one.getClientRects().length) wrong.push(`${one.tagName} ${one.className} is printed`);
for (const one of document.querySelectorAll("figure"))
  if (getComputedStyle(one).breakInside !== "avoid" || one.getBoundingClientRect().height > 900)
    wrong.push("a plot may be cut by the end of a page");
return wrong;
"""


def printed(browser: Browser) -> list[str]:
    """Light whatever the reader's theme, with the tables, without what is to be pressed."""
    found: list[str] = browser.run(_PRINTED)
    ink = "return getComputedStyle(document.querySelector('article')).color.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    if sum(browser.run(ink)) > 200:
        found.append("text is not dark")
    return found
