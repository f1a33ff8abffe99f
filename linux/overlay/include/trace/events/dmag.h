/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dmag

#if !defined(_TRACE_DMAG_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMAG_H

#include <linux/device.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(DMAG_CLAIM_FREE);
TRACE_DEFINE_ENUM(DMAG_CLAIM_MIGRATE);
TRACE_DEFINE_ENUM(DMAG_CLAIM_RECLAIM);
TRACE_DEFINE_ENUM(DMAG_CLAIM_SURPLUS);

/* Of enum dmag_rung. */
#define DMAG_RUNG_NAMES				\
	{ DMAG_CLAIM_FREE, "free" },		\
	{ DMAG_CLAIM_MIGRATE, "migrate" },	\
	{ DMAG_CLAIM_RECLAIM, "reclaim" },	\
	{ DMAG_CLAIM_SURPLUS, "surplus" }

TRACE_EVENT(dmag_claim,
	TP_PROTO(int group, u64 start, u64 last, unsigned int rung),
	TP_ARGS(group, start, last, rung),
	TP_STRUCT__entry(
		__field(int, group)
		__field(unsigned int, rung)
		__field(u64, start)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->rung = rung;
		__entry->start = start;
		__entry->last = last;
	),
	TP_printk("group=%d pfn=%#llx-%#llx by=%s", __entry->group,
		  __entry->start, __entry->last,
		  __print_symbolic(__entry->rung, DMAG_RUNG_NAMES))
);

TRACE_EVENT(dmag_claim_fail,
	TP_PROTO(int group, u64 start, u64 last, unsigned int rung, int error),
	TP_ARGS(group, start, last, rung, error),
	TP_STRUCT__entry(
		__field(int, group)
		__field(unsigned int, rung)
		__field(u64, start)
		__field(u64, last)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->rung = rung;
		__entry->start = start;
		__entry->last = last;
		__entry->error = error;
	),
	TP_printk("group=%d pfn=%#llx-%#llx by=%s error=%d", __entry->group,
		  __entry->start, __entry->last,
		  __print_symbolic(__entry->rung, DMAG_RUNG_NAMES),
		  __entry->error)
);

TRACE_EVENT(dmag_scan,
	TP_PROTO(int group, u64 count, unsigned int rung,
		 unsigned int candidates, bool found),
	TP_ARGS(group, count, rung, candidates, found),
	TP_STRUCT__entry(
		__field(int, group)
		__field(unsigned int, rung)
		__field(u64, count)
		__field(unsigned int, candidates)
		__field(bool, found)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->rung = rung;
		__entry->count = count;
		__entry->candidates = candidates;
		__entry->found = found;
	),
	TP_printk("group=%d pages=%llu candidates=%u %s by=%s",
		  __entry->group, __entry->count, __entry->candidates,
		  __entry->found ? "found" : "none",
		  __print_symbolic(__entry->rung, DMAG_RUNG_NAMES))
);

DECLARE_EVENT_CLASS(dmag_range,
	TP_PROTO(int group, u64 start, u64 last),
	TP_ARGS(group, start, last),
	TP_STRUCT__entry(
		__field(int, group)
		__field(u64, start)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->start = start;
		__entry->last = last;
	),
	TP_printk("group=%d pfn=%#llx-%#llx", __entry->group, __entry->start,
		  __entry->last)
);

DEFINE_EVENT(dmag_range, dmag_release,
	TP_PROTO(int group, u64 start, u64 last),
	TP_ARGS(group, start, last)
);

DEFINE_EVENT(dmag_range, dmag_capture,
	TP_PROTO(int group, u64 start, u64 last),
	TP_ARGS(group, start, last)
);

DEFINE_EVENT(dmag_range, dmag_protect,
	TP_PROTO(int group, u64 start, u64 last),
	TP_ARGS(group, start, last)
);

TRACE_EVENT(dmag_convert,
	TP_PROTO(int group, u64 start, u64 last, bool share, int error),
	TP_ARGS(group, start, last, share, error),
	TP_STRUCT__entry(
		__field(int, group)
		__field(bool, share)
		__field(int, error)
		__field(u64, start)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->share = share;
		__entry->error = error;
		__entry->start = start;
		__entry->last = last;
	),
	TP_printk("group=%d pfn=%#llx-%#llx to=%s error=%d", __entry->group,
		  __entry->start, __entry->last,
		  __entry->share ? "shared" : "private", __entry->error)
);

TRACE_EVENT(dmag_adapt,
	TP_PROTO(int group, u64 min, u64 low, u64 high),
	TP_ARGS(group, min, low, high),
	TP_STRUCT__entry(
		__field(int, group)
		__field(u64, min)
		__field(u64, low)
		__field(u64, high)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->min = min;
		__entry->low = low;
		__entry->high = high;
	),
	TP_printk("group=%d min=%llu low=%llu high=%llu", __entry->group,
		  __entry->min, __entry->low, __entry->high)
);

TRACE_EVENT(dmag_alloc_fail,
	TP_PROTO(struct device *dev, int group, u64 count, bool blocking),
	TP_ARGS(dev, group, count, blocking),
	TP_STRUCT__entry(
		__string(device, dev_name(dev))
		__field(int, group)
		__field(u64, count)
		__field(bool, blocking)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->group = group;
		__entry->count = count;
		__entry->blocking = blocking;
	),
	TP_printk("device=%s group=%d pages=%llu %s", __get_str(device),
		  __entry->group, __entry->count,
		  __entry->blocking ? "blocking" : "atomic")
);

#endif /* _TRACE_DMAG_H */

#include <trace/define_trace.h>
