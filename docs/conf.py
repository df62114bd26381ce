"""How Sphinx builds the site (`make site`): every page from the checkout, and nothing from a network."""

import re
import sys
from pathlib import Path

from docutils import nodes

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from lowerbound import __version__
from lowerbound.report.site.build import type_aliases, write_beside, write_sources
from lowerbound.report.site.mathml import to_mathml

project = "lowerbound"
author = "The lowerbound authors"
copyright = "the lowerbound authors, MIT licence"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["programs", "_static"]
source_suffix = {".md": "markdown"}
nitpicky = False

myst_enable_extensions = ["dollarmath", "attrs_block", "attrs_inline", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure", "ref.python"]

html_theme = "furo"
html_title = "lowerbound"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["graph.js"]
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"
html_theme_options = {"footer_icons": [], "source_edit_link": ""}
templates_path = []
pygments_style = "tango"
pygments_dark_style = "github-dark"

toc_object_entries = False  # they are copied into every page, and take half of the build
add_module_names = False
autodoc_member_order = "bysource"
autodoc_type_aliases = type_aliases()
autodoc_typehints = "signature"
autodoc_default_options = {"show-inheritance": False}
autodoc_preserve_defaults = True
napoleon_google_docstring = False


def plain(app, what, name, obj, options, lines):
    """Docstrings are prose for a terminal: what reStructuredText would read as markup is shown as it stands."""
    for number, line in enumerate(lines):
        bullet, line = re.fullmatch(r"(\s*(?:\* )?)(.*)", line).groups()
        pieces = line.split("`")
        if len(pieces) % 2:
            pieces[::2] = [re.sub(r"([\\*|@])", r"\\\1", re.sub(r"(?<=\w)_(?!\w)", r"\\_", p)) for p in pieces[::2]]
            lines[number] = bullet + "``".join(pieces)


def by_name(app, what, name, obj, options, signature, returned):
    """A type alias inside another type is shown by its name."""
    return tuple(
        re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", told) if told else told for told in (signature, returned)
    )


def keep_together(app, doctree, docname):
    """No line begins with a percent sign, or with the punctuation that follows a formula."""
    for text in list(doctree.findall(nodes.Text)):
        parent, told = text.parent, text.astext()
        if isinstance(parent, (nodes.FixedTextElement, nodes.literal, nodes.raw, nodes.math)):
            continue
        place = parent.index(text)
        if place and isinstance(parent[place - 1], nodes.math) and told.startswith((".", ",", ";", ":", ")")):
            parent[place - 1]["after"], told = told[0], told[1:]
        parent[place] = nodes.Text(told.replace(" %", "\u00a0%"))


def inline_math(self, node):
    after = node.get("after", "")
    self.body.append(f'<span class="kept">{to_mathml(node.astext())}{after}</span>')
    raise nodes.SkipNode


def block_math(self, node):
    self.body.append(f'<div class="math">{to_mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(inline_math, None), block_renderers=(block_math, None))
    app.connect("builder-inited", lambda app: write_sources(DOCS, DOCS.parent / "proofs"))
    app.connect("autodoc-process-signature", by_name)
    app.connect("doctree-resolved", keep_together)
    app.connect("autodoc-process-docstring", plain, priority=1)
    app.connect("build-finished", lambda app, failure: failure or write_beside(DOCS, Path(app.outdir)))
