/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup names as engines and systemd give them. */
#include "model/container.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD   "1f0c9a3e-7a0e-4a51-9d1c-3c3b4e2f6a77"
#define POD_  "1f0c9a3e_7a0e_4a51_9d1c_3c3b4e2f6a77"

static const struct {
	const char *path, *expected;
} rows[] = {
	/* Docker */
	{ "/docker/" ID, ID },
	{ "/system.slice/docker-" ID ".scope", ID },
	{ "/docker/" ID "/init.scope", ID },
	{ "/docker/" ID "/system.slice/nginx.service", ID },
	{ "/docker/" OTHER "/docker/" ID, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID },
	{ "/system.slice/docker.service", "docker.service" },
	/* containerd */
	{ "/default/" ID, ID },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" POD_ ".slice:cri-containerd:" ID, ID },
	{ "/k8s.io/" ID, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-" ID ".scope", ID },
	/* Kubernetes, both drivers */
	{ "/kubepods/besteffort/pod" POD "/" ID, ID },
	{ "/kubepods/burstable/pod" POD "/" ID, ID },
	{ "/kubepods/pod" POD "/" ID, ID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_ ".slice/cri-containerd-" ID
	  ".scope",
	  ID },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/docker-" ID
	  ".scope",
	  ID },
	{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope", ID },
	{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope/container", ID },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_ ".slice/cri-containerd-" ID
	  ".scope",
	  ID },
	{ "/docker/" OTHER "/kubelet/kubepods/besteffort/pod" POD "/" ID, ID }, /* kind */
	{ "/kubepods.slice/kubepods-pod" POD_ ".slice", NULL },
	{ "/system.slice/kubelet.service", "kubelet.service" },
	/* CRI-O and Podman */
	{ "/machine.slice/libpod-" ID ".scope", ID },
	{ "/machine.slice/libpod-" ID ".scope/container", ID },
	{ "/libpod_parent/libpod-" ID, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container", ID },
	{ "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope" },
	{ "/kubepods.slice/crio-conmon-" ID ".scope", "crio-conmon-" ID ".scope" },
	{ "/system.slice/web.service/libpod-payload-" ID, ID },
	/* others that use whole ids */
	{ "/ecs/task-1/" ID, ID },
	{ "/actions_job/" ID, ID },
	/* machines */
	{ "/machine.slice/machine-web.scope", "machine-web.scope" },
	{ "/machine.slice/machine-web.scope/system.slice/nginx.service", "machine-web.scope" },
	{ "/machine.slice/systemd-nspawn@web.service/payload/system.slice/sshd.service",
	  "systemd-nspawn@web.service" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
	  "machine-qemu\\x2d1\\x2dvm.scope" },
	/* systemd units */
	{ "/system.slice/nginx.service", "nginx.service" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "x.service" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope" },
	{ "/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql@15-main.service" },
	{ "/system.slice/nginx.service/workers", "nginx.service" },
	{ "/init.scope", "init.scope" },
	{ "/../../system.slice/cron.service", "cron.service" },
	{ "/system.slice/cron.service (deleted)", "cron.service" },
	{ "/docker/" ID " (deleted)", ID },
	/* nothing */
	{ "/", NULL },
	{ "", NULL },
	{ "/user.slice", NULL },
	{ "/my/own/group", NULL },
	{ "/.service", NULL },
	{ "/docker/0123456789ab", NULL },
	{ "/docker/" ID "0", NULL },
	{ "/docker/x" ID, NULL },
	{ "/docker/0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", NULL },
	{ "/system.slice/var-lib-docker-containers-" ID "-mounts-shm.mount", NULL },
};

static void check(const char *what, struct slice got, const char *expected)
{
	struct slice wanted = slice_of_string(expected);

	if (!expected != !got.data || !slice_equal(got, wanted))
		fail_msg("%s: got %.*s, not %s", what, got.data ? (int)got.len : 4,
			 got.data ? (const char *)got.data : "none", expected ? expected : "none");
}

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(rows[i].path, container_of_cgroup(slice_of_string(rows[i].path)), rows[i].expected);
}

#define UID	"0f4a5e7c-1b2d-4c3e-9f80-123456789abc"
#define UID_	"0f4a5e7c_1b2d_4c3e_9f80_123456789abc"
#define PODS	"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
#define STATIC_ "00112233445566778899aabbccddeeff"

static const struct {
	const char *path, *unit, *uid;
} places[] = {
	{ "/system.slice/nginx.service", "nginx.service", NULL },
	{ "/system.slice/docker-" ID ".scope", NULL, NULL },
	{ "/system.slice/web.service/libpod-payload-" ID, "web.service", NULL },
	{ "/system.slice/docker-" ID ".scope/system.slice/cron.service", "cron.service", NULL },
	{ "/machine.slice/machine-box.scope/payload/system.slice/a.service", "a.service", NULL },
	{ "/machine.slice/machine-box.scope", NULL, NULL },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope (deleted)", "a.scope", NULL },
	{ PODS UID_ ".slice/cri-containerd-" ID ".scope", NULL, UID },
	{ "/kubepods/besteffort/pod" UID "/" ID, NULL, UID },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_ ".slice/crio-" ID ".scope/a",
	  NULL, UID },
	{ PODS STATIC_ ".slice/cri-containerd-" ID ".scope", NULL, STATIC_ },
	{ "/kubepods/podx" UID "/" ID, NULL, NULL },
	{ "/kubepods/pod" UID "0/" ID, NULL, NULL },
	{ "/other/pod" UID "/" ID, NULL, NULL },
	{ "/kubepods/podg" STATIC_ "/" ID, NULL, NULL },
	{ "/kubepods/pod", NULL, NULL },
	{ "", NULL, NULL },
};

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char uid[CONTAINER_UID_DIGITS];
		struct slice path = slice_of_string(places[i].path);
		struct container container = container_of_path(path, uid);

		check(places[i].path, container_name(&container, CONTAINER_UNIT), places[i].unit);
		check(places[i].path, container_name(&container, CONTAINER_POD_UID), places[i].uid);
		check(places[i].path, container_name(&container, CONTAINER_NAME), NULL);
		if (container.names[CONTAINER_ID].data)
			assert_true(slice_equal(container.names[CONTAINER_ID], container_of_cgroup(path)));
	}
}

/* An event of another version may have fewer texts, or more; what the path told stays. */
static void test_names(void **state)
{
	static const char text[] = "web\0web-1\0\0uid\0nginx\0\0more\0";
	struct event_names event = { .h = { .type = EVENT_NAMES } };
	struct container container = { .names[CONTAINER_POD_UID] = SLICE("own") };

	(void)state;
	memcpy(event.text, text, sizeof(text));
	event.h.size = sizeof(event.h) + 4;
	container_add_names(&container, &event);
	check("a short one", container_name(&container, CONTAINER_NAME), "web");
	check("a short one", container_name(&container, CONTAINER_POD), NULL);
	event.h.size = (__u32)(sizeof(event.h) + sizeof(text));
	container_add_names(&container, &event);
	check("a long one", container_name(&container, CONTAINER_POD), "web-1");
	check("a long one", container_name(&container, CONTAINER_NAMESPACE), NULL);
	check("a long one", container_name(&container, CONTAINER_POD_UID), "own");
	check("a long one", container_name(&container, CONTAINER_POD_CONTAINER), "nginx");
	check("nothing is known", container_name(NULL, CONTAINER_NAME), NULL);
}

static const struct {
	const char *name, *text, *expected;
} texts[] = {
	{ "version 2", "0::/system.slice/nginx.service\n", "/system.slice/nginx.service" },
	{ "without a line end", "0::/system.slice/nginx.service", "/system.slice/nginx.service" },
	{ "version 1", "12:cpuset:/docker/" ID "\n11:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n",
	  "/docker/" ID },
	{ "both, version 2 at its root",
	  "9:name=systemd:/system.slice/a.service\n4:memory:/docker/" ID "\n0::/\n", "/docker/" ID },
	{ "both, each with a unit", "1:name=systemd:/user.slice/b.scope\n0::/system.slice/a.service\n",
	  "/system.slice/a.service" },
	{ "a container in version 1, a unit in version 2",
	  "4:pids:/docker/" ID "\n0::/system.slice/a.service\n", "/docker/" ID },
	{ "a unit in version 1 only", "2:cpu:/\n1:name=systemd:/system.slice/a.service\n0::/\n",
	  "/system.slice/a.service" },
	{ "nothing but roots", "2:cpu:/\n0::/\n", "/" },
	{ "colons in the path", "0::/kubepods.slice:cri-containerd:" ID "\n",
	  "/kubepods.slice:cri-containerd:" ID },
	{ "no line", "", NULL },
	{ "no path", "0:\n", NULL },
};

static void test_choice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check(texts[i].name, container_cgroup_choose(slice_of_string(texts[i].text)),
		      texts[i].expected);
}

static void test_process(void **state)
{
	struct event_cgroup event;

	(void)state;
	assert_int_equal(container_cgroup_of_process((uint32_t)getpid(), &event), 0);
	assert_int_equal(event.path[0], '/');
	assert_int_equal(event.h.pid, getpid());
	assert_int_equal(event.h.size, sizeof(event));
	assert_int_equal(container_cgroup_of_process(0x7fffffff, &event), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),  cmocka_unit_test(test_places),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_choice), cmocka_unit_test(test_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
