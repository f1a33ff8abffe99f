// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Load on a guest's memory that checks its own data.
 *
 *	load anon MIB SECONDS SEED	fill memory, keep touching and checking it
 *	load lock MIB			lock memory until SIGTERM
 *	load pin MIB CHUNK RESERVE	lock and pin memory until SIGTERM, as long
 *					as so many MiB are free of what may be
 *					pinned; then look whether it is intact
 *	load make FILE MIB SEED		write a file whose contents SEED tells
 *	load read FILE SECONDS SEED	read it through, again and again, and check
 *	load write DIR SECONDS SEED	write files, read them back, delete them
 *	load spin CPU			keep a CPU from every other task until
 *					SIGTERM
 *	load work SECONDS SEED		fault memory in, fork, write small files, and
 *					compute as a measure of the time that it takes
 *
 * What has SECONDS ends earlier on SIGTERM, after a last look at its data.
 * Exits with 1 if data came back wrong, with 2 if it could not run. Says how
 * much it did in one line "LOAD KIND KEY=VALUE...".
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024UL
#define MIB (KIB * KIB)
#define PAGE (4 * KIB)
#define WORDS (PAGE / sizeof(uint64_t))

enum { CORRUPT = 1, CANNOT = 2 };

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || end == text)
		errx(CANNOT, "not a number: %s", text);
	return n;
}

static volatile sig_atomic_t told_to_end;

static void tell_to_end(int signal)
{
	(void)signal;
	told_to_end = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* When to end; from here on, a signal moves it up. */
static double after(const char *seconds)
{
	signal(SIGTERM, tell_to_end);
	return now() + number(seconds);
}

static int over(double end)
{
	return told_to_end || now() >= end;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A page tells which one it is: no other, no older version passes for it. */
static void page_fill(uint64_t *page, uint64_t seed, uint64_t nr)
{
	uint64_t x = mix(seed ^ mix(nr));
	size_t i;

	for (i = 0; i < WORDS; i++)
		page[i] = x + i;
}

static int page_good(const uint64_t *page, uint64_t seed, uint64_t nr)
{
	uint64_t x = mix(seed ^ mix(nr));
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (page[i] != x + i)
			return 0;
	return 1;
}

static void check_page(const uint64_t *page, uint64_t seed, uint64_t nr,
		       const char *where)
{
	if (!page_good(page, seed, nr))
		errx(CORRUPT, "%s: page %llu is corrupt", where,
		     (unsigned long long)nr);
}

static unsigned char *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		err(CANNOT, "mapping %zu bytes", size);
	return memory;
}

static void load_anon(char **arg)
{
	size_t pages = number(arg[0]) * MIB / PAGE, nr;
	double end = after(arg[1]);
	uint64_t seed = number(arg[2]), random = seed, touched = 0;
	unsigned char *memory = map(pages * PAGE);

	for (nr = 0; nr < pages; nr++)
		page_fill((uint64_t *)(memory + nr * PAGE), seed, nr);
	while (!over(end)) {
		uint64_t *page;

		random = mix(random);
		nr = random % pages;
		page = (uint64_t *)(memory + nr * PAGE);
		check_page(page, seed, nr, "anon");
		page_fill(page, seed, nr);
		touched++;
	}
	for (nr = 0; nr < pages; nr++)
		check_page((uint64_t *)(memory + nr * PAGE), seed, nr, "anon");
	printf("LOAD anon pages=%zu touched=%llu\n", pages,
	       (unsigned long long)touched);
}

static int open_or_die(const char *name, int flags)
{
	int fd = open(name, flags, 0600);

	if (fd < 0)
		err(CANNOT, "%s", name);
	return fd;
}

/* A second is soon enough, and no signal can fall between look and wait. */
static void await_end(void)
{
	fflush(stdout);
	while (!told_to_end)
		sleep(1);
}

static void load_lock(char **arg)
{
	size_t size = number(arg[0]) * MIB;

	signal(SIGTERM, tell_to_end);
	if (mlock(map(size), size))
		err(CANNOT, "locking %zu bytes", size);
	printf("LOAD lock mib=%zu\n", size / MIB);
	await_end();
}

/* Free memory that long-term pins may take: not that of CMA pageblocks. */
static size_t pinnable_mib(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	size_t free_kib = 0, cma_kib = 0, value;
	char name[64];

	if (!file)
		err(CANNOT, "/proc/meminfo");
	while (fscanf(file, "%63s %zu%*[^\n]", name, &value) == 2) {
		if (!strcmp(name, "MemFree:"))
			free_kib = value;
		if (!strcmp(name, "CmaFree:"))
			cma_kib = value;
	}
	fclose(file);
	return (free_kib - cma_kib) / KIB;
}

static int pin(int ctl, void *memory, size_t size)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "pin %lx %zu",
			      (unsigned long)memory, size);

	return write(ctl, line, length) == length;
}

/* Filled before it is pinned: pinning moves what lies in protected memory. */
static void load_pin(char **arg)
{
	size_t most = number(arg[0]) * MIB, chunk = number(arg[1]) * MIB;
	size_t reserve = number(arg[2]), pinned = 0, nr;
	unsigned char *memory = map(most);
	int ctl = open_or_die("/sys/kernel/debug/dmag_press/ctl", O_WRONLY);

	signal(SIGTERM, tell_to_end);
	while (pinned + chunk <= most &&
	       pinnable_mib() > reserve + chunk / MIB) {
		unsigned char *next = memory + pinned;

		for (nr = 0; nr < chunk / PAGE; nr++)
			page_fill((uint64_t *)(next + nr * PAGE), pinned, nr);
		if (mlock(next, chunk) || !pin(ctl, next, chunk))
			break;
		pinned += chunk;
	}
	printf("LOAD pin mib=%zu\n", pinned / MIB);
	await_end();
	for (nr = 0; nr < pinned / PAGE; nr++)
		check_page((uint64_t *)(memory + nr * PAGE),
			   nr * PAGE / chunk * chunk, nr % (chunk / PAGE),
			   "pinned");
}

static void write_pages(int fd, const char *name, size_t pages, uint64_t seed)
{
	uint64_t page[WORDS];
	size_t nr;

	for (nr = 0; nr < pages; nr++) {
		page_fill(page, seed, nr);
		if (write(fd, page, PAGE) != PAGE)
			err(CANNOT, "writing %s", name);
	}
}

/* All of them if @end is null. */
static size_t check_pages(const char *name, uint64_t seed, const double *end)
{
	int fd = open_or_die(name, O_RDONLY);
	uint64_t page[WORDS];
	size_t nr = 0;

	while (read(fd, page, PAGE) == PAGE) {
		check_page(page, seed, nr++, name);
		if (end && !(nr % 256) && over(*end))
			break;
	}
	close(fd);
	return nr;
}

static void load_make(char **arg)
{
	size_t pages = number(arg[1]) * MIB / PAGE;
	int fd = open_or_die(arg[0], O_WRONLY | O_CREAT | O_TRUNC);

	write_pages(fd, arg[0], pages, number(arg[2]));
	close(fd);
	printf("LOAD make pages=%zu\n", pages);
}

static void load_read(char **arg)
{
	double end = after(arg[1]);
	uint64_t seed = number(arg[2]), pages = 0;

	do {
		size_t got = check_pages(arg[0], seed, &end);

		if (!got)
			errx(CORRUPT, "%s is empty", arg[0]);
		pages += got;
	} while (!over(end));
	printf("LOAD read pages=%llu\n", (unsigned long long)pages);
}

/* Some files wait on the disk, the others on the kernel's own time. */
static void load_write(char **arg)
{
	double end = after(arg[1]);
	uint64_t seed = number(arg[2]), files = 0, pages = 0;
	char name[256];

	while (!over(end)) {
		size_t count = 1 + mix(seed + files) % 2048;
		int fd;

		snprintf(name, sizeof(name), "%s/w%llu", arg[0],
			 (unsigned long long)(files % 8));
		fd = open_or_die(name, O_WRONLY | O_CREAT | O_TRUNC);
		write_pages(fd, name, count, seed + files);
		if (!(files % 4) && fsync(fd))
			err(CANNOT, "fsync %s", name);
		close(fd);
		if (check_pages(name, seed + files, NULL) != count)
			errx(CORRUPT, "%s is short", name);
		if (files % 3 == 2 && unlink(name))
			err(CANNOT, "unlink %s", name);
		files++;
		pages += count;
	}
	printf("LOAD write files=%llu pages=%llu\n", (unsigned long long)files,
	       (unsigned long long)pages);
}

/* Returns whether there was a child. */
static int fork_once(unsigned char *memory, size_t size)
{
	pid_t child = fork();

	if (!child) {
		memset(memory, 2, size);
		_exit(0);
	}
	return child > 0 && waitpid(child, NULL, 0) == child;
}

/* Pages of its own, of a child, and of a file. Returns whether it could fork. */
static int work_once(uint64_t seed)
{
	static const size_t size = 64 * PAGE;
	int fd = open_or_die("/tmp/work", O_WRONLY | O_CREAT | O_TRUNC);
	unsigned char *memory = map(size);
	int forked;

	memset(memory, 1, size);
	write_pages(fd, "/tmp/work", 8, seed);
	forked = fork_once(memory, size);
	close(fd);
	munmap(memory, size);
	return forked;
}

/* A computation that needs no memory. */
static uint64_t compute(uint64_t x)
{
	int i;

	for (i = 0; i < 80000; i++)
		x = mix(x);
	return x;
}

/* The computation's time tells how fast the emulated CPU is just then. */
static void load_work(char **arg)
{
	double end = after(arg[0]), work = 0, computed = 0;
	uint64_t seed = number(arg[1]), units = 0, failed = 0;

	while (!over(end)) {
		double start = now(), middle;

		failed += !work_once(seed);
		middle = now();
		seed = compute(seed);
		computed += now() - middle;
		work += middle - start;
		units++;
	}
	printf("LOAD work units=%llu work_s=%.4f compute_s=%.4f failed_forks=%llu\n",
	       (unsigned long long)units, work, computed,
	       (unsigned long long)failed);
}

/* A real-time task that polls, and whose last faults left pages in LRU caches. */
static void load_spin(char **arg)
{
	const struct sched_param most = { .sched_priority = 99 };
	unsigned char *memory = map(MIB);
	cpu_set_t cpus;
	size_t i;

	CPU_ZERO(&cpus);
	CPU_SET(number(arg[0]), &cpus);
	signal(SIGTERM, tell_to_end);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_FIFO, &most))
		err(CANNOT, "real-time on CPU %s", arg[0]);
	for (i = 0; i < MIB; i += PAGE)
		memory[i] = 1;
	printf("LOAD spin cpu=%s\n", arg[0]);
	fflush(stdout);
	while (!told_to_end)
		;
}

static const struct {
	const char *name;
	int args;
	void (*func)(char **arg);
} kinds[] = {
	{ "anon", 3, load_anon }, { "lock", 1, load_lock },
	{ "pin", 3, load_pin },	  { "make", 3, load_make },
	{ "read", 3, load_read }, { "write", 3, load_write },
	{ "work", 2, load_work }, { "spin", 1, load_spin },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (argc != 2 + kinds[i].args || strcmp(argv[1], kinds[i].name))
			continue;
		kinds[i].func(argv + 2);
		return 0;
	}
	errx(CANNOT, "usage: see the head of guest/load/load.c");
}
