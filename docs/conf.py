"""How `make docs` builds the site. Pages are Markdown; `<!-- generated: NAME -->` in one is filled in from the code.

Nothing is fetched when a page is looked at: the theme's fonts are the reader's own, and so are its scripts.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from arbbot import __version__
from docs.generated import filled

project = "arbbot"
release = __version__
html_title = f"arbbot {__version__}"
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["page/*"]
html_theme = "furo"
html_copy_source = False
html_show_search_summary = False  # it would fetch each page found, which a browser forbids for files
html_show_sphinx = False
html_show_copyright = False
myst_heading_anchors = 3
pygments_style = "default"
nitpicky = True


def setup(app: Sphinx) -> None:
    """Fill in what comes from the code, page by page, before it is parsed."""
    app.connect("source-read", _fill)


def _fill(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = filled(source[0])
