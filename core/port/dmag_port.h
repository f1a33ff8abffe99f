/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag port, freestanding: the names that the core takes from its host.
 *
 * Each is one that Linux has, with Linux's spelling and meaning, so that the
 * kernel's own dmag_port.h is a list of #includes.  A host that has some of
 * them brings a port of its own.  The core calls one function of a C library,
 * memset(); compilers call memcpy(), memmove() and memcmp() by themselves.
 */
#ifndef DMAG_PORT_H
#define DMAG_PORT_H

#include "dmag_types.h"

#ifndef U64_MAX
#define U64_MAX UINT64_MAX
#endif

#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#endif

/* Linux has these numbers; a host that has only some of the names keeps those. */
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ENOMEM
#define ENOMEM 12
#endif
#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef EEXIST
#define EEXIST 17
#endif
#ifndef EINVAL
#define EINVAL 22
#endif
#ifndef EUCLEAN
#define EUCLEAN 117
#endif

void *memset(void *s, int c, size_t n);

/* ---- compiler -------------------------------------------------------- */

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif
#ifndef noinline
#define noinline __attribute__((__noinline__))
#endif
#define __aligned(x) __attribute__((__aligned__(x)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#ifndef static_assert
#define static_assert(expr, ...) __static_assert(expr, ##__VA_ARGS__, #expr)
#define __static_assert(expr, msg, ...) _Static_assert(expr, msg)
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void *__port_back(const void *ptr, size_t bytes)
{
	return (char *)ptr - bytes;
}

static inline void *__port_forth(const void *ptr, size_t bytes)
{
	return (char *)ptr + bytes;
}

#define container_of(ptr, type, member) \
	((type *)__port_back(ptr, offsetof(type, member)))

/* ---- assertions ------------------------------------------------------ */

/* An embedder may define DMAG_WARN(text), to be told of misuse. */
#ifndef DMAG_WARN
#define DMAG_WARN(text) ((void)(text))
#endif

#define WARN_ON_ONCE(cond)                           \
	({                                           \
		static bool __warned;                \
		const bool __cond = !!(cond);        \
		if (unlikely(__cond) && !__warned) { \
			__warned = true;             \
			DMAG_WARN(#cond);            \
		}                                    \
		unlikely(__cond);                    \
	})

/* DMAG_CHECK() - What the core's own logic guarantees; debug builds only. */
#ifdef DMAG_DEBUG
#define DMAG_CHECK(cond)                  \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)
#else
#define DMAG_CHECK(cond) ((void)sizeof(!(cond)))
#endif

/* ---- numbers --------------------------------------------------------- */

#ifndef min
#define min(x, y)                      \
	({                             \
		typeof(x) __x = (x);   \
		typeof(y) __y = (y);   \
		(void)(&__x == &__y);  \
		__x < __y ? __x : __y; \
	})
#define max(x, y)                      \
	({                             \
		typeof(x) __x = (x);   \
		typeof(y) __y = (y);   \
		(void)(&__x == &__y);  \
		__x > __y ? __x : __y; \
	})
#endif
#define min_t(type, x, y) min((type)(x), (type)(y))
#define max_t(type, x, y) max((type)(x), (type)(y))

#define BIT_ULL(nr) (1ULL << (nr))

/* Powers of two only. */
#define __round_mask(x, y) ((typeof(x))(-1 + (y)))
#define round_up(x, y) (((-1 + (x)) | __round_mask(x, y)) + 1)
#define round_down(x, y) ((x) & ~__round_mask(x, y))

/* The lowest bit set; undefined for 0. */
static __always_inline unsigned int __ffs64(u64 word)
{
	return (unsigned int)__builtin_ctzll(word);
}

/* The highest bit set, counted from 1; 0 for 0. */
static __always_inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static __always_inline unsigned int hweight64(u64 w)
{
	return (unsigned int)__builtin_popcountll(w);
}

/* ---- lists ----------------------------------------------------------- */

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline void list_add_tail(struct list_head *entry,
				 struct list_head *head)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

static inline void list_del_init(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	INIT_LIST_HEAD(entry);
}

static inline int list_empty(const struct list_head *head)
{
	return head->next == head;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(ptr, type, member) \
	list_entry((ptr)->next, type, member)
#define __port_links(pos, member)              \
	((struct list_head *)__port_forth(pos, \
					  offsetof(typeof(*(pos)), member)))
#define list_next_entry(pos, member) \
	list_entry(__port_links(pos, member)->next, typeof(*(pos)), member)
#define list_entry_is_head(pos, head, member) \
	(__port_links(pos, member) == (head))
#define list_for_each_entry(pos, head, member)                   \
	for (pos = list_first_entry(head, typeof(*pos), member); \
	     !list_entry_is_head(pos, head, member);             \
	     pos = list_next_entry(pos, member))

#endif /* DMAG_PORT_H */
