/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that takes one command a line and gives back what it answered: how the
 * guest's scripts talk to the modules here.
 */
#ifndef DMAG_CTL_H
#define DMAG_CTL_H

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

/**
 * struct ctl - One such file.
 * @command: runs a line, with @mutex held; 0 or a negative error
 * @mutex: one command at a time
 * @length: how long the answer is
 * @text: the answer
 */
struct ctl {
	int (*command)(struct ctl *ctl, char *line);
	struct mutex mutex; /* one command at a time */
	size_t length;
	char text[512];
};

static inline __printf(2, 3) void ctl_report(struct ctl *ctl, const char *fmt,
					     ...)
{
	va_list args;

	va_start(args, fmt);
	ctl->length += vscnprintf(ctl->text + ctl->length,
				  sizeof(ctl->text) - ctl->length, fmt, args);
	va_end(args);
}

static ssize_t ctl_write(struct file *file, const char __user *user,
			 size_t size, loff_t *pos)
{
	struct ctl *ctl = file->private_data;
	char line[128];
	int err;

	if (size >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, user, size))
		return -EFAULT;
	line[size] = '\0';

	mutex_lock(&ctl->mutex);
	ctl->length = 0;
	err = ctl->command(ctl, line);
	mutex_unlock(&ctl->mutex);
	return err ?: size;
}

static ssize_t ctl_read(struct file *file, char __user *user, size_t size,
			loff_t *pos)
{
	struct ctl *ctl = file->private_data;
	ssize_t ret;

	mutex_lock(&ctl->mutex);
	ret = simple_read_from_buffer(user, size, pos, ctl->text, ctl->length);
	mutex_unlock(&ctl->mutex);
	return ret;
}

static const struct file_operations ctl_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = ctl_write,
	.read = ctl_read,
	.llseek = default_llseek,
};

#endif /* DMAG_CTL_H */
