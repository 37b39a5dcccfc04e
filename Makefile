# Everything is installed into .venv: the CUDA build of JAX where there is an NVIDIA GPU, else the
# CPU's. For a TPU: make install REQUIREMENTS=requirements-tpu.txt

PYTHON ?= python3
REQUIREMENTS ?= $(if $(shell nvidia-smi -L >/dev/null 2>&1 && echo GPU),requirements.txt,requirements-cpu.txt)
ARGS ?=

# Files in .venv that are older than the requirements if there is something to install.
INSTALLED := .venv/installed-$(REQUIREMENTS)
INSTALLED_TESTS := .venv/installed-requirements-test.txt

.PHONY: help install demo test lint

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'PYTHON=python3.12 chooses what a new .venv is made of (3.11 or newer).'
	@echo 'ARGS is passed on: make demo ARGS=--config.steps=500, make test ARGS="-k wgan_gp".'

install: $(INSTALLED)  ## Make .venv with all that training needs

demo: $(INSTALLED)  ## Train a WGAN-GP on handwritten digits and name the picture to open
	.venv/bin/python main.py --config=configs/wgan_gp.py $(ARGS)
	@echo "Open $$(ls -t runs/wgan_gp/samples/0*.png | head -n 1)"

test: $(INSTALLED) $(INSTALLED_TESTS)  ## Run the tests
	.venv/bin/python -m pytest -q -n 2 --dist loadfile $(ARGS)

lint: $(INSTALLED) $(INSTALLED_TESTS)  ## Check style and format
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

$(INSTALLED): $(REQUIREMENTS) requirements-common.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "'$(PYTHON)' is not Python 3.11 or newer; name one that is: PYTHON=python3.12" >&2; exit 1; }
	@test -x .venv/bin/pip || $(PYTHON) -m venv --clear .venv
	@echo 'Installing $(REQUIREMENTS) into .venv; the first time takes some minutes.'
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS)
	@touch $@

$(INSTALLED_TESTS): requirements-test.txt $(INSTALLED)
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@
