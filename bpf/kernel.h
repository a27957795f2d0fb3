/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the kernel's own structs that hark reads, and nothing else.
 * preserve_access_index makes libbpf move each access to where the running
 * kernel has the field, so no vmlinux.h is committed.
 */
#ifndef HARK_BPF_KERNEL_H
#define HARK_BPF_KERNEL_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

/* bpf_tracing.h then uses the kernel's own names of registers. */
#define __VMLINUX_H__

#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define SOCK_STREAM   1
#define SOCK_DGRAM    2
#define IPPROTO_TCP   6
#define IPPROTO_UDP   17
#define IPPROTO_MPTCP 262
#define SOL_TLS	      282
#define MSG_OOB	      0x1
#define MSG_PEEK      0x2
#define MSG_TRUNC     0x20
#define MSG_ERRQUEUE  0x2000
#define RCV_SHUTDOWN  1
#define SOCK_DONE     1 /* a bit of skc_flags */
#define PF_KTHREAD    0x00200000
#define PF_IO_WORKER  0x00000010
#define S_IFMT	      00170000
#define S_IFSOCK      0140000
#define ECONNRESET    104
#define EPIPE	      32

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING
};

#if defined(__TARGET_ARCH_x86)
#include "arch/x86.h"
#else
#error "no bpf/arch/ header for this processor"
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

/* The functions of a protocol, of which only the addresses are compared. */
struct proto {
	void *sendmsg;
	void *recvmsg;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct proto *skc_prot;
	unsigned long skc_flags;
	struct {
		__s64 counter;
	} skc_cookie;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
};

struct dentry;

struct file {
	struct inode *f_inode;
	void *private_data;
	struct path {
		struct dentry *dentry;
	} f_path;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct sk_buff_head {
	__u32 qlen;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	struct socket *sk_socket;
	struct proto
		*sk_prot_creator; /* as the socket was made; __sk_common.skc_prot may be another by now */
	struct sk_buff_head sk_receive_queue;
	void *sk_bpf_storage;
};

struct list_head {
	struct list_head *next;
};

struct tcp_ulp_ops {
	char name[16];
};

struct inet_connection_sock {
	const struct tcp_ulp_ops *icsk_ulp_ops;
};

struct tcp_sock {
	__u32 copied_seq;
	__u32 write_seq;
	__u32 rcv_nxt;
	__u32 snd_una;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u64 tcp_clock_cache; /* CLOCK_MONOTONIC when it sent or received last, in ns */
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct xol_area {
	unsigned long vaddr;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
};

struct uprobes_state {
	struct xol_area *xol_area;
};

struct mm_struct {
	unsigned long start_stack;
	struct file *exe_file;
	struct uprobes_state uprobes_state;
};

struct signal_struct {
	struct {
		int counter;
	} live;
};

struct cred {
	struct {
		__u32 val;
	} uid;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

/* A return that a return probe of whoever armed, newest first. */
struct return_instance {
	unsigned long stack; /* where the return address stood */
	struct return_instance *next;
};

struct uprobe_task {
	struct return_instance *return_instances;
};

struct kernfs_node {
	const char *name;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	int exit_code;
	__u64 start_time;
	__u64 self_exec_id;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct files_struct *files;
	struct signal_struct *signal;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	const struct cred *cred;
	struct css_set *cgroups;
	struct uprobe_task *utask;
	struct thread_struct thread;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
};

#pragma clang attribute pop

/* Structures that user space hands to system calls; an ABI, so offsets are fixed. */
struct user_iovec {
	__u64 base;
	__u64 len;
};

struct user_msghdr {
	__u64 name;
	__u64 name_len;
	__u64 iov;
	__u64 iov_count;
	__u64 control;
	__u64 control_len;
	__u64 flags;
};

struct user_cmsghdr {
	__u64 len;
	__s32 level;
	__s32 type;
	__u8 data[8];
};

#define USER_CMSGHDR_BYTES 16 /* without data */

struct user_mmsghdr {
	struct user_msghdr header;
	__u32 len;
	__u32 pad;
};

#endif
