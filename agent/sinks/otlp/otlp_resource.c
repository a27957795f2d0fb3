/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_resource.h"

#include "base/protobuf_put.h"
#include "model/container.h"
#include "otlp_attribute.h"

enum {
	RESOURCE_ATTRIBUTES = 1
};
enum {
	SCOPE_NAME = 1,
	SCOPE_VERSION = 2
};

/* In the order in which one names the service. */
static const struct {
	enum container_name which;
	const char *attribute;
} places[] = {
	{ CONTAINER_POD_CONTAINER, "k8s.container.name" },
	{ CONTAINER_NAME, "container.name" },
	{ CONTAINER_UNIT, "hark.systemd.unit" },
};

/* "nginx" of "nginx.service". */
static struct slice unit_plain(struct slice unit)
{
	const struct slice suffix = SLICE(".service");

	return slice_has_suffix(unit, suffix) ? slice_take(unit, unit.len - suffix.len) : unit;
}

static struct slice service_of(const struct mover *mover)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct slice name = container_name(mover->container, places[i].which);

		/* A session's scope says who logged in, and not what runs there. */
		if (name.len &&
		    (places[i].which != CONTAINER_UNIT || slice_has_suffix(name, SLICE(".service"))))
			return unit_plain(name);
	}
	return mover_program(mover);
}

static void put_places(struct otlp_attributes *to, const struct container *container)
{
	struct slice id = container_name(container, CONTAINER_ID);

	if (id.len && container_is_engines(id))
		otlp_observed(to, "container.id", id);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		otlp_observed(to, places[i].attribute, container_name(container, places[i].which));
	otlp_observed(to, "k8s.namespace.name", container_name(container, CONTAINER_NAMESPACE));
	otlp_observed(to, "k8s.pod.name", container_name(container, CONTAINER_POD));
	otlp_observed(to, "k8s.pod.uid", container_name(container, CONTAINER_POD_UID));
}

void otlp_resource_put(struct buffer *out, const char *host, const struct mover *mover, bool process)
{
	struct otlp_attributes to = { out, RESOURCE_ATTRIBUTES };
	struct slice service = service_of(mover);

	otlp_observed(&to, "host.name", slice_of_string(host));
	if (service.data)
		otlp_observed(&to, "service.name", service);
	else /* as OpenTelemetry wants it */
		otlp_text(&to, "service.name", "unknown_service");
	put_places(&to, mover->container);
	otlp_text(&to, "telemetry.sdk.name", "hark");
	otlp_text(&to, "telemetry.sdk.language", "c");
	otlp_text(&to, "telemetry.sdk.version", HARK_VERSION);
	if (mover->exe[0])
		otlp_observed(&to, "process.executable.name",
			      slice_of(mover->exe, strnlen(mover->exe, sizeof(mover->exe))));
	if (process && mover_pid_shown(mover->pid))
		otlp_number(&to, "process.pid", mover->pid);
}

void otlp_scope_put(struct buffer *out)
{
	protobuf_put_bytes(out, SCOPE_NAME, SLICE("hark"));
	protobuf_put_bytes(out, SCOPE_VERSION, slice_of_string(HARK_VERSION));
}
