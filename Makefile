# `make help` lists what can be done here. Tools are installed into .tools on first use, pinned in infra/tools/requirements.

PYTHON ?= python3
NODE ?= node
# The first of five neighbouring ports: AWS, API, CDN, token issuer, page.
PORT ?= 4566
SUB ?= developer
LAMBDA_PORT ?= 9000
EVENT ?= events/$*.json

ENGINE := .tools/engine/bin/python
PEERS := .tools/peers/bin/python
BROWSER := .tools/browser/bin/python
FUNCTIONS := issue-upload confirm-upload manage-files generate-thumbnails sweep-uploads companion serve-page
BINARIES := $(FUNCTIONS:%=--bin %)
HOST_ARCH := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
PYTEST := $(ENGINE) -m pytest -p no:cacheprovider

.DEFAULT_GOAL := help
.SUFFIXES:

##@ Trying it

dev: .tools/engine.stamp .tools/swagger.stamp ## Build, start the local engine, deploy, show the logs until Ctrl-C
	@exec $(ENGINE) -m infra.local.dev --port $(PORT)

try: .tools/engine.stamp ## Upload FILE=photo.jpg to the running `make dev`, step by step
	@test -n "$(FILE)" || { echo "valet: which file? make try FILE=photo.jpg" >&2; exit 1; }
	@exec $(ENGINE) -m infra.local.try "$(FILE)"

token: .tools/engine.stamp ## Print a bearer token for SUB=somebody
	@exec $(ENGINE) -m infra.local.issuer --sub "$(SUB)"

watch: .tools/engine.stamp .tools/lambda.stamp ## Run the functions under cargo lambda watch, rebuilt when a file changes
	@exec $(ENGINE) -m infra.local.watch --port $(PORT) --lambda-port $(LAMBDA_PORT)

invoke-%: .tools/lambda.stamp ## Send events/<function>.json, or EVENT=path, to a function under `make watch`
	@exec $(PYTHON) -m infra.local.invoke $* $(EVENT) --lambda-port $(LAMBDA_PORT)

##@ Testing it

# What keeps all processors busy, and what the others need.
PARTS := fmt clippy doc test-unit test-layers test-cost test-web tools build-tests
# What waits for a stack most of the time: beside each other, the longest first.
BESIDE := test-e2e test-local test-faults test-browser test-threats test-cli test-openapi test-supply test-heavy test-recovery test-template test-conformance

test: ## Everything, with the time each part took; LANES=1 for one part at a time
	@MAKE="$(MAKE)" $(PYTHON) infra/tools/parts.py $(PARTS) --beside $(BESIDE) $(if $(LANES),--lanes $(LANES))

lint: fmt clippy doc test-layers ## Formatting, clippy, docs and layers

fmt: ## The formatting is rustfmt's
	cargo fmt --all --check

clippy: ## clippy has nothing to say
	cargo clippy --workspace --all-targets --all-features -- -D warnings

doc: ## The docs build without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

test-layers: .tools/engine.stamp ## Dependencies point downwards only
	$(PYTHON) infra/tools/layers.py
	$(PYTEST) tests/layers

test-supply: .tools/deny.stamp .tools/release.stamp ## Licences, sources and bans of what is built in; the bill of materials; releases
	cargo fetch --locked
	.tools/release/bin/python -m pytest -p no:cacheprovider tests/supply

test-unit: ## Rules, adapters and handlers, in memory
	cargo test --workspace

test-template: .tools/engine.stamp .tools/lint.stamp .tools/scan.stamp .tools/guard.stamp ## The templates say what they should
	$(PYTEST) tests/template

test-local: .tools/engine.stamp .tools/lambda.stamp ## The launcher: engine, issuer, make dev
	$(PYTEST) tests/local

test-conformance: .tools/engine.stamp .tools/weed.stamp ## The S3 and DynamoDB ports on SeaweedFS and on the engine
	$(ENGINE) -m infra.local.conformance

test-e2e: .tools/engine.stamp build ## Uploads from end to end on the deployed template
	$(PYTEST) tests/e2e

test-openapi: .tools/engine.stamp .tools/schemathesis.stamp .tools/openapi.stamp build ## docs/openapi.json: what the code says, what the stack does, what a typed client needs
	cargo test --package valet-http --features openapi
	$(PYTEST) tests/openapi

test-cli: .tools/engine.stamp build ## The command line client and its probe on the deployed template
	cargo build --bin valet
	$(PYTEST) tests/cli

test-browser: .tools/engine.stamp .tools/browser.stamp .tools/browser-packages.stamp .tools/swagger.stamp build ## The page, uploader.js and Uppy in a headless Chromium; TESTS="-k resume"
	@chromium=$$($(PYTHON) infra/tools/chromium.py $@) || exit; test -z "$$chromium" || \
	    VALET_CHROMIUM="$$chromium" $(BROWSER) -m pytest -p no:cacheprovider tests/browser $(TESTS)

test-heavy: .tools/engine.stamp .tools/weed.stamp build ## The client over a network that breaks, and killed; grants abandoned
	cargo build --bin valet
	$(PYTEST) tests/heavy tests/bench/upload

test-faults: .tools/engine.stamp build ## Every AWS call of every use case fails, in some way; nothing is lost
	$(PYTEST) tests/faults

test-threats: .tools/engine.stamp .tools/weed.stamp build ## The threat table: nothing of it has rotted, and attacks on the deployed template
	$(PYTEST) tests/threats

test-recovery: .tools/engine.stamp build ## The table set back or lost, `valet reindex`, and whatever comes days late
	cargo build --bin valet --bin valet-reindex
	$(PYTEST) tests/recovery

test-cost: .tools/engine.stamp ## The cost sheet adds up
	$(PYTEST) tests/cost

test-web: .tools/typescript.stamp ## The browser uploader: every answer, its size, its types, its package
	$(NODE) --test tests/uploader/*.test.mjs

cost: ## What a million uploads cost; OPTIONS="--inputs my-prices.toml"
	@exec $(PYTHON) infra/tools/cost.py $(OPTIONS)

bench-functions: ## What starts and calls of the release functions cost; OPTIONS="--json --check"
	@exec $(PYTHON) -m tests.bench.functions $(OPTIONS)

bench-thumbnails: .tools/peers.stamp .tools/sharp.stamp ## Thumbnails beside sharp's and Pillow's; OPTIONS="--check --write" or "--images FOLDER"
	cargo build --release --quiet --package valet-thumbnail --example thumbnails --target-dir $(or $(CARGO_TARGET_DIR),target)/bench-thumbnails/build \
	    --config 'build.rustflags = ["-Ctarget-cpu=$(if $(filter x86_64,$(shell uname -m)),haswell,neoverse-n1)"]'
	@$(PEERS) -m pytest -q -p no:cacheprovider tests/bench
	@exec $(PEERS) -m tests.bench.thumbnails $(OPTIONS)

bench-upload: .tools/engine.stamp .tools/weed.stamp .tools/transfer.stamp build ## Uploads beside aws s3 cp, s5cmd and boto3; OPTIONS="--sizes 1,8 --rounds 3 --check --write"
	cargo build --release --quiet --package valet-cli --bin valet
	cargo build --release --quiet --package valet-client --example discard_s3
	@exec $(ENGINE) -m tests.bench.upload $(OPTIONS)

bench-browser: .tools/engine.stamp .tools/browser.stamp .tools/browser-packages.stamp build ## 30 MB by uploader.js and by Uppy 5 in Chromium; OPTIONS="--rounds 3 --check --write"
	@exec $(BROWSER) -m tests.bench.browser $(OPTIONS)

screenshots: .tools/engine.stamp .tools/browser.stamp .tools/peers.stamp build ## The page in docs/images, taken anew
	@exec $(BROWSER) -m tests.browser.screenshots $(OPTIONS)

fuzz-api: .tools/engine.stamp .tools/schemathesis.stamp build ## Schemathesis for long: EXAMPLES=200 requests of each kind
	VALET_FUZZ_EXAMPLES=$(or $(EXAMPLES),200) $(PYTEST) tests/openapi/test_schemathesis.py

heavy: .tools/engine.stamp .tools/weed.stamp build ## 30 GiB, 100 kills, 1,000 grants, a network that breaks; an hour. OPTIONS="kills faults --size 30"
	cargo build --release --quiet --package valet-cli --bin valet
	@exec $(ENGINE) -m tests.heavy $(OPTIONS)

mutants: .tools/engine.stamp .tools/weed.stamp .tools/deny.stamp .tools/release.stamp .tools/browser.stamp .tools/browser-packages.stamp ## Each control of the threat table taken out once; a test must fail. An hour. ONLY="tokens key.rs"
	@exec $(ENGINE) -m tests.threats.mutants $(if $(ONLY),--only $(ONLY)) $(OPTIONS)

soak: .tools/engine.stamp build ## Every call fails in every way; then clients for ten minutes; then `make mutants`. Two hours. OPTIONS="--minutes 1 --clients 4"
	$(PYTEST) tests/faults --whole
	$(ENGINE) -m tests.load $(OPTIONS)
	@$(MAKE) --no-print-directory mutants OPTIONS=

##@ Building it

build: ## The functions, debug
	cargo build $(BINARIES)

# Under cargo's lock, for which parts that run beside each other would wait.
build-tests: build ## What the tests run besides the functions
	cargo build --bin valet --bin valet-reindex
	cargo test --package valet-http --features openapi --no-run
	cargo test --workspace --features valet-aws/live --test conformance --no-run

build-release: .tools/lambda.stamp ## The functions as they are deployed, zipped in target/lambda
	PATH="$(CURDIR)/.tools/lambda/bin:$$PATH" cargo lambda build --release $(BINARIES) --output-format zip --skip-target-check $(if $(ARCH),--$(ARCH))

release: .tools/lambda.stamp .tools/release.stamp ## What `sam deploy` installs without a compiler, with its bill of materials; ARCH=arm64 or x86_64
	.tools/release/bin/python -m infra.tools.release $(or $(ARCH),$(HOST_ARCH))

reproducible: .tools/lambda.stamp .tools/release.stamp ## Build a release twice in different folders and compare
	.tools/release/bin/python -m infra.tools.release $(or $(ARCH),$(HOST_ARCH)) --twice

tools: .tools/engine.stamp .tools/lambda.stamp .tools/weed.stamp .tools/lint.stamp .tools/scan.stamp .tools/guard.stamp .tools/browser.stamp .tools/browser-packages.stamp .tools/deny.stamp .tools/openapi.stamp .tools/release.stamp .tools/schemathesis.stamp .tools/swagger.stamp .tools/typescript.stamp ## Install all tools now

openapi: ## Write docs/openapi.json anew from the code
	cargo run --quiet --package valet-http --features openapi --example openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

clean: ## Remove what was built and what runs left behind; the tools stay
	cargo clean
	rm -rf .valet .aws-sam .pytest_cache

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9%-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.tools/%.stamp: infra/tools/requirements/%.txt infra/tools/install.py
	@$(PYTHON) infra/tools/install.py $*

# It stands on the engine's list.
.tools/browser.stamp: infra/tools/requirements/engine.txt

# What npm has a lock file of.
NPM := guard openapi sharp browser-packages swagger typescript
$(NPM:%=.tools/%.stamp): .tools/%.stamp: infra/tools/requirements/%/package-lock.json infra/tools/install.py
	@$(PYTHON) infra/tools/install.py $*

.PHONY: dev try token watch test lint fmt clippy doc test-layers test-supply test-unit test-template test-local test-conformance test-e2e \
	test-openapi test-cli test-browser test-heavy test-faults test-threats test-recovery test-cost test-web cost bench-functions bench-thumbnails bench-upload bench-browser \
	screenshots fuzz-api heavy mutants soak build build-tests build-release release reproducible tools openapi clean help
# Stamps are targets of their own and not steps on the way to one.
.PRECIOUS: .tools/%.stamp
