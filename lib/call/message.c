/* Packets between callers and the helper; see message.h. */
#include "call/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/characters.h"
#include "call/packet.h"

#define ID_MAX	      (UINT32_MAX - 1) /* of uids and gids; -1 means "none" to the kernel */
#define REQUEST_FLAGS (REQUEST_FORCE | REQUEST_DEBUG | REQUEST_DROP | REQUEST_SESSION)

/* The text fields of a request behind the conf file's path, in their order in the packet. */
#define FIELD(key, field)                                                                          \
	{                                                                                          \
		key, offsetof(struct request, field), sizeof(((struct request *)0)->field)         \
	}
static const struct {
	char key[8]; /* no pointer: state/record.h */
	size_t offset, size;
} request_texts[] = {
    FIELD("user", who.user),   FIELD("account", who.account),
    FIELD("group", who.group), FIELD("service", service),
    FIELD("tty", tty),	       FIELD("rhost", rhost),
    FIELD("network", network),
};
#define REQUEST_TEXTS (sizeof(request_texts) / sizeof(request_texts[0]))
_Static_assert(WHO_GROUPS_SIZE + WHO_GROUPS_MAX * sizeof("member=") + PATH_MAX +
		       sizeof(struct request) + 2 * REQUEST_PATH_MAX <
		   MESSAGE_MAX - 256,
	       "the longest request fits, with its keys and numbers");

static const char *const outcome_names[] = {
    [OUTCOME_DONE] = "done",
    [OUTCOME_ISOLATED] = "isolated",
    [OUTCOME_HOST] = "host",
    [OUTCOME_REFUSED] = "refused",
};

int request_set_conf(struct request *request, const char *path)
{
	if (strlen(path) >= PATH_MAX || text_has_control(path))
		return -EINVAL;
	free((char *)request->conf);
	request->conf = strdup(path);
	return request->conf ? 0 : -ENOMEM;
}

void request_free(struct request *request)
{
	who_free(&request->who);
	free(request->home);
	request->home = NULL;
	free(request->shell);
	request->shell = NULL;
	free((char *)request->conf);
	request->conf = NULL;
}

void reply_close(struct reply *reply)
{
	for (size_t i = 0; i < reply->handed_count; i++) {
		cleanup_fd(&reply->handed[i].fd);
		reply->handed[i].fd = -1;
	}
}

static bool path_fits(const char *path)
{
	return !path || (!text_has_control(path) && strlen(path) < REQUEST_PATH_MAX);
}

ssize_t request_encode(const struct request *request, char packet[MESSAGE_MAX])
{
	const struct who *who = &request->who;
	const char *conf = request->conf ?: "";
	struct packet_writer writer;

	if (strlen(conf) >= PATH_MAX || text_has_control(conf))
		return -EINVAL;
	packet_begin(&writer, packet, MESSAGE_MAX, "request");
	packet_put_text(&writer, "conf", conf);
	for (size_t i = 0; i < REQUEST_TEXTS; i++) {
		const char *text = (const char *)request + request_texts[i].offset;

		if (strnlen(text, request_texts[i].size) == request_texts[i].size ||
		    text_has_control(text))
			return -EINVAL;
		packet_put_text(&writer, request_texts[i].key, text);
	}
	if (who->uid > ID_MAX || who->gid > ID_MAX || request->watchers > ID_MAX ||
	    request->flags & ~REQUEST_FLAGS || request->namespaces & ~NAMESPACES_ALL ||
	    who->groups_count > WHO_GROUPS_MAX || !path_fits(request->home) ||
	    !path_fits(request->shell))
		return -EINVAL;
	packet_put_number(&writer, "uid", who->uid);
	packet_put_number(&writer, "gid", who->gid);
	packet_put_number(&writer, "flags", request->flags);
	if (request->watchers)
		packet_put_number(&writer, "watchers", request->watchers);
	if (request->namespaces)
		packet_put_number(&writer, "namespaces", request->namespaces);
	if (request->home)
		packet_put_text(&writer, "home", request->home);
	if (request->shell)
		packet_put_text(&writer, "shell", request->shell);
	for (const char *group = NULL; (group = who_next_group(who, group));) {
		if (text_has_control(group))
			return -EINVAL;
		packet_put_text(&writer, "member", group);
	}
	return packet_end(&writer);
}

static int take_groups(struct packet_reader *reader, struct who *out)
{
	const char *name;

	while ((name = packet_take(reader, "member"))) {
		int error = text_has_control(name) ? -EBADMSG : who_add_group(out, name);

		if (error)
			return error == -E2BIG ? -EBADMSG : error;
	}
	return 0;
}

/*
 * A number that is not sent if it is 0: a login program that was started before an update of this
 * software has the older module.
 */
static bool take_optional(struct packet_reader *reader, const char *key, uint64_t max,
			  uint64_t *out)
{
	struct packet_reader ahead = *reader;

	*out = 0;
	return !packet_take(&ahead, key) || (packet_take_number(reader, key, max, out) && *out);
}

/* Optional, too. */
static int take_path(struct packet_reader *reader, const char *key, char **out)
{
	const char *path = packet_take(reader, key);

	if (!path)
		return 0;
	if (!path_fits(path))
		return -EBADMSG;
	*out = strdup(path);
	return *out ? 0 : -ENOMEM;
}

static int take_request(struct packet_reader *reader, struct request *out)
{
	const char *conf = packet_take(reader, "conf");
	uint64_t uid, gid, flags, watchers, namespaces;
	int error;

	error = conf ? request_set_conf(out, conf) : -EBADMSG;
	if (error)
		return error == -EINVAL ? -EBADMSG : error;
	for (size_t i = 0; i < REQUEST_TEXTS; i++) {
		const char *value = packet_take(reader, request_texts[i].key);
		char *field = (char *)out + request_texts[i].offset;

		if (!value || !text_set(field, request_texts[i].size, value))
			return -EBADMSG;
	}
	if (!packet_take_number(reader, "uid", ID_MAX, &uid) ||
	    !packet_take_number(reader, "gid", ID_MAX, &gid) ||
	    !packet_take_number(reader, "flags", UINT32_MAX, &flags) || flags & ~REQUEST_FLAGS ||
	    !take_optional(reader, "watchers", ID_MAX, &watchers) ||
	    !take_optional(reader, "namespaces", NAMESPACES_ALL, &namespaces))
		return -EBADMSG;
	out->who.uid = (uid_t)uid;
	out->who.gid = (gid_t)gid;
	out->flags = (unsigned)flags;
	out->watchers = (gid_t)watchers;
	out->namespaces = (unsigned)namespaces;
	error = take_path(reader, "home", &out->home);
	error = error ?: take_path(reader, "shell", &out->shell);
	error = error ?: take_groups(reader, &out->who);
	if (error)
		return error;
	return packet_close(reader) ? 0 : -EBADMSG;
}

int request_decode(const char *packet, size_t size, struct request *out)
{
	struct packet_reader reader;
	int error;

	*out = (struct request){0};
	if (!packet_open(&reader, packet, size, "request"))
		return -EBADMSG;
	error = take_request(&reader, out);
	if (error)
		request_free(out);
	return error;
}

/* Text for people is made fit and not refused: a strange byte must not lose a reply. */
static void put_line(struct packet_writer *writer, const char *key, const char *text, size_t size)
{
	char line[sizeof(((struct log_line *)0)->text)];
	snprintf(line, size, "%.*s", (int)size - 1, text);
	text_replace_controls(line);
	packet_put_text(writer, key, line);
}

ssize_t log_encode(int level, const char *text, char packet[MESSAGE_ANSWER_MAX])
{
	struct packet_writer writer;

	if (level < LOG_EMERG || level > LOG_DEBUG)
		return -EINVAL;
	packet_begin(&writer, packet, MESSAGE_ANSWER_MAX, "log");
	packet_put_number(&writer, "level", (unsigned)level);
	put_line(&writer, "text", text, sizeof(((struct log_line *)0)->text));
	return packet_end(&writer);
}

static bool take_line(struct packet_reader *reader, const char *key, char *field, size_t size)
{
	const char *value = packet_take(reader, key);

	return value && text_set(field, size, value);
}

static int take_log(struct packet_reader *reader, struct log_line *out)
{
	uint64_t level;

	if (!packet_take_number(reader, "level", LOG_DEBUG, &level) ||
	    !take_line(reader, "text", out->text, sizeof(out->text)))
		return -EBADMSG;
	out->level = (int)level;
	return 0;
}

/* Are the attached descriptors those that the outcome promises? */
static bool reply_consistent(enum outcome outcome, size_t handed_count)
{
	switch (outcome) {
	case OUTCOME_DONE:
	case OUTCOME_REFUSED:
		return handed_count == 0;
	case OUTCOME_ISOLATED:
		return handed_count > 0;
	case OUTCOME_HOST:
		return true;
	}
	return false;
}

_Static_assert(sizeof(((struct reply *)0)->cause) + sizeof(((struct reply *)0)->line) <
		   MESSAGE_ANSWER_MAX - 1024,
	       "the longest reply fits, with its keys and numbers");

ssize_t reply_encode(const struct reply *reply, char packet[MESSAGE_ANSWER_MAX])
{
	struct packet_writer writer;

	if (reply->handed_count > NAMESPACE_KINDS ||
	    !reply_consistent(reply->outcome, reply->handed_count))
		return -EINVAL;
	packet_begin(&writer, packet, MESSAGE_ANSWER_MAX, "reply");
	packet_put_text(&writer, "outcome", outcome_names[reply->outcome]);
	put_line(&writer, "cause", reply->cause, sizeof(reply->cause));
	put_line(&writer, "line", reply->line, sizeof(reply->line));
	if (reply->image)
		packet_put_number(&writer, "image", 1);
	for (size_t i = 0; i < reply->handed_count; i++) {
		const struct handed *handed = &reply->handed[i];

		if (handed->kind >= NAMESPACE_KINDS || (i && handed->kind <= handed[-1].kind))
			return -EINVAL;
		packet_put_text(&writer, "type", namespace_kinds[handed->kind].name);
		packet_put_number(&writer, "device", handed->device);
		packet_put_number(&writer, "inode", handed->inode);
	}
	return packet_end(&writer);
}

static bool take_handed(struct packet_reader *reader, struct reply *out)
{
	enum namespace_kind next = 0; /* each kind once, in the order of the table */
	const char *name;

	while ((name = packet_take(reader, "type"))) {
		enum namespace_kind kind = namespace_find(name);
		struct handed *handed;

		if (kind < next || kind == NAMESPACE_KINDS)
			return false;
		next = kind + 1;
		handed = &out->handed[out->handed_count++];
		*handed = (struct handed){.kind = kind, .fd = -1};
		if (!packet_take_number(reader, "device", UINT64_MAX, &handed->device) ||
		    !packet_take_number(reader, "inode", UINT64_MAX, &handed->inode))
			return false;
	}
	return true;
}

static int take_reply(struct packet_reader *reader, struct reply *out)
{
	const char *name = packet_take(reader, "outcome");
	size_t outcome = 0;
	uint64_t image;

	if (!name)
		return -EBADMSG;
	while (outcome <= OUTCOME_REFUSED && strcmp(outcome_names[outcome], name) != 0)
		outcome++;
	if (outcome > OUTCOME_REFUSED ||
	    !take_line(reader, "cause", out->cause, sizeof(out->cause)) ||
	    !take_line(reader, "line", out->line, sizeof(out->line)) ||
	    !take_optional(reader, "image", 1, &image) || !take_handed(reader, out))
		return -EBADMSG;
	out->image = image;
	out->outcome = (enum outcome)outcome;
	return reply_consistent(out->outcome, out->handed_count) ? 0 : -EBADMSG;
}

static int take_moved(struct packet_reader *reader, pid_t *out)
{
	uint64_t pid;

	if (!packet_take_number(reader, "pid", INT_MAX, &pid) || pid == 0)
		return -EBADMSG;
	*out = (pid_t)pid;
	return 0;
}

static int take_message(const char *packet, size_t size, struct message *out)
{
	struct packet_reader reader;
	int error;

	if (packet_open(&reader, packet, size, "log")) {
		out->kind = MESSAGE_LOG;
		error = take_log(&reader, &out->log);
	} else if (packet_open(&reader, packet, size, "reply")) {
		out->kind = MESSAGE_REPLY;
		error = take_reply(&reader, &out->reply);
	} else if (packet_open(&reader, packet, size, "moved")) {
		out->kind = MESSAGE_MOVED;
		error = take_moved(&reader, &out->moved);
	} else {
		error = -EBADMSG;
	}
	if (!error && !packet_close(&reader))
		error = -EBADMSG;
	return error;
}

int message_decode(const char *packet, size_t size, const int *fds, size_t fds_count,
		   struct message *out)
{
	int error;

	memset(out, 0, sizeof(*out));
	error = take_message(packet, size, out);
	if (!error && fds_count != (out->kind == MESSAGE_REPLY ? out->reply.handed_count : 0))
		error = -EBADMSG;
	if (error) {
		memset(out, 0, sizeof(*out));
		return error;
	}
	for (size_t i = 0; i < fds_count; i++)
		out->reply.handed[i].fd = fds[i];
	return 0;
}
