#!/bin/bash
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# The front door on a machine that has seen nothing yet: run make's goals in a
# minimal Debian 12 that has git, make and gcc, on a clone of the last commit.
# Each step gets a new system and a new clone, so that none profits from the
# packages or the files of another.
#
#   fresh.sh STEP...	a step is a goal of make, or one of these:
#	quick	the part of check that takes the least time, but all compilers
#	test	the first steps of make test, which need no guest
#
# In build/fresh, base is the system that debootstrap makes (once; remove it to
# renew it), archives are the packages that apt downloaded, ccache is for
# kernels, and NAME.log is the output of a step. Everything else is temporary.
#
# Each step runs in mount and PID namespaces of its own: its mounts are visible
# nowhere else, and the kernel undoes them when its first process ends, however
# that comes about. So no mount is left behind, and no rm can reach through one.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
dir=$top/build/fresh
base=$dir/base
release=bookworm
archive=http://deb.debian.org/debian

# Run by unshare: the namespaces are new, the mounts below are theirs alone.
inside()
{
	local run=$1 root=$1/root
	shift
	mount -t overlay overlay -o "lowerdir=$base,upperdir=$run/upper,workdir=$run/work" "$root"
	mount -t proc proc "$root/proc"
	mount --bind /sys "$root/sys"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mkdir -p "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	mkdir -p "$root/var/cache/apt/archives" "$root/ccache" "$root/dmag"
	mount --bind "$dir/archives" "$root/var/cache/apt/archives"
	mount --bind "$dir/ccache" "$root/ccache"
	mount --bind "$run/clone" "$root/dmag"
	# Names are resolved as on this host.
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
		CCACHE_DIR=/ccache ${http_proxy:+http_proxy="$http_proxy"} \
		${https_proxy:+https_proxy="$https_proxy"} "$@"
}

# The host's sources for this release; Debian's own if it has none.
sources()
{
	local found
	# shellcheck disable=SC2016 # apt's variables
	found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
		awk -v release=$release '$1 ~ /debian/ && $2 ~ "^" release && $3 == "main"' | sort -u)
	if ! grep -q "$release-security" <<<"$found"; then
		found="$archive $release main
$archive $release-updates main
$archive-security $release-security main"
	fi
	awk '{ print "deb", $0 }' <<<"$found"
}

# The release itself, the first of the sources.
mirror()
{
	sources | awk -v release=$release '$3 == release { print $2; exit }'
}

make_base()
{
	[ ! -d "$base" ] || return 0
	command -v debootstrap >/dev/null || { echo "fresh: debootstrap is missing" >&2; exit 1; }
	echo "fresh: making a minimal $release in ${base#"$top"/}" >&2
	rm -rf "$base.new"
	if ! debootstrap --variant=minbase --include=git,make,gcc "$release" "$base.new" \
		"$(mirror)" >"$dir/debootstrap.log" 2>&1; then
		tail -n 5 "$dir/debootstrap.log" >&2
		exit 1
	fi
	# As on a machine that was just installed: sources, but no lists yet.
	rm -rf "$base.new"/var/lib/apt/lists/* "$base.new"/var/cache/apt/archives/*.deb
	sources >"$base.new/etc/apt/sources.list"
	# A system that lives for a minute need not survive a crash.
	echo force-unsafe-io >"$base.new/etc/dpkg/dpkg.cfg.d/fresh"
	mv "$base.new" "$base"
}

# Proxies and the like change; the base system stays.
configure_base()
{
	apt-config dump Acquire >"$base/etc/apt/apt.conf.d/80host" 2>/dev/null || true
}

# run_in RUN COMMAND...: with a new system and a new clone in RUN
run_in()
{
	local run=$1
	shift
	rm -rf "$run"
	mkdir -p "$run/upper" "$run/work" "$run/root"
	# In a file, which git hands on to the side that reads: another user may own $top.
	printf '[safe]\n\tdirectory = *\n' >"$run/gitconfig"
	GIT_CONFIG_GLOBAL=$run/gitconfig git clone -q --no-hardlinks "$top" "$run/clone"
	# In the background: bash handles no signal while a program runs before it.
	# unshare ignores all but SIGKILL, with which the namespaces end too.
	unshare --mount --propagation private --pid --fork --kill-child \
		"$0" --inside "$run" "$@" &
	child=$!
	wait $child
}

# try NAME COMMAND...
try()
{
	local name=$1 began=$SECONDS status=0 log
	shift
	log=$dir/$(tr -c 'a-zA-Z0-9\n' - <<<"$name").log
	printf '%-40s ' "$name"
	run_in "$scratch/run" "$@" >"$log" 2>&1 </dev/null || status=$?
	rm -rf "$scratch/run"
	if [ $status -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok     %5d s\n' $((SECONDS - began))
	else
		failed=$((failed + 1))
		printf 'FAILED %5d s, see %s\n' $((SECONDS - began)) "${log#"$top"/}"
		grep -v 'passed, .* failed$' "$log" | tail -n 25 | sed 's/^/    /'
	fi
}

# Without root and sudo, make names the packages and installs nothing.
refusal()
{
	local status=0 said
	said=$(setpriv --reuid=65534 --regid=65534 --clear-groups make -C /dmag tool 2>&1) || status=$?
	echo "$said"
	[ $status -ne 0 ] && grep -q 'apt-get install .*libfdt-dev' <<<"$said"
}

step()
{
	case $1 in
	quick) set -- check ONLY=reach ;;
	test) set -- test "STEPS=check coverage judge* kernel lint identity patched-tree" ;;
	esac
	try "make $*" make -C /dmag "$@"
}

case ${1:-} in
--inside)
	shift
	inside "$@"
	;;
--refusal)
	refusal
	exit
	;;
'')
	echo "usage: fresh.sh STEP..." >&2
	exit 2
	;;
esac

if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "fresh: needs root" >&2; exit 1; }
	exec sudo "$0" "$@"
fi

mkdir -p "$dir/archives/partial" "$dir/ccache"
exec 9>"$dir/lock"
flock 9
scratch=$(mktemp -d "$dir/run.XXXXXX")
child=
trap '[ -z "$child" ] || kill -KILL $child 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
make_base
configure_base
[ -z "$(git -C "$top" -c safe.directory='*' status --porcelain 2>/dev/null)" ] ||
	echo "fresh: uncommitted changes are not part of the clone" >&2

passed=0 failed=0
try "without root: names the packages" /dmag/scripts/fresh.sh --refusal
for name in "$@"; do
	step "$name"
done
[ $failed -eq 0 ] && echo "verdict: ok" || echo "verdict: FAILED"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
