"""What Sphinx is told. Nothing of the site comes from another host."""

from patchwatch import __version__

project = "Patchwatch"
author = "The Patchwatch authors"
release = __version__
extensions = ["myst_parser"]
root_doc = "index"
nitpicky = True  # a reference that leads nowhere is a fault
myst_heading_anchors = 4  # as GitHub has them
html_theme = "furo"
html_title = "Patchwatch"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_static_path: list[str] = []
