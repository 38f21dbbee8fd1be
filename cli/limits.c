/* What a user uses of the limits of the profile; see limits.h. */
#include "limits.h"

#include "conf/limits.h"
#include "host/cgroup.h"
#include "text.h"

/* How much of a limit the user's group uses; false: unknown, or the limit has no amount. */
static bool use_read(const struct user_state *state, enum limit limit, uint64_t *use)
{
	CLEANUP_FD int root = cgroup_open();
	char path[CGROUP_PATH_MAX];

	cgroup_path(cgroup_by_systemd(), state->uplink.uid, path);
	/* In a session with a cgroup namespace, the user's group is the root. */
	return root >= 0 &&
	       (cgroup_use(root, path, limit, use) == 0 ||
		((state->namespaces & NAMESPACE_CGROUP) && cgroup_use(root, ".", limit, use) == 0));
}

static void use_print(enum limit limit, uint64_t use)
{
	char size[TEXT_SIZE_MAX];

	if (limit == LIMIT_MEMORY)
		printf("%s", size_text(use, size));
	else if (limit == LIMIT_CPU)
		printf("%llu.%llu s", (unsigned long long)use / 1000000,
		       (unsigned long long)use / 100000 % 10);
	else
		printf("%llu", (unsigned long long)use);
}

void limits_print(const struct user_state *state)
{
	for (int i = 0; i < LIMITS; i++) {
		const enum limit limit = (enum limit)i;
		uint64_t value = state->limits.values[i], use;
		char text[CONF_LIMIT_MAX];

		if (!value)
			continue;
		conf_limit_format(limit, value, text);
		printf("  %-11s ", conf_limit_name(limit));
		if (limit == LIMIT_IO) {
			printf("weight %s\n", text);
			continue;
		}
		if (use_read(state, limit, &use)) {
			use_print(limit, use);
			fputs(" used, ", stdout);
		}
		printf("limit %s%s\n", text, limit == LIMIT_CPU ? " of one CPU" : "");
	}
}

void limits_json(FILE *out, const struct user_state *state)
{
	const char *between = "";

	if (!conf_limits_any(&state->limits))
		return;
	fputs("\"limits\": {", out);
	for (int i = 0; i < LIMITS; i++) {
		const enum limit limit = (enum limit)i;
		unsigned long long value = state->limits.values[i];
		uint64_t use;

		if (!value)
			continue;
		fprintf(out, "%s\"%s\": {\"limit\": %llu, \"used\": ", between,
			conf_limit_name(limit), value);
		if (use_read(state, limit, &use))
			fprintf(out, "%llu}", (unsigned long long)use);
		else
			fputs("null}", out);
		between = ", ";
	}
	fputs("}, ", out);
}
