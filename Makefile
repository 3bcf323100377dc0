# The commands of this repository by name; `make help` lists them. Each is a script that can be run without make.
.DEFAULT_GOAL := help
.PHONY: help demo test fast reality check lint lock bench docs model simulate vm-test

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Run the whole product on this machine with a synthetic camera
	./demo

test: ## Run all tests in parallel, those with Docker included
	./test

fast: ## Run the tests that need no other program and no film, in a minute
	./test --fast

reality: ## Run the tests with the world's own programs: minutes, gigabytes, root and debootstrap
	REALITY=1 ./test -n 0 tests/reality

vm-test: ## Run the camera before Linux' own drivers, in a virtual machine: half an hour, root on Debian
	REALITY=1 ./test -n 0 tests/reality/kernel

check: ## Run everything that CI runs: linters, types, layers, scripts, tests
	dev/scripts/check

lint: ## Run the checks without the tests
	dev/scripts/check --no-tests

lock: ## Renew the locked requirements
	dev/scripts/lock

bench: ## Measure the product and write dev/bench/RESULTS.md
	dev/bench/run

model: ## Check the model of the delivery protocol, whole and without each rule
	dev/model/run

simulate: ## Run the delivery code through weeks of misfortune on all cores (SEEDS=10000; SEED=7 prints one)
	dev/scripts/simulate $(or $(SEED),0 $(or $(SEEDS),10000))

docs: ## Write what the documents take from the code (with PICTURES=1 the pictures, too, or PICTURES="live visits")
	dev/scripts/docs $(if $(PICTURES),--pictures $(filter-out 1,$(PICTURES)))
