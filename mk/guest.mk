# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The guest: the demonstration and single scenarios.

HELP += run "boot a guest with groups and with stock, print one table" \
	"scenario S=NAME [FLAVOUR=debug]" "boot one of guest/scenarios/"

.PHONY: run scenario guest-deps

guest-deps:
	@scripts/deps.sh kernel guest

run: guest-deps kernel
	@scripts/run.sh

scenario: guest-deps kernel
	@guest/run.sh $(S) $(FLAVOUR)
