# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The suite for machines that have a default CMA area, of which a case is skipped on others.
#: memory=2G
#: flavours=debug
#: kunit=1
#: append=cma=16M kunit.filter_glob=dmag_protect

results=$debug/kunit/dmag_protect/results
tail -n 1 $results >/tmp/last
check "the suite passed" grep -q '^ok ' /tmp/last
check "no case was skipped" [ "$(grep -c '^    ok .*SKIP' $results)" = 0 ]
check "it has cases" grep -q '^    ok ' $results
