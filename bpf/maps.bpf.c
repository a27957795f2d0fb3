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
__u64 bulk_woken_ns;
bool reader_sleeps;
__u32 tls_threads;
__u32 pid_level;
