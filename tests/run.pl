#!/usr/bin/perl
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# run.pl COMMAND...: run test programs that speak TAP, two at a time, and count
# their cases.  Each argument is a whole command; it is not given to a shell.
# The last line is "N passed, N failed"; a program that dies, or reports fewer
# cases than it planned, counts as a failure of its own.

use strict;
use warnings;
use TAP::Harness;

$ENV{CMOCKA_MESSAGE_OUTPUT} = 'TAP';
my $harness = TAP::Harness->new({
	exec => sub { [split ' ', $_[1]] },
	failures => 1,
	comments => 1,
	jobs => 2,
	merge => 1,
});
my $sum = $harness->runtests(@ARGV);
my $passed = $sum->passed;
my $failed = $sum->failed;
$failed += grep { !$_->failed && $_->has_problems } $sum->parsers($sum->descriptions);
print "$passed passed, $failed failed\n";
exit($failed || !$passed ? 1 : 0);
