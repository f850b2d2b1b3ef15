VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.moonpost-ready

.PHONY: setup demo test quick soak lint bench docs serve clean
