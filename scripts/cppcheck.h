/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Loops that cppcheck must see through: it does not read the kernel's headers.
 */
#define list_for_each_entry(p, head, member) \
	for (p = cppcheck_first(head); p; p = cppcheck_next(p))
#define list_for_each_entry_rcu(p, head, member) \
	for (p = cppcheck_first(head); p; p = cppcheck_next(p))
#define list_for_each_entry_safe(p, n, head, member) \
	for (p = cppcheck_first(head), n = cppcheck_next(p); p; p = n)
#define xa_for_each(xa, index, entry) \
	for (entry = cppcheck_first(xa); entry; entry = cppcheck_next(xa, &index))
#define xa_for_each_range(xa, index, entry, from, last) \
	for (entry = cppcheck_first(xa, from, last); entry; entry = cppcheck_next(xa, &index))
