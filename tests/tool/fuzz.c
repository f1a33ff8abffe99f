// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Fuzzing of everything that reads device trees, records and kernel logs, with
 * libFuzzer.
 *
 * FORMAT in the environment chooses one; mutation keeps the magic of its files, if
 * they have one.  A device tree may be refused, with a reason, and if it is read,
 * the plan has to hold together and be printable.  A record that can be read has to
 * be printable too.  The failures in a log are explained.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "dmesg.h"
#include "explain.h"
#include "plan.h"
#include "report.h"
#include "source.h"
#include "writers.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed);

static void check_plan(struct board *b)
{
	unsigned int i, members = 0;

	if (dmag_registry_validate(&b->registry, 4))
		abort();
	for (i = 0; i < b->nr_groups; i++) {
		struct group *g = b->groups[i];

		members += g->core.members;
		if (g->frames > dmag_reach_frames(&b->ram) || !g->worst)
			abort();
	}
	for (i = 0; i < b->nr_devices; i++)
		members -= b->devices[i].kind == DEVICE_DIRECT;
	if (members)
		abort();
	write_all(b);
}

/* Logs are text: a byte of 0 ends one.  One with a memory map is a board, too. */
static int try_log(const uint8_t *data, size_t size)
{
	struct plan_options opt = { 0 };
	struct log_event *event;
	struct board b;
	char *text;

	board_init(&b, "fuzz");
	text = arena_alloc(&b.arena, size + 1);
	memcpy(text, data, size);
	if (!board_from_dmesg(&b, text, &opt) && !board_plan(&b))
		check_plan(&b);
	else if (!b.error)
		abort();
	else
		b.memory_known = false;
	for (event = log_parse(&b.arena, text); event; event = event->next) {
		struct explanation answer = explain_event(&b, event);

		if (!answer.title || !answer.cause || !answer.remedy ||
		    !answer.groups || !event->line || !event->count)
			abort();
	}
	board_free(&b);
	return 0;
}

static int try_record(const uint8_t *data, size_t size)
{
	struct record record = { 0 };
	FILE *out = fopen("/dev/null", "w");
	char *text = arena_alloc(&record.arena, size + 1);

	memcpy(text, data, size);
	if (!record_read(&record, text)) {
		report_text(out, &record);
		report_html(out, &record);
	} else if (!record.error) {
		abort();
	}
	fclose(out);
	record_free(&record);
	return 0;
}

static int try_board(const uint8_t *data, size_t size)
{
	struct plan_options opt = { .assume = 1ULL << 32 };
	struct board b;

	board_init(&b, "fuzz");
	if (board_from_fdt(&b, data, size, &opt) || board_plan(&b)) {
		if (!b.error)
			abort();
	} else {
		check_plan(&b);
	}
	board_free(&b);
	return 0;
}

/* The table that dmag collect makes has no more buses than it was made of. */
static void check_code(const struct acpi *acpi)
{
	struct acpi again = { .board = acpi->board };
	const void *code;
	size_t size;

	code = acpi_write_code(acpi, &size);
	if (!size)
		return;
	acpi_read_table(&again, "again", code, size);
	acpi_read_buses(&again);
	if (again.nr_buses > acpi->nr_buses)
		abort();
}

/* On an arm64 machine with one card. */
static int try_acpi(const uint8_t *data, size_t size)
{
	struct plan_options opt = { 0 };
	struct span bank = { 1ULL << 31, (1ULL << 33) - 1 };
	struct device card = { .path = "0000:01:00.0",
			       .why = "fuzz",
			       .mask_bits = 64,
			       .stream_bits = 64 };
	struct acpi acpi = { 0 };
	struct board b;

	board_init(&b, "fuzz");
	b.arch = ARCH_ARM64;
	*ARENA_ADD(&b.arena, b.banks, b.nr_banks) = bank;
	acpi.board = &b;
	acpi_read_table(&acpi, "table", data, size);
	acpi_read_buses(&acpi);
	check_code(&acpi);
	acpi_limit_zones(&acpi);
	acpi_limit_pci(&acpi, &card);
	source_finish_device(&b, &card, card.path, &opt);
	*ARENA_ADD(&b.arena, b.devices, b.nr_devices) = card;
	acpi_add_components(&acpi, &opt);
	acpi_add_buses(&acpi, &opt);
	if (!board_plan(&b))
		check_plan(&b);
	else if (!b.error)
		abort();
	board_free(&b);
	return 0;
}

static const struct format {
	const char *name;
	const char *magic;
	int (*try)(const uint8_t *data, size_t size);
} formats[] = {
	{ "board", "\xd0\x0d\xfe\xed", try_board },
	{ "log", "", try_log },
	{ "record", "dmag-record ", try_record },
	{ "iort", "IORT", try_acpi },
	{ "srat", "SRAT", try_acpi },
	{ "dsdt", "DSDT", try_acpi },
	{ "dmar", "DMAR", try_acpi },
	{ "ivrs", "IVRS", try_acpi },
};

static const struct format *format;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FORMAT") ?: "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(name, formats[i].name))
			format = &formats[i];
	if (format)
		return 0;
	fprintf(stderr, "FORMAT: '%s' is no format\n", name);
	exit(2);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed)
{
	size_t len = strlen(format->magic);

	size = LLVMFuzzerMutate(data, size, max);
	if (size >= len)
		memcpy(data, format->magic, len);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return format->try(data, size);
}
