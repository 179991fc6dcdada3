"""A page of a real browser, for the lessons in JupyterLab and Notebook 7."""

import pytest


@pytest.fixture
def page(browser):
    tab = browser.new_page(viewport={"width": 1280, "height": 1000})
    tab.set_default_timeout(600_000)
    yield tab
    tab.close()
