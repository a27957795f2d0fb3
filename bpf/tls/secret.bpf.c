// SPDX-License-Identifier: GPL-2.0
/*
 * The secrets of TLS sessions (--keylog alone): a library's own function for its key log, which it calls with
 * each of them whether or not anybody asked for a log. C's has the session, a label that ends with NUL, the
 * secret and its length; the client's random stands in the session where a layout says. Go's has them all in
 * registers.
 */
#include "tls.h"
#include <bpf/bpf_tracing.h>

struct secret_place {
	__u64 label, label_len; /* 0: it ends with NUL */
	__u64 random, secret, secret_len;
};

static __always_inline bool secret_read(struct event_secret *e, const struct secret_place *place)
{
	__u32 len = place->secret_len;

	if (!len || place->secret_len >= sizeof(e->secret) || place->label_len >= sizeof(e->label))
		return false;
	if (place->label_len) {
		__u32 label = place->label_len;

		asm volatile("" : "+r"(label));
		if (bpf_probe_read_user(e->label, label & (EVENT_LABEL_LEN - 1), (void *)place->label) < 0)
			return false;
	} else if (bpf_probe_read_user_str(e->label, sizeof(e->label), (void *)place->label) < 0) {
		return false;
	}
	if (bpf_probe_read_user(e->random, sizeof(e->random), (void *)place->random) < 0)
		return false;
	/* Linux 6.1 knows a bound by a mask, and not by what compilers make of two comparisons. */
	asm volatile("" : "+r"(len));
	len &= sizeof(e->secret) - 1;
	if (bpf_probe_read_user(e->secret, len, (void *)place->secret) < 0)
		return false;
	e->secret_len = len;
	return true;
}

static __always_inline int secret_submit(const struct secret_place *place, __u8 library)
{
	struct event_secret *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		kernel_count_lost();
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->h, EVENT_TLS_SECRET, 0);
	e->h.size = sizeof(*e);
	e->source = library;
	if (!secret_read(e, place)) {
		kernel_count(KC_FAULTS, 1);
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return 0;
	}
	kernel_count(KC_EVENTS_SUBMITTED, 1);
	bpf_ringbuf_submit(e, wake_sleeper());
	return 0;
}

/*
 * A label stands in a page of constants that nobody may have touched yet, which only a program that sleeps
 * can read: it makes such pages present beforehand (Linux 6.0).
 */
static __always_inline void touch(__u64 address, __u64 len)
{
	__u8 byte;

	bpf_copy_from_user(&byte, sizeof(byte), (void *)address);
	if (len)
		bpf_copy_from_user(&byte, sizeof(byte), (void *)(address + len - 1));
}

static __always_inline void secret_touch(const struct secret_place *place)
{
	touch(place->label, place->label_len ? place->label_len : sizeof("SERVER_HANDSHAKE_TRAFFIC_SECRET"));
	touch(place->random, sizeof(((struct event_secret *)0)->random));
	touch(place->secret, place->secret_len);
}

static __always_inline int secret_run(struct pt_regs *ctx, __u64 cookie, bool sleeps)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	const struct tls_layout *layout = &tls_layouts[function->layout & (TLS_LAYOUTS - 1)];
	struct secret_place place = {
		.label = PT_REGS_PARM2(ctx),
		.secret = PT_REGS_PARM3(ctx),
		.secret_len = (__u32)PT_REGS_PARM4(ctx), /* GnuTLS has an unsigned int */
	};
	__u64 base = PT_REGS_PARM1(ctx);

	if (!process_wanted(current_number()))
		return 0;
	if (layout->pointer && bpf_probe_read_user(&base, sizeof(base), (void *)(base + layout->pointer)) < 0)
		return 0;
	place.random = base + layout->client_random;
	if (sleeps)
		secret_touch(&place);
	return UNPREEMPTED(secret_submit(&place, function->library));
}

SEC("uprobe")
int tls_secret(struct pt_regs *ctx)
{
	return secret_run(ctx, bpf_get_attach_cookie(ctx), false);
}

SEC("uprobe.s")
int tls_secret_sleeps(struct pt_regs *ctx)
{
	return secret_run(ctx, bpf_get_attach_cookie(ctx), true);
}

static __always_inline int go_secret_run(struct pt_regs *ctx, __u64 cookie, bool sleeps)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	const struct secret_place place = {
		.label = GO_SLICE(ctx),
		.label_len = GO_SLICE_LEN(ctx),
		.random = GO_FOURTH(ctx),
		.secret = GO_SEVENTH(ctx),
		.secret_len = GO_EIGHTH(ctx),
	};

	if (!process_wanted(current_number()) || !place.label_len)
		return 0;
	if (sleeps)
		secret_touch(&place);
	return UNPREEMPTED(secret_submit(&place, function->library));
}

/* func (c *Config) writeKeyLog(label string, clientRandom, secret []byte) error */
SEC("uprobe")
int go_secret(struct pt_regs *ctx)
{
	return go_secret_run(ctx, bpf_get_attach_cookie(ctx), false);
}

SEC("uprobe.s")
int go_secret_sleeps(struct pt_regs *ctx)
{
	return go_secret_run(ctx, bpf_get_attach_cookie(ctx), true);
}
