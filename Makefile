# make demo   the whole loop in the terminal, in two minutes
# make lab    the course in JupyterLab, at lesson 00
# make test   every test        make quick   a subset in under a minute
# make long   what takes minutes and is tested once, in short, by make test
# make site   the website, from the executed notebooks         make slides a deck per lesson
# make colab  every lesson with Colab's package versions       make nbgrader   lets its test run
#
# Everything is installed into .venv/. Python 3.11 or newer is all that is needed before.
# A smaller torch without CUDA: make lab TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=
# Colab has Python 3.13: taken where it is at hand
COLAB_PYTHON ?= $(shell for p in python3.13 $$HOME/.pyenv/versions/3.13*/bin/python $(PYTHON); do $$p -c 'import sys; print(sys.executable)' 2> /dev/null && break; done)
VENV := .venv
BIN := $(VENV)/bin
FORMATTED := course_lib tests benchmarks exercises/proofs
SOURCES := $(FORMATTED) notebooks/src exercises/src
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# everything but the lab, whose reader may load a model of the hub, runs without a network
demo test long quick colab nbgrader lint lessons assets bench site slides: export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: demo lab test long quick colab nbgrader lint lessons assets bench site slides clean

demo: $(VENV)/.core
	$(BIN)/course run --world helpdesk --out runs/demo

lab: $(VENV)/.lab
	$(BIN)/course lab

test: $(VENV)/.test lint
	$(BIN)/course build --check
	$(BIN)/course build-assets --check
	$(BIN)/python -m pytest -q -rs -n 2 --dist loadscope tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval-lax --nbval-cell-timeout 600 -p no:cacheprovider notebooks

long: $(VENV)/.test
	$(BIN)/python -m pytest -q -rs -n 2 -m long tests

quick: $(VENV)/.test
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/python -m pytest -q -n 2 --dist loadscope -m "not slow" tests

# the kernel has Colab's versions and the course as Colab's first cell installs it (--no-deps); pytest and nbval stay outside
colab: $(VENV)/.colab
	$(VENV)-colab/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval-lax --nbval-kernel-name course-colab --nbval-cell-timeout 600 -p no:cacheprovider notebooks

$(VENV)/.colab: $(VENV)/.test constraints-colab.txt
	$(COLAB_PYTHON) -m venv $(VENV)-colab
	$(VENV)-colab/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-colab.txt torch transformers matplotlib ipywidgets ipykernel ipython
	$(VENV)-colab/bin/python -m ipykernel install --prefix $(VENV) --name course-colab
	touch $@

# nbgrader in an environment of its own, for the test that runs it on a released exercise
nbgrader: $(VENV)/.made
	$(PYTHON) -m venv $(VENV)-nbgrader
	$(VENV)-nbgrader/bin/python -m pip install --quiet --disable-pip-version-check nbgrader==0.9.6

lint: $(VENV)/.test
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/ruff format --quiet --check $(FORMATTED)
	$(BIN)/mypy

lessons: $(VENV)/.test
	$(BIN)/course build

# without a network once it was installed; node makes the formulas, npm brings type and reveal.js
site: $(VENV)/.site
	$(BIN)/python -m course_lib.authoring.site

slides: $(VENV)/.site
	$(BIN)/python -m course_lib.authoring.slides

assets: $(VENV)/.core
	$(BIN)/course build-assets

# under four hours on two cores: most train many small models, and go on where they were interrupted
bench: $(VENV)/.peers
	for b in sampling finetuning overoptimisation seeds equations rlhf verifiable passk frontier pushed rounds distilled accuracy_and_gain clinic llama2_loop; do mkdir -p runs; $(BIN)/python benchmarks/$$b.py --json > runs/bench-$$b.json || exit 1; done

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.torch: $(VENV)/.made constraints.txt
	@echo "Installing PyTorch: a few minutes, once, without a word until it is done ..."
	$(INSTALL) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	touch $@

$(VENV)/.core: $(VENV)/.torch pyproject.toml
	@echo "Installing the course: about a minute ..."
	$(INSTALL) -e .
	touch $@

$(VENV)/.lab: $(VENV)/.core
	@echo "Installing JupyterLab: about a minute ..."
	$(INSTALL) -e '.[lab]'
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(INSTALL) -e '.[lab,dev]'
	touch $@

$(VENV)/.site: $(VENV)/.core site/package-lock.json
	$(INSTALL) -e '.[site]'
	if command -v npm > /dev/null; then npm ci --prefix site --silent --no-audit --no-fund || echo "npm could not reach its registry: the site takes the system's type, and there are no slides"; fi
	touch $@

# Ray Data and accelerate, for work past one machine and its tests
$(VENV)/.scale: $(VENV)/.test
	$(INSTALL) -e '.[lab,dev,scale]'
	touch $@

$(VENV)/.peers: $(VENV)/.test
	$(INSTALL) -e '.[lab,dev,peers]'
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-colab $(VENV)-nbgrader runs site/build site/node_modules .pytest_cache .ruff_cache .hypothesis
