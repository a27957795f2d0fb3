// SPDX-License-Identifier: GPL-2.0
/*
 * What a TLS library hands to the BIO of a session whose socket is not known (docs/design.md, D4c). libssl
 * gives each encrypted record to libcrypto's BIO_write(bio, data, size), whatever the BIO; the program sends
 * it by itself, and there its bytes tell the session's socket (transfer.h). Probed only while a session is
 * looked for, for every program that shares the file passes here.
 */
#include "transfer.h"
#include <bpf/bpf_tracing.h>

static __always_inline int ciphertext_run(struct pt_regs *ctx)
{
	const struct tls_call *call = tls_call_around(PT_REGS_SP(ctx));
	struct kernel_session *session = call ? session_of_call(call) : 0;
	__u8 first[RECORD_HEADER + 3 + CIPHERTEXT_BYTES] = {};
	struct ciphertext_key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct ciphertext_owner owner;

	if (!session || session->sock.id || (__s32)PT_REGS_PARM3(ctx) < RECORD_HEADER + CIPHERTEXT_BYTES ||
	    bpf_probe_read_user(first, RECORD_HEADER + CIPHERTEXT_BYTES, (void *)PT_REGS_PARM2(ctx)) < 0 ||
	    tls_record_type(first) != APPLICATION_DATA)
		return 0;
	__builtin_memcpy(key.bytes, first + RECORD_HEADER, CIPHERTEXT_BYTES);
	owner = (struct ciphertext_owner){ .ssl = call->ssl, .generation = call->generation };
	bpf_map_update_elem(&ciphertexts, &key, &owner, BPF_ANY);
	return 0;
}

SEC("uprobe")
int tls_ciphertext(struct pt_regs *ctx)
{
	return UNPREEMPTED(ciphertext_run(ctx));
}
