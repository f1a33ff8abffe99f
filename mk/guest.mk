# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The guest: the demonstration and single scenarios.

HELP += run "boot a guest with groups and with stock, print one table" \
	tool-guest "compare dmag plan --live with dmag show in the guest" \
	"compare [S=\"NAME...\"]" "boot scenarios with groups and with stock, print one table" \
	"scenario S=NAME [FLAVOUR=debug]" "boot one of guest/scenarios/"

.PHONY: run compare scenario tool-guest

run: kernel
	@scripts/compare.sh run

compare: kernel
	@scripts/compare.sh $(S)

scenario: kernel
	@guest/run.sh $(S) $(FLAVOUR)

tool-guest: kernel
	@scripts/compare.sh tool
