"""Sphinx's settings for the website; `make site` runs it (course_lib/authoring/site.py)."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "ext"))

project = html_title = "Rejection Sampling for LLM Fine-Tuning"
extensions = ["myst_nb", "mathml", "pages"]

# notebooks: shown as they were executed, HTML before pictures
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js = {}
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 0

html_theme = "course"
html_theme_path = [str(HERE / "theme")]
html_math_renderer = "mathml"
html_show_sourcelink = html_copy_source = False
html_use_index = False
html_permalinks = False
html_domain_indices = False
