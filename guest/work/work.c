// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A fixed load, to count the instructions that it takes: processes, files, and
 * a device read through a memory that is too small for it.
 *
 *	work DEVICE DIRECTORY KSWAPD ROUNDS
 *
 * DEVICE is a block device, DIRECTORY one in memory, KSWAPD a process id. Each
 * phase of each round says what it took in ticks of the time stamp counter, which
 * under QEMU's -icount shift=0 are instructions of the whole machine.
 *
 * Reclaim left to itself is chaotic: a timer interrupt ten instructions later
 * changes how much of it is done by whom, and the sum by some percent. So each
 * phase starts from the same state, and each way to reclaim has a phase of its
 * own, kept apart by scheduling: a reader that anybody may interrupt leaves all
 * of it to kswapd, one that nobody may interrupt does all of it itself, and a
 * third gives up its pages at once.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define KIB 1024UL
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)
#define PAGE (4 * KIB)

#define MAX_RECORDS 1000
#define PAIRS 21
#define FORKS 150
#define CHILD_PAGES 64
#define FILES 300
#define FILE_SIZE (64 * KIB)
#define PAGEOUT_SIZE (192 * MIB)
#define FILL_SIZE (500 * MIB)
#define READ_SIZE (8 * MIB)
/* More than what lies between the watermarks. */
#define PRIME_SIZE (4 * MIB)
#define MAP_SIZE (4 * MIB)
#define WRITE_SIZE (12 * MIB)
#define SETTLE_US 50000

/* Open all the time: the last to close it would empty the page cache. */
static int device;
static const char *directory;
static pid_t kswapd;

/*
 * What comes next on the device: no part is read twice. Not from its start, for
 * the tree of cached pages has one level more from 1 GiB on.
 */
static off_t cursor = GIB;

static void touch(unsigned char *memory, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE)
		memory[i]++;
}

static unsigned long look(const unsigned char *memory, size_t size)
{
	unsigned long sum = 0;
	size_t i;

	for (i = 0; i < size; i += PAGE)
		sum += memory[i];
	return sum;
}

static void *map(size_t size, int prot, int flags, int fd, off_t offset)
{
	void *memory = mmap(NULL, size, prot, flags, fd, offset);

	if (memory == MAP_FAILED)
		err(1, "mmap of %zu bytes", size);
	return memory;
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	return pid;
}

static void reap(unsigned int children)
{
	int status;

	while (children--)
		if (wait(&status) < 0 || status)
			errx(1, "a child failed");
}

/* Every other child becomes a program of its own. */
static void forks(void)
{
	unsigned char *memory = map(CHILD_PAGES * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	touch(memory, CHILD_PAGES * PAGE);
	for (i = 0; i < FORKS; i++) {
		if (!fork_or_die()) {
			touch(memory, CHILD_PAGES * PAGE);
			if (i & 1)
				execl("/proc/self/exe", "work", NULL);
			_exit(i & 1);
		}
		reap(1);
	}
	munmap(memory, CHILD_PAGES * PAGE);
}

static void one_file(const char *path, unsigned char *buffer)
{
	int fd = open_or_die(path, O_RDWR | O_CREAT | O_TRUNC);

	if (write(fd, buffer, FILE_SIZE) != (ssize_t)FILE_SIZE)
		err(1, "writing %s", path);
	if (pread(fd, buffer, FILE_SIZE, 0) != (ssize_t)FILE_SIZE)
		err(1, "reading %s", path);
	close(fd);
}

static void files(void)
{
	unsigned char *buffer = calloc(1, FILE_SIZE);
	char path[256];
	unsigned int i;

	if (!buffer)
		err(1, "a buffer");
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%u", directory, i);
		one_file(path, buffer);
	}
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%u", directory, i);
		if (unlink(path))
			err(1, "unlinking %s", path);
	}
	free(buffer);
}

/* Mapped pages are reclaimed the long way: by way of their page tables. */
static void pageout(void)
{
	unsigned char *file;
	size_t done;

	for (done = 0; done < PAGEOUT_SIZE; done += MAP_SIZE) {
		file = map(MAP_SIZE, PROT_READ, MAP_SHARED, device,
			   cursor + done);
		if (look(file, MAP_SIZE))
			errx(1, "the device is not empty");
		if (madvise(file, MAP_SIZE, MADV_PAGEOUT))
			err(1, "MADV_PAGEOUT");
		munmap(file, MAP_SIZE);
	}
	cursor += PAGEOUT_SIZE;
}

static void read_on(size_t size)
{
	static unsigned char buffer[128 * KIB];
	size_t done;

	for (done = 0; done < size; done += sizeof(buffer))
		if (pread(device, buffer, sizeof(buffer), cursor + done) !=
		    (ssize_t)sizeof(buffer))
			err(1, "reading the device");
	cursor += size;
}

static void read_some(void)
{
	read_on(READ_SIZE);
}

/* Pages that must be written before they can be reclaimed. */
static void dirty(void)
{
	unsigned char *file =
		map(WRITE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

	touch(file, WRITE_SIZE);
	if (msync(file, WRITE_SIZE, MS_SYNC))
		err(1, "msync");
	munmap(file, WRITE_SIZE);
}

/*
 * @policy: of this task
 * @kswapd_policy: of kswapd; whoever has SCHED_IDLE waits for the other
 */
struct phase {
	const char *name;
	void (*func)(void);
	int policy;
	int kswapd_policy;
};

/* Each in an empty page cache. */
static const struct phase alone[] = {
	{ "fork", forks, SCHED_OTHER, SCHED_OTHER },
	{ "files", files, SCHED_OTHER, SCHED_OTHER },
	{ "dirty", dirty, SCHED_OTHER, SCHED_OTHER },
	{ "pageout", pageout, SCHED_OTHER, SCHED_OTHER },
};

/* In a full one. It takes longest to fill, so that more is made of it. */
static const struct phase full[] = {
	{ "kswapd", read_some, SCHED_IDLE, SCHED_OTHER },
	{ "direct", read_some, SCHED_OTHER, SCHED_IDLE },
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Printed at the end, for the console has interrupts of its own. */
static struct {
	const char *name;
	unsigned int round;
	uint64_t taken;
} records[MAX_RECORDS];

static unsigned int nr_records;

static void schedule(pid_t pid, int policy)
{
	struct sched_param param = {};

	if (sched_setscheduler(pid, policy, &param))
		err(1, "sched_setscheduler");
}

static void empty_cache(void)
{
	int fd = open_or_die("/proc/sys/vm/drop_caches", O_WRONLY);

	if (write(fd, "3", 1) != 1)
		err(1, "dropping caches");
	close(fd);
}

static void measure(const struct phase *phase, size_t prime, unsigned int round)
{
	uint64_t start;

	if (nr_records == MAX_RECORDS)
		errx(1, "too many rounds");
	schedule(0, phase->policy);
	schedule(kswapd, phase->kswapd_policy);
	usleep(SETTLE_US);
	read_on(prime);
	start = __rdtsc();
	phase->func();
	records[nr_records].taken = __rdtsc() - start;
	records[nr_records].name = phase->name;
	records[nr_records++].round = round;
	schedule(0, SCHED_OTHER);
	schedule(kswapd, SCHED_OTHER);
}

static void run_round(unsigned int round)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(alone); i++) {
		empty_cache();
		measure(&alone[i], 0, round);
	}
	read_on(FILL_SIZE);
	for (i = 0; i < PAIRS * ARRAY_SIZE(full); i++)
		measure(&full[i % ARRAY_SIZE(full)], PRIME_SIZE, round);
}

static void print(void)
{
	unsigned int i;

	for (i = 0; i < nr_records; i++)
		printf("phase=%s round=%u instructions=%llu\n", records[i].name,
		       records[i].round, (unsigned long long)records[i].taken);
}

int main(int argc, char **argv)
{
	unsigned int rounds, i;

	/* The program that a child became: do nothing, well. */
	if (argc == 1)
		return 0;
	if (argc != 5)
		errx(2, "usage: work DEVICE DIRECTORY KSWAPD ROUNDS");
	rounds = strtoul(argv[4], NULL, 0);
	if (!rounds)
		errx(2, "at least one round");
	device = open_or_die(argv[1], O_RDWR);
	directory = argv[2];
	kswapd = strtoul(argv[3], NULL, 0);
	if (setpriority(PRIO_PROCESS, 0, -20))
		err(1, "setpriority");
	/* Once to warm up. */
	run_round(0);
	nr_records = 0;
	for (i = 0; i < rounds; i++)
		run_round(i);
	print();
	return 0;
}
