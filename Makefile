# What a newcomer types. Every target makes its own .venv from the lock first.
.DEFAULT_GOAL := help
.PHONY: help demo test check fix soak bench bundle lock clean

# Where the environment forbids to keep what was compiled, each of the hundreds of processes that tests start would compile
# the whole product for itself.
export PYTHONDONTWRITEBYTECODE :=

TEST_PARTS := not long and not postgres and not browser and not office and not separation and not soak

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## A court with synthetic entries, running on 127.0.0.1:8000 (PORT=…, ENTRIES=…)
	@./bootstrap.sh runtime
	@.venv/bin/gongshi demo --port $(or $(PORT),8000) --entries $(or $(ENTRIES),2000)

test: ## All tests that need only Python, but for the longest (under five minutes on two cores)
	@./bootstrap.sh dev
	@.venv/bin/pytest -n auto --dist loadgroup -m "$(TEST_PARTS)"

check: ## Format, lint, types, import arrows
	@./bootstrap.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

fix: ## Format, and mend what can be mended without thinking
	@./bootstrap.sh dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

soak: ## The long proofs, repeated (an hour or so)
	@./bootstrap.sh dev
	@.venv/bin/pytest -m soak

bench: ## Search and pages beside other engines, open data, packages, sending, gateway (an hour and a half)
	@./bootstrap.sh bench
	@.venv/bin/python benchmarks/search.py
	@.venv/bin/python benchmarks/portal.py --out docs/portal-benchmark.json
	@.venv/bin/python benchmarks/open_data.py
	@.venv/bin/python benchmarks/package.py
	@.venv/bin/python benchmarks/notify.py
	@.venv/bin/python benchmarks/gateway.py

bundle: ## One file that installs without internet on Debian 12: dist/gongshi-VERSION-ARCH.tar.gz (ARCH=…)
	@./bootstrap.sh runtime
	@tools/make_bundle.sh dist

lock: ## Make the locks anew from pyproject.toml
	@./bootstrap.sh dev
	@for part in runtime dev bench training; do \
	  .tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --group build --extra postgres \
	    $$( [ $$part = runtime ] || echo --group dev -c requirements/runtime.txt ) \
	    $$( [ $$part = training ] && echo --group training -c requirements/dev.txt ) \
	    $$( [ $$part = bench ] && echo --group bench -c requirements/dev.txt ) \
	    pyproject.toml -o requirements/$$part.txt || exit 1; \
	done
	@echo uv | .tools/bin/uv pip compile -q --universal --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links - -o requirements/bootstrap.txt

clean: ## Remove what was installed and the demonstration
	rm -rf .venv .tools demo-home
