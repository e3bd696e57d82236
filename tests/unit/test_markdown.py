"""Markdown becomes HTML that can do no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.server.markdown import html_of


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Overnight soak", "<p>Overnight soak</p>"),
        ("Soak\n\nSee *42*", "<p>Soak</p>\n<p>See <em>42</em></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("`a < b`", "<p><code>a &lt; b</code></p>"),
        ("", ""),
        (
            "[here](https://lab.example/x?a=1)",
            '<p><a href="https://lab.example/x?a=1" rel="noopener noreferrer nofollow">here</a></p>',
        ),
    ],
)
def test_markdown_is_rendered(text: str, html: str) -> None:
    assert html_of(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<b onclick=alert(1)>x</b>",
        "![x](https://elsewhere.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<https://a.example> <javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "<style>*{display:none}</style>",
    ],
)
def test_nothing_in_it_runs_or_calls_home(text: str) -> None:
    html = html_of(text)
    assert not any(
        each in html for each in ("<script", "<b", "<img", "<style", 'href="javascript', 'href="data')
    )


@given(st.text(alphabet=st.sampled_from("<>&\"'()[]!`*_-#: \n/abjavscript=on"), max_size=60))
def test_no_text_makes_other_tags_than_those_of_prose(text: str) -> None:
    html = html_of(text)
    for part in html.split("<")[1:]:
        name = part.lstrip("/").partition(">")[0].split(" ")[0]
        assert name in {
            *("p", "br", "hr", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
            *("h1", "h2", "h3", "h4", "h5", "h6"),
        }
