.DEFAULT_GOAL := help

.PHONY: help build demo test test-kubernetes simulate torture fuzz lint bench mutants man generate clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build .build/release/tracectl
	@scripts/build

demo: ## build, and run the six scenarios of the Traceflow guide
	@scripts/demo

test: ## build and run all tests
	@scripts/test

test-kubernetes: ## tests against a real Kubernetes API server, which is built once (5 minutes)
	@scripts/test-kubernetes

simulate: ## whole systems on virtual time: SEED=7 or SEEDS=1-1000, HOURS=1, JOBS=2, TRACE=1
	@scripts/simulate

torture: ## kill, stop and starve workers for half an hour: SEED=, KILLS=, TRACES=, WORKERS=, PHASES=
	@scripts/torture

fuzz: ## made-up bytes for everything that reads packets: TARGET=, SECONDS_EACH=600, QUIET=120
	@scripts/fuzz

lint: ## check the layout of the sources
	@scripts/lint

bench: ## measure all qualities beside their floors and peers (about 15 minutes)
	@scripts/bench

mutants: ## break the product in many ways and name the test that notices each
	@scripts/mutants

man: ## make the manual page .build/tracectl.1
	@scripts/man

generate: ## make the Swift code of proto/ again
	@scripts/generate

clean: ## remove what was built
	@rm -rf .build
