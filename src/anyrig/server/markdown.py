"""What people write in Markdown, as HTML that can do no harm."""

from collections.abc import Callable
from functools import cache, lru_cache

_TAGS = {
    *("p", "br", "hr", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}


@lru_cache(512)
def html_of(text: str) -> str:
    """CommonMark without raw HTML and pictures; links lead to the web or to mail, and nowhere else."""
    import nh3  # noqa: PLC0415 - no start waits for it

    drawn = _renderer()(text).removesuffix("\n")
    return nh3.clean(
        drawn,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


@cache
def _renderer() -> Callable[[str], str]:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - it takes long to load

    return MarkdownIt("commonmark", {"html": False}).disable("image").render
