"""How the HTML of an output begins, for cells tagged ``answer``, which are closed at first."""

# JupyterLab writes the first line that is not empty in the place of a closed output: with a space
# it writes nothing of the answer, and no markup
FIRST_LINE = " \n"
