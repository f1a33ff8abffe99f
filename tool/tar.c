// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A tar archive as it is written: files and links without an owner.
 *
 * The form is ustar.  Owner and time are 0, so that equal files make equal archives.
 */
#include <string.h>

#include "tar.h"

#define TAR_BLOCK 512

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12];
	char checksum[8], type, link[100], magic[6], version[2];
	char user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is a block");

/* Long names are split at a slash: false if that cannot be. */
static bool tar_set_name(struct tar_header *header, const char *name)
{
	const char *split = name;
	size_t len = strlen(name);

	if (len > sizeof(header->name)) {
		split = strchr(name + len - sizeof(header->name), '/');
		if (!split || split - name > (long)sizeof(header->prefix))
			return false;
		memcpy(header->prefix, name, split - name);
		split++;
	}
	memcpy(header->name, split, strlen(split));
	return true;
}

static void tar_put(FILE *out, struct tar_header *header)
{
	const unsigned char *byte = (const unsigned char *)header;
	unsigned int i, sum = 0;

	memcpy(header->magic, "ustar", 6);
	memcpy(header->version, "00", 2);
	memset(header->checksum, ' ', sizeof(header->checksum));
	for (i = 0; i < TAR_BLOCK; i++)
		sum += byte[i];
	snprintf(header->checksum, sizeof(header->checksum), "%06o", sum);
	fwrite(header, 1, sizeof(*header), out);
}

static bool tar_begin(struct tar_header *header, const char *name, char type,
		      size_t size)
{
	memset(header, 0, sizeof(*header));
	if (!tar_set_name(header, name) || size > 077777777777UL)
		return false;
	header->type = type;
	snprintf(header->mode, sizeof(header->mode), "%07o", 0644);
	snprintf(header->uid, sizeof(header->uid), "%07o", 0);
	snprintf(header->gid, sizeof(header->gid), "%07o", 0);
	snprintf(header->size, sizeof(header->size), "%011lo",
		 (unsigned long)size);
	snprintf(header->mtime, sizeof(header->mtime), "%011o", 0);
	return true;
}

/**
 * tar_file() - Add a file.
 * @out: the archive
 * @name: of the file, without a slash in front
 * @data: what is in it
 * @size: in bytes
 *
 * Return: false, with nothing written, if the name is too long.
 */
bool tar_file(FILE *out, const char *name, const void *data, size_t size)
{
	static const char zeros[TAR_BLOCK];
	struct tar_header header;

	if (!tar_begin(&header, name, '0', size))
		return false;
	tar_put(out, &header);
	fwrite(data, 1, size, out);
	if (size % TAR_BLOCK)
		fwrite(zeros, 1, TAR_BLOCK - size % TAR_BLOCK, out);
	return true;
}

/**
 * tar_link() - Add a symbolic link.
 * @out: the archive
 * @name: of the link
 * @target: of the link
 *
 * Return: false, with nothing written, if one of them is too long.
 */
bool tar_link(FILE *out, const char *name, const char *target)
{
	struct tar_header header;

	if (!tar_begin(&header, name, '2', 0) ||
	    strlen(target) > sizeof(header.link))
		return false;
	memcpy(header.link, target, strlen(target));
	tar_put(out, &header);
	return true;
}

/** tar_end() - End the archive with two empty blocks. */
void tar_end(FILE *out)
{
	static const char zeros[2 * TAR_BLOCK];

	fwrite(zeros, 1, sizeof(zeros), out);
}
