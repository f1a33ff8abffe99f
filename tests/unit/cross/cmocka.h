/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The part of cmocka that the core's tests use, in one header, for machines
 * that have no cmocka: found before the real one by -I.  It speaks TAP.
 */
#ifndef CROSS_CMOCKA_H
#define CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*cross_fixture)(void **state);

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
	cross_fixture setup;
	cross_fixture teardown;
};

static jmp_buf cross_failed;

static inline void cross_assert(int ok, const char *what, const char *file,
				int line)
{
	if (ok)
		return;
	printf("# %s:%d: error: %s\n", file, line, what);
	longjmp(cross_failed, 1);
}

static inline void cross_equal(unsigned long long a, unsigned long long b,
			       const char *what, const char *file, int line)
{
	if (a != b)
		printf("# %#llx != %#llx\n", a, b);
	cross_assert(a == b, what, file, line);
}

#define assert_true(c) cross_assert(!!(c), #c, __FILE__, __LINE__)
#define assert_false(c) cross_assert(!(c), "not " #c, __FILE__, __LINE__)
#define assert_null(p) cross_assert(!(p), #p " is null", __FILE__, __LINE__)
#define assert_non_null(p) \
	cross_assert(!!(p), #p " is not null", __FILE__, __LINE__)
#define assert_int_equal(a, b)                                        \
	cross_equal((unsigned long long)(a), (unsigned long long)(b), \
		    #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) assert_true((a) != (b))
#define assert_ptr_equal(a, b) \
	assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b) \
	assert_true((const void *)(a) != (const void *)(b))
#define assert_string_equal(a, b) assert_true(!strcmp(a, b))
#define assert_memory_equal(a, b, n) assert_true(!memcmp(a, b, n))
#define fail() cross_assert(0, "fail()", __FILE__, __LINE__)
#define fail_msg(...) (printf(__VA_ARGS__), puts(""), fail())
#define print_message(...) printf(__VA_ARGS__)

#define cmocka_unit_test(f)       \
	{                         \
#f, f, NULL, NULL \
	}
#define cmocka_unit_test_setup(f, s) \
	{                            \
#f, f, s, NULL       \
	}
#define cmocka_unit_test_teardown(f, t) \
	{                               \
#f, f, NULL, t          \
	}
#define cmocka_unit_test_setup_teardown(f, s, t) \
	{                                        \
#f, f, s, t                      \
	}

static inline int cross_run(const struct CMUnitTest *t)
{
	void *state = NULL;
	int rc = setjmp(cross_failed);

	if (!rc) {
		if (t->setup)
			cross_assert(!t->setup(&state), "set-up", t->name, 0);
		t->run(&state);
		if (t->teardown)
			cross_assert(!t->teardown(&state), "tear-down", t->name,
				     0);
	}
	return rc;
}

static inline int cross_run_all(const char *name, const struct CMUnitTest *t,
				size_t nr, cross_fixture setup,
				cross_fixture teardown)
{
	void *state = NULL;
	int failed = setup ? !!setup(&state) : 0;
	size_t i;

	printf("1..%zu\n", nr);
	for (i = 0; i < nr; i++) {
		int rc = cross_run(&t[i]);

		printf("%s %zu - %s\n", rc ? "not ok" : "ok", i + 1, t[i].name);
		failed += rc;
	}
	if (teardown)
		failed += !!teardown(&state);
	return failed;
}

#define cmocka_run_group_tests_name(name, tests, setup, teardown)             \
	cross_run_all(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, \
		      teardown)
#define cmocka_run_group_tests(tests, setup, teardown) \
	cmocka_run_group_tests_name(#tests, tests, setup, teardown)

#endif /* CROSS_CMOCKA_H */
