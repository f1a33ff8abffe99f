/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A naive model of dmag frames, and a way to drive both with the same
 * operations.  Shared by the randomised test and the fuzzer.
 */
#ifndef FRAMES_ORACLE_H
#define FRAMES_ORACLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmag.h"
#include "dmag_port.h"

#ifndef MODEL_ROUNDS
#define MODEL_ROUNDS 25
#endif

#define ORACLE_SPANS 5
#define ORACLE_FRAMES 4096

enum op_kind {
	OP_ADD,
	OP_REMOVE,
	OP_QUARANTINE,
	OP_TAKE,
	OP_PUT,
	OP_PUT_ONE,
	OP_PUT_GOT,
	OP_GET,
	OP_GET_ONE,
	OP_GET_NATURAL,
	OP_GET_WITHIN,
	OP_WALK,
	OP_BAD,
	OP_KINDS,
};

/* One operation, with no reference to what came before it. */
struct op {
	uint32_t kind;
	uint32_t span;
	u64 at;
	u64 count;
	uint32_t shape;
};

/* What was got and not put yet. */
struct got {
	u64 pfn;
	u64 count;
};

struct oracle {
	struct dmag_frames f;
	unsigned char state[ORACLE_SPANS][ORACLE_FRAMES];
	u64 quarantined;
	struct got got[64];
	unsigned int nr_got;
	unsigned int steps;
	bool feeding; /* feed before each add, else all at the start */
	void *mem[4096];
	unsigned int nr_mem;
};

/* Where the spans are: at both ends, at block and node borders, and adjacent. */
static const u64 oracle_base[ORACLE_SPANS] = {
	0,
	ORACLE_FRAMES,
	(1ULL << 15) - 1000,
	(1ULL << 27) - 512,
	DMAG_PFN_MAX + 1 - ORACLE_FRAMES,
};

static const char *const op_names[OP_KINDS] = {
	"add",	      "remove",	 "quarantine", "take",	  "put",
	"put-one",    "put-got", "get",	       "get-one", "get-natural",
	"get-within", "walk",	 "bad",
};

static inline void op_print(const struct op *op)
{
	printf("  { %-11s span %u at %llu count %llu shape %#x }\n",
	       op_names[op->kind], op->span, op->at % ORACLE_FRAMES, op->count,
	       op->shape);
}

static inline struct oracle *oracle_new(bool feeding)
{
	struct oracle *o = calloc(1, sizeof(*o));

	o->feeding = feeding;
	dmag_frames_init(&o->f);
	return o;
}

static inline void oracle_free(struct oracle *o)
{
	while (o->nr_mem)
		free(o->mem[--o->nr_mem]);
	free(o);
}

/* The oracle's byte for a frame, or NULL. */
static inline unsigned char *oracle_at(struct oracle *o, u64 pfn)
{
	unsigned int i;

	for (i = 0; i < ORACLE_SPANS; i++)
		if (pfn >= oracle_base[i] &&
		    pfn - oracle_base[i] < ORACLE_FRAMES)
			return &o->state[i][pfn - oracle_base[i]];
	return NULL;
}

static inline enum dmag_state oracle_state(struct oracle *o, u64 pfn)
{
	unsigned char *p = oracle_at(o, pfn);

	return p ? *p : DMAG_FOREIGN;
}

static inline bool oracle_is(struct oracle *o, u64 start, u64 last,
			     enum dmag_state s)
{
	u64 pfn;

	for (pfn = start; pfn <= last; pfn++)
		if (oracle_state(o, pfn) != s)
			return false;
	return true;
}

static inline void oracle_set(struct oracle *o, u64 start, u64 last,
			      enum dmag_state s)
{
	u64 pfn;

	for (pfn = start; pfn <= last; pfn++)
		*oracle_at(o, pfn) = s;
}

static inline bool oracle_feed(struct oracle *o, size_t bytes)
{
	void *mem;

	if (o->nr_mem == ARRAY_SIZE(o->mem))
		return false;
	mem = aligned_alloc(DMAG_MEM_ALIGN, bytes);
	memset(mem, 0xa5, bytes);
	o->mem[o->nr_mem++] = mem;
	return !dmag_frames_feed(&o->f, mem, bytes);
}

/* A range of the operation's span: mostly short, at times all of it. */
static inline struct dmag_range op_range(const struct op *op)
{
	static const u64 most[] = { 1, 4, 64, 700, 2048, ORACLE_FRAMES };
	u64 at = op->at % ORACLE_FRAMES;
	u64 count = 1 + op->count % most[op->shape % ARRAY_SIZE(most)];
	u64 base = oracle_base[op->span];

	if (op->shape >> 8 & 1)
		at &= ~(DMAG_BLOCK_FRAMES - 1);
	count = min(count, ORACLE_FRAMES - at);
	return (struct dmag_range){ base + at, base + at + count - 1 };
}

/* One transition on both; what the structure should have answered. */
static inline const char *oracle_move(struct oracle *o, struct dmag_range r,
				      int (*fn)(struct dmag_frames *, u64, u64),
				      enum dmag_state from, enum dmag_state to,
				      int err)
{
	bool ok = oracle_is(o, r.start, r.last, from);

	if (fn(&o->f, r.start, r.last) != (ok ? 0 : err))
		return "a range operation answers wrongly";
	if (ok)
		oracle_set(o, r.start, r.last, to);
	return NULL;
}

static inline const char *step_add(struct oracle *o, const struct op *op)
{
	struct dmag_range r = op_range(op);
	u64 need = dmag_frames_need(&o->f, r.start, r.last);
	u64 count = 0;

	if (oracle_is(o, r.start, r.last, DMAG_FOREIGN)) {
		if (need && dmag_frames_add(&o->f, r.start, r.last) != -ENOMEM)
			return "add without memory does not fail";
		while (need && count++ < 100) {
			if (!oracle_feed(o, o->feeding ? need : 4096))
				return NULL;
			need = dmag_frames_need(&o->f, r.start, r.last);
		}
		if (need)
			return "the need for memory does not end";
		if (o->feeding && count > 1)
			return "the need was not as stated";
	}
	return oracle_move(o, r, dmag_frames_add, DMAG_FOREIGN, DMAG_FREE,
			   -EEXIST);
}

static inline int put_range(struct dmag_frames *f, u64 start, u64 last)
{
	return dmag_frames_put(f, start, last - start + 1);
}

static inline const char *step_put_got(struct oracle *o, const struct op *op)
{
	struct got g;
	unsigned int i;

	if (!o->nr_got)
		return NULL;
	i = op->at % o->nr_got;
	g = o->got[i];
	o->got[i] = o->got[--o->nr_got];
	return oracle_move(o, (struct dmag_range){ g.pfn, g.pfn + g.count - 1 },
			   put_range, DMAG_USED, DMAG_FREE, -EINVAL);
}

static inline bool oracle_fits(struct oracle *o, const struct dmag_request *rq,
			       u64 at)
{
	u64 last = at + rq->count - 1;

	if (at < rq->within.start || last > rq->within.last)
		return false;
	if (rq->align && (at + rq->phase) % rq->align)
		return false;
	if (rq->boundary && (at + rq->phase) / rq->boundary !=
				    (last + rq->phase) / rq->boundary)
		return false;
	return oracle_is(o, at, last, DMAG_FREE);
}

/* The spans in order; 0 and 1 touch, which one pass over the starts covers. */
static inline bool oracle_find(struct oracle *o, const struct dmag_request *rq,
			       u64 *at)
{
	unsigned int i, j, k;

	for (i = 0; i < ORACLE_SPANS; i++)
		for (j = 0; j < ORACLE_FRAMES; j++) {
			bool high = rq->from == DMAG_HIGHEST;

			k = high ? ORACLE_SPANS - 1 - i : i;
			*at = oracle_base[k] +
			      (high ? ORACLE_FRAMES - 1 - j : j);
			if (o->state[k][*at - oracle_base[k]] == DMAG_FREE &&
			    oracle_fits(o, rq, *at))
				return true;
		}
	return false;
}

static inline const char *oracle_get(struct oracle *o,
				     const struct dmag_request *rq)
{
	u64 want = 0, pfn = 0;
	bool ok = oracle_find(o, rq, &want);
	int rc = dmag_frames_get(&o->f, rq, &pfn);

	if (rc != (ok ? 0 : -ENOMEM))
		return ok ? "get does not find what is free" :
			    "get finds what is not free";
	if (!ok)
		return NULL;
	if (pfn != want)
		return "get does not find the first";
	oracle_set(o, pfn, pfn + rq->count - 1, DMAG_USED);
	if (o->nr_got < ARRAY_SIZE(o->got))
		o->got[o->nr_got++] = (struct got){ pfn, rq->count };
	return NULL;
}

static inline void op_within(const struct op *op, struct dmag_request *rq)
{
	struct dmag_range r = op_range(op);

	if (op->shape >> 9 & 1)
		rq->within.start = r.start;
	if (op->shape >> 10 & 1)
		rq->within.last = max(r.last, rq->within.start);
}

static inline const char *step_get(struct oracle *o, const struct op *op)
{
	static const u64 most[] = { 1, 8, 40, 130, 1100, 9000 };
	struct dmag_request rq = DMAG_REQUEST(1);

	rq.count = 1 + op->count % most[op->shape % ARRAY_SIZE(most)];
	rq.align = op->shape >> 12 & 1 ? 0 : 1ULL << (op->shape >> 16) % 13;
	rq.from = op->shape >> 13 & 1 ? DMAG_HIGHEST : DMAG_LOWEST;
	if (op->shape >> 14 & 1)
		rq.boundary =
			BIT_ULL(fls64(rq.count - 1) + (op->shape >> 20) % 5);
	if (op->shape >> 15 & 1)
		rq.phase = (op->count >> 13 ^ op->at) & 0x3fff;
	if (op->kind == OP_GET_WITHIN)
		op_within(op, &rq);
	return oracle_get(o, &rq);
}

static inline const char *step_natural(struct oracle *o, const struct op *op)
{
	u64 count = op->kind == OP_GET_ONE ? 1 : 1ULL << op->count % 14;
	struct dmag_request rq = DMAG_REQUEST(count);

	rq.from = op->shape >> 13 & 1 ? DMAG_HIGHEST : DMAG_LOWEST;
	if (op->shape >> 11 & 1)
		op_within(op, &rq);
	return oracle_get(o, &rq);
}

/* The run that a walk from @from should give. */
static inline bool oracle_run(struct oracle *o, u64 from, struct dmag_run *run)
{
	unsigned int i, j;
	u64 pfn;

	for (i = 0; i < ORACLE_SPANS; i++)
		for (j = 0; j < ORACLE_FRAMES; j++) {
			pfn = oracle_base[i] + j;
			if (pfn < from || !o->state[i][j])
				continue;
			run->state = o->state[i][j];
			run->range.start = pfn;
			run->range.last = pfn;
			while (run->range.start &&
			       oracle_state(o, run->range.start - 1) ==
				       run->state)
				run->range.start--;
			while (oracle_state(o, run->range.last + 1) ==
			       run->state)
				run->range.last++;
			return true;
		}
	return false;
}

static inline const char *step_walk(struct oracle *o, const struct op *op)
{
	struct dmag_run want = { 0 }, run = { 0 };
	u64 from = op->shape & 1 ? op_range(op).start :
				   op->at % (DMAG_PFN_MAX * 2);
	bool ok = oracle_run(o, from, &want);

	if (dmag_frames_walk(&o->f, from, &run) != ok)
		return "walk ends where it should not, or does not";
	if (ok &&
	    (run.range.start != want.range.start ||
	     run.range.last != want.range.last || run.state != want.state))
		return "walk finds another run";
	return NULL;
}

/* What must be refused, whatever is owned. */
static inline const char *step_bad(struct oracle *o, const struct op *op)
{
	static const u64 sizes[] = { 0, 1ULL << 63, DMAG_PFN_MAX + 2, U64_MAX };
	struct dmag_request rq = DMAG_REQUEST(sizes[op->count % 4]);
	struct dmag_range r = op_range(op);
	u64 pfn = 1;

	if (dmag_frames_get(&o->f, &rq, &pfn) != -EINVAL || pfn != 1)
		return "get with a bad count is not refused";
	if (dmag_frames_put(&o->f, r.start, sizes[op->count % 4]) != -EINVAL)
		return "put with a bad count is not refused";
	if (dmag_frames_add(&o->f, r.last + 1, r.start) != -EINVAL ||
	    dmag_frames_take(&o->f, r.start, r.start + (1ULL << 63)) != -EINVAL)
		return "a bad range is not refused";
	return NULL;
}

static inline const char *oracle_op(struct oracle *o, const struct op *op)
{
	struct dmag_range r = op_range(op);

	switch (op->kind) {
	case OP_ADD:
		return step_add(o, op);
	case OP_REMOVE:
		return oracle_move(o, r, dmag_frames_remove, DMAG_FREE,
				   DMAG_FOREIGN, -EBUSY);
	case OP_QUARANTINE:
		if (oracle_is(o, r.start, r.last, DMAG_USED))
			o->quarantined += r.last - r.start + 1;
		return oracle_move(o, r, dmag_frames_quarantine, DMAG_USED,
				   DMAG_FOREIGN, -EINVAL);
	case OP_TAKE:
		return oracle_move(o, r, dmag_frames_take, DMAG_FREE, DMAG_USED,
				   -EBUSY);
	case OP_PUT_ONE:
		r.last = r.start;
		return oracle_move(o, r, put_range, DMAG_USED, DMAG_FREE,
				   -EINVAL);
	case OP_PUT:
		return oracle_move(o, r, put_range, DMAG_USED, DMAG_FREE,
				   -EINVAL);
	case OP_PUT_GOT:
		return step_put_got(o, op);
	case OP_GET_ONE:
	case OP_GET_NATURAL:
		return step_natural(o, op);
	case OP_WALK:
		return step_walk(o, op);
	case OP_BAD:
		return step_bad(o, op);
	default:
		return step_get(o, op);
	}
}

/* All states and all counts. */
static inline const char *oracle_compare(struct oracle *o)
{
	u64 nr[3] = { 0 }, runs = 0, largest = 0, from = 0;
	struct dmag_frames_stats s;
	struct dmag_run run;
	unsigned int i, j;

	for (i = 0; i < ORACLE_SPANS; i++)
		for (j = 0; j < ORACLE_FRAMES; j++) {
			nr[o->state[i][j]]++;
			if (dmag_frames_state(&o->f, oracle_base[i] + j) !=
			    o->state[i][j])
				return "a frame's state is not as expected";
		}
	for (; oracle_run(o, from, &run); from = run.range.last + 1)
		if (run.state == DMAG_FREE) {
			runs++;
			largest = max(largest,
				      run.range.last - run.range.start + 1);
		}
	dmag_frames_stats(&o->f, &s);
	if (s.free != nr[DMAG_FREE] || s.used != nr[DMAG_USED] ||
	    s.quarantined != o->quarantined || s.runs_free != runs ||
	    s.largest_free != largest)
		return "the statistics are not as expected";
	return NULL;
}

/* One operation on both.  NULL, or what is wrong. */
static inline const char *oracle_step(struct oracle *o, const struct op *op)
{
	const char *why = oracle_op(o, op);

	if (why)
		return why;
	if (dmag_frames_validate(&o->f, 4))
		return "the validator finds fault";
	return ++o->steps % 64 ? NULL : oracle_compare(o);
}

#endif /* FRAMES_ORACLE_H */
