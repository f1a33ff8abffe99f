# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The suite for machines that encrypt memory, which is skipped on others.
#: memory=2G
#: flavours=debug
#: kunit=1
#: append=cc_test kunit.filter_glob=dmag_shared

results=$debug/kunit/dmag_shared/results
tail -n 1 $results >/tmp/last
check "the suite passed" grep -q '^ok ' /tmp/last
check "no case was skipped" [ "$(grep -c '^    ok .*SKIP' $results)" = 0 ]
check "it has cases" grep -q '^    ok ' $results
