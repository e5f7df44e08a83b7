# SPDX-License-Identifier: MIT
"""The site: `bash docs/build.sh`. Every page is Markdown that a code host shows as well."""

from __future__ import annotations

import sys
from pathlib import Path

import withstand
from withstand.cli import accuracies, applications, limits, reporting  # noqa: F401  (they add their commands)

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "withstand"
author = copyright = "the withstand developers"
version = release = withstand.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "borrowed_pages",
    "public_names",
]
exclude_patterns = ["_build"]
nitpicky = True
smartquotes_action = "De"  # no quotes: in formulas an apostrophe is a prime
nitpick_ignore = [("py:class", name) for name in ("Decimal", "Fraction", "Quantiser")]
nitpick_ignore += [("py:obj", "check")]  # a command

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

default_role = "py:obj"
highlight_language = "none"  # what a fence does not name is a formula, a tree or an output
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say them in words
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = True

html_theme = "furo"
html_title = "withstand"
html_domain_indices = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
