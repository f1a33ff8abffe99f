# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The guest: the demonstration and single scenarios.

HELP += "run [PLATFORM=encrypted]" "boot a guest with groups and with stock, print one table" \
	tool-guest "compare dmag plan --live with dmag show in the guest" \
	results "write docs/results.rst from the logs of the last runs" \
	"compare [S=\"NAME...\"]" "boot scenarios with groups and with stock, print one table" \
	"duel [SEED=N] [ROUNDS=N] [FLAVOUR=kcsan] [PLATFORM=encrypted]" "boot drawn machines with groups and with stock: no loss" \
	"scenario S=NAME [FLAVOUR=debug]" "boot one of guest/scenarios/"

.PHONY: run compare duel scenario tool-guest results

# The scenarios that run boots.
DEMONSTRATION_ := run
DEMONSTRATION_encrypted := encrypted encrypted_bounce encrypted_cost

CHECK_PLATFORM = $(if $(DEMONSTRATION_$(PLATFORM)),,$(error PLATFORM=$(PLATFORM): "encrypted" is the only one))

run: kernel
	$(CHECK_PLATFORM)
	@scripts/compare.sh $(DEMONSTRATION_$(PLATFORM))

compare: kernel
	@scripts/compare.sh $(S)

duel: kernel
	$(CHECK_PLATFORM)
	@guest/duel.py $(if $(CHOSEN_FLAVOUR),--kernel=$(CHOSEN_FLAVOUR)) $(PLATFORM:%=--%) $(SEED) $(ROUNDS)

scenario: kernel
	@guest/run.sh $(S) $(FLAVOUR)

tool-guest: kernel
	@scripts/compare.sh tool

results:
	@guest/results.py --rst build/log >build/results.rst
	@cp build/results.rst docs/results.rst
	@echo "results: docs/results.rst is written"
