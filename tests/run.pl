#!/usr/bin/perl
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# run.pl COMMAND...: run test programs that speak TAP, two at a time, and count
# their cases.  Each argument is a whole command; it is not given to a shell.
# The last line is "N passed, N failed"; a program that dies, reports fewer cases
# than it planned, or cannot be executed, counts as a failure of its own.

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
sub executable
{
	my ($name) = split ' ', $_[0];
	return grep { -f && -x } $name =~ m{/} ? $name : map { "$_/$name" } split /:/, $ENV{PATH};
}

my @absent = grep { !executable($_) } @ARGV;
print "cannot be executed: $_\n" for @absent;
my $sum = $harness->runtests(grep { executable($_) } @ARGV);
my $passed = $sum->passed;
my $failed = $sum->failed + @absent;
$failed += grep { !$_->failed && $_->has_problems } $sum->parsers($sum->descriptions);
print "$passed passed, $failed failed\n";
exit($failed || !$passed ? 1 : 0);
