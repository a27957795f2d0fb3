/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/model/container_state.c over folders as the engines make them. */
#include "alloc_fail.h"

#include "../../../agent/model/container_state.c"

#include "model/event_check.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID   "0f4a5e7c-1b2d-4c3e-9f80-123456789abc"
#define PLAIN "/system.slice/docker-" ID ".scope"
#define POD   "/kubepods/besteffort/pod" UID "/" ID
#define CRI   "run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json"
#define STORE "var/lib/containers/storage/overlay-containers/"
#define PODS                                                                             \
	"\"io.kubernetes.pod.name\":\"web-1\",\"io.kubernetes.pod.namespace\":\"shop\"," \
	"\"io.kubernetes.pod.uid\":\"u\",\"io.kubernetes.container.name\":\"nginx\""

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/hark-state-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path below the root, whose folders are made. */
static void make_path(char *out, size_t size, const char *path)
{
	snprintf(out, size, "%s/%s", root, path);
	for (char *at = strchr(out + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(out, 0700);
		*at = '/';
	}
}

static void put_file(const char *path, const char *text)
{
	char name[512];
	FILE *file;

	make_path(name, sizeof(name), path);
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_link(const char *path, const char *target)
{
	char name[512];

	make_path(name, sizeof(name), path);
	assert_int_equal(symlink(target, name), 0);
}

/* Name, pod, namespace, uid, container, hostname with | between; "-": there are none. */
static const char *names_of(const struct event_names *event)
{
	static char out[EVENT_NAMES_LEN];
	size_t len = event ? event->h.size - sizeof(event->h) : 0;

	if (!event)
		return "-";
	memcpy(out, event->text, len);
	for (size_t i = 0; i + 1 < len; i++)
		if (!out[i])
			out[i] = '|';
	return out;
}

static void expect(const char *path, const char *expected)
{
	struct container_state *state = container_state_new(root);

	assert_string_equal(names_of(container_state_find(state, 0x7fffffff, path)), expected);
	container_state_free(state);
}

static const struct {
	const char *name, *file, *text, *path, *expected;
} rows[] = {
	{ "docker", "var/lib/docker/containers/" ID "/config.v2.json",
	  "{\"State\":{\"Name\":\"no\"},\"ID\":\"" ID "\",\"Name\":\"/web\",\"Config\":{\"Labels\":{}}}",
	  PLAIN, "web|||||" },
	{ "docker, of a pod", "var/lib/docker/containers/" ID "/config.v2.json",
	  "{\"Config\":{\"Labels\":{" PODS "}},\"Name\":\"/k8s_nginx_web-1_shop_u_0\"}", POD,
	  "k8s_nginx_web-1_shop_u_0|web-1|shop|u|nginx|" },
	{ "docker, of a pod by its name alone", "var/lib/docker/containers/" ID "/config.v2.json",
	  "{\"Name\":\"/k8s_nginx_web-1_shop_u_0\"}", POD, "k8s_nginx_web-1_shop_u_0|web-1|shop|u|nginx|" },
	{ "a name that is like a pod's", "var/lib/docker/containers/" ID "/config.v2.json",
	  "{\"Name\":\"/k8s_nginx_web_1\"}", POD, "k8s_nginx_web_1|||||" },
	{ "docker, labels that say a pod where none is", "var/lib/docker/containers/" ID "/config.v2.json",
	  "{\"Config\":{\"Labels\":{" PODS "}},\"Name\":\"/k8s_nginx_web-1_shop_u_0\"}", PLAIN,
	  "k8s_nginx_web-1_shop_u_0|||||" },
	{ "containerd", CRI,
	  "{\"ociVersion\":\"1.1.0\",\"annotations\":{\"io.kubernetes.cri.container-name\":\"nginx\","
	  "\"io.kubernetes.cri.container-type\":\"container\",\"io.kubernetes.cri.sandbox-name\":\"web-1\","
	  "\"io.kubernetes.cri.sandbox-namespace\":\"shop\",\"io.kubernetes.cri.sandbox-uid\":\"u\"}}",
	  POD, "|web-1|shop|u|nginx|" },
	{ "containerd's sandbox", CRI,
	  "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-1\","
	  "\"io.kubernetes.cri.sandbox-namespace\":\"shop\"}}",
	  POD, "|web-1|shop|||" },
	{ "nerdctl", "run/containerd/io.containerd.runtime.v2.task/default/" ID "/config.json",
	  "{\"annotations\":{\"nerdctl/name\":\"web\"}}", PLAIN, "web|||||" },
	{ "k3s", "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
	  "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-1\"}}", POD, "|web-1||||" },
	{ "CRI-O", "run/containers/storage/overlay-containers/" ID "/userdata/config.json",
	  "{\"annotations\":{" PODS ",\"io.kubernetes.cri-o.Name\":\"k8s_nginx_web-1_shop_u_0\"}}", POD,
	  "k8s_nginx_web-1_shop_u_0|web-1|shop|u|nginx|" },
	{ "CRI-O, on disk", STORE ID "/userdata/config.json", "{\"annotations\":{" PODS "}}", POD,
	  "|web-1|shop|u|nginx|" },
	{ "podman", STORE "containers.json",
	  "[{\"id\":\"" OTHER "\",\"names\":[\"db\"]},{\"id\":\"" ID
	  "\",\"names\":[\"web\",\"alias\"],\"metadata\":\"{\\\"name\\\":\\\"x\\\"}\"}]",
	  PLAIN, "web|||||" },
	{ "podman --rm", STORE "volatile-containers.json", "[{\"id\":\"" ID "\",\"names\":[\"web\"]}]", PLAIN,
	  "web|||||" },
	{ "podman --transient-store", "run/containers/storage/overlay-containers/volatile-containers.json",
	  "[{\"id\":\"" ID "\",\"names\":[\"web\"]}]", PLAIN, "web|||||" },
	{ "podman, another's", STORE "containers.json", "[{\"id\":\"" OTHER "\",\"names\":[\"db\"]}]", PLAIN,
	  "-" },
	{ "an escaped name", STORE "containers.json", "[{\"id\":\"" ID "\",\"names\":[\"\\u0007\\\"\"]}]",
	  PLAIN, "\a\"|||||" },
	{ "half a file", "var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/we", PLAIN, "-" },
	{ "another kind of name", "var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":[\"/web\"]}",
	  PLAIN, "-" },
	{ "a unit", "var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}",
	  "/system.slice/web.service", "-" },
	{ "the root", "var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}", "/", "-" },
};

static void test_formats(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		put_file(rows[i].file, rows[i].text);
		expect(rows[i].path, rows[i].expected);
		teardown(state);
		setup(state);
	}
	expect(PLAIN, "-");
}

/* What is there and says nothing is counted, once a container; what is not there is not. */
static void test_unnamed(void **state)
{
	uint64_t before = counters[COUNTER_CONTAINERS_UNNAMED];
	struct container_state *found = container_state_new(root);
	char *large = malloc(STATE_BYTES_MAX + 2);

	(void)state;
	assert_null(container_state_find(found, 1, PLAIN));
	assert_int_equal(counters[COUNTER_CONTAINERS_UNNAMED], before);
	container_state_free(found);

	memset(large, ' ', STATE_BYTES_MAX + 1);
	large[STATE_BYTES_MAX + 1] = '\0';
	memcpy(large, "{\"Name\":\"/web\"}", 15);
	put_file("var/lib/docker/containers/" ID "/config.v2.json", large);
	found = container_state_new(root);
	assert_null(container_state_find(found, 1, PLAIN));
	assert_null(container_state_find(found, 1, PLAIN));
	assert_int_equal(counters[COUNTER_CONTAINERS_UNNAMED], before + 1);
	container_state_free(found);
	large[STATE_BYTES_MAX] = '\0';
	put_file("var/lib/docker/containers/" ID "/config.v2.json", large);
	expect(PLAIN, "web|||||");
	free(large);
}

/* The engine's folder may be anywhere; below it no link is followed, and what is no file is not opened. */
static void test_links(void **state)
{
	char name[512];

	put_file("elsewhere/" ID "/config.v2.json", "{\"Name\":\"/web\"}");
	make_path(name, sizeof(name), "elsewhere");
	put_link("var/lib/docker/containers", name);
	expect(PLAIN, "web|||||");
	teardown(state);
	setup(state);

	put_file("outside.json", "{\"Name\":\"/web\"}");
	make_path(name, sizeof(name), "outside.json");
	put_link("var/lib/docker/containers/" ID "/config.v2.json", name);
	expect(PLAIN, "-");
	teardown(state);
	setup(state);

	put_file("outside/config.v2.json", "{\"Name\":\"/web\"}");
	put_link("var/lib/docker/containers/" ID, "../../../../outside");
	expect(PLAIN, "-");
	teardown(state);
	setup(state);

	make_path(name, sizeof(name), "var/lib/docker/containers/" ID "/config.v2.json");
	assert_int_equal(mkfifo(name, 0600), 0);
	expect(PLAIN, "-");
}

/* Renamed, or gone: it is called what it was called when it was first seen, as long as it is known. */
static void test_once(void **state)
{
	struct container_state *found = container_state_new(root);
	const struct event_names *names;
	char path[256];

	(void)state;
	put_file("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}");
	names = container_state_find(found, 5, PLAIN);
	assert_non_null(names);
	assert_int_equal(names->h.pid, 5);
	assert_true(event_valid(&names->h, names->h.size));
	put_file("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/other\"}");
	names = container_state_find(found, 6, PLAIN "/init.scope");
	assert_int_equal(names->h.pid, 6);
	assert_string_equal(names_of(names), "web|||||");
	for (unsigned int i = 0; i < STATES_MAX; i++) {
		snprintf(path, sizeof(path), "/docker/%064x", i);
		(void)container_state_find(found, 7, path);
		assert_true(HASH_COUNT(found->known) <= STATES_MAX);
	}
	assert_string_equal(names_of(container_state_find(found, 6, PLAIN)), "other|||||");
	container_state_free(found);
	container_state_free(NULL);
	assert_null(container_state_find(NULL, 6, PLAIN));
}

static const struct {
	const char *mountinfo;
	bool is_mounted;
} mounts[] = {
	{ "", false },
	{ "1 0 0:1 / / rw - overlay overlay rw\n2 1 8:1 /a/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n",
	  true },
	{ "1 0 0:1 / / rw - fuse.x x rw\n2 1 8:1 /a/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n", false },
	{ "1 0 0:1 / / rw - overlay overlay rw\n2 1 0:9 / /etc/hostname rw - fuse x rw\n", false },
	{ "1 0 0:1 / / rw - overlay overlay rw\n2 1 8:1 /a/hostname /b/etc/hostname rw - ext4 x rw\n",
	  false },
};

static void test_hostname(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		assert_int_equal(hostname_is_mounted(mounts[i].mountinfo), mounts[i].is_mounted);
}

static void test_no_memory(void **state)
{
	bool failed = true;

	(void)state;
	put_file("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}");
	for (long n = 1; failed; n++) {
		struct container_state *found;
		const struct event_names *names;

		alloc_fail_countdown = n;
		found = container_state_new(root);
		names = found ? container_state_find(found, 1, PLAIN) : NULL;
		failed = alloc_fail_countdown == 0;
		alloc_fail_countdown = 0;
		assert_string_equal(names_of(names), failed && !names ? "-" : "web|||||");
		assert_true(n < 20);
		container_state_free(found);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_formats), T(test_unnamed),  T(test_links),
		T(test_once),	 T(test_hostname), T(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
