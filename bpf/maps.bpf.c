// SPDX-License-Identifier: GPL-2.0
/* Defines what maps.h declares. */
#define HARK_DEFINE_MAPS
#include "maps.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct kernel_settings settings;
const volatile __u64 ports[PORT_WORDS];
bool tls_listens;
bool go_listens;
bool ciphertext_listens;
struct tls_layout tls_layouts[TLS_LAYOUTS];
__u32 records_lost;
bool reader_sleeps;
__u32 tls_threads;
__u32 pid_level;

/* Here alone: bpftool before 7.2 does not link two files that both name a function of the kernel. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

__hidden int processor_hold(void)
{
	if (settings.hold_processor)
		bpf_preempt_disable();
	return 0;
}

__hidden int processor_release(void)
{
	if (settings.hold_processor)
		bpf_preempt_enable();
	return 0;
}
