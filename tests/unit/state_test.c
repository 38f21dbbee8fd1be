/* Records of users are complete or refused. Runs as root. */
#include "state_world.h"

#define UID_LAST 4294967294U

static struct user_state example(uid_t uid)
{
	struct user_state s = {
	    .user = "alice",
	    .account = "alice",
	    .profile = "default",
	    .network = "default",
	    .netns = "alice",
	    .uplink = {.uid = uid,
		       .gid = UID_LAST,
		       .bridge = "pnbr0",
		       .port = "pnurs0",
		       .ifindex = 4242,
		       .mac = {{2, 0x6e, 10, 203, 4, 7}}},
	    .hostname = "lab-alice",
	    .namespaces = NAMESPACE_NET | NAMESPACE_MNT,
	    .linger = LINGER_NO,
	    .since = 1700000000,
	    .runtime_dir = UINT64_MAX,
	    .net_inode = 4026532000,
	    .view = 3,
	};

	assert_int_equal(address_parse("10.203.4.7", &s.uplink.address), 0);
	return s;
}

static void test_record_is_read_back(void **state)
{
	static const uid_t uids[] = {0, 1, 1000, 65536, 2147483648U, UID_LAST};
	struct user_state out;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++) {
		struct user_state s = example(uids[i]);

		assert_int_equal(state_read(scratch, uids[i], &out), -ENOENT);
		assert_int_equal(state_write(scratch, &s), 0);
		assert_int_equal(state_read(scratch, uids[i], &out), 0);
		assert_memory_equal(&s, &out, sizeof(s));
	}
	assert_int_equal(fstatat(scratch, "users/4294967294/state", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(lines_logged, 0);
}

static void test_texts_with_controls_are_cleaned(void **state)
{
	struct user_state s = example(7), out;

	(void)state;
	strcpy(s.user, "a=b\nend\n\x1b[1m\x7f\xc3\xa4 ");
	s.hostname[0] = '\0';
	memset(s.account, 'x', sizeof(s.account) - 1);
	/* no NUL: cut on writing, too long on reading */
	memset(s.uplink.bridge, 'y', sizeof(s.uplink.bridge));
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(state_read(scratch, 7, &out), -EBADMSG);
	s.uplink.bridge[sizeof(s.uplink.bridge) - 1] = '\0';
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(state_read(scratch, 7, &out), 0);
	assert_string_equal(out.user, "a=b?end??[1m?\xc3\xa4 ");
	assert_string_equal(out.account, s.account);
	assert_string_equal(out.hostname, "");
}

static void test_record_torn_at_every_byte_is_refused(void **state)
{
	struct user_state s = example(1000), out, none = {0};
	char text[STATE_FILE_MAX];
	size_t size;

	(void)state;
	assert_int_equal(state_write(scratch, &s), 0);
	size = file_get("users/1000/state", text, sizeof(text));
	for (size_t cut = 0; cut < size; cut++) {
		file_put("users/1000/state", text, cut);
		assert_int_equal(state_read(scratch, 1000, &out), -EBADMSG);
		assert_memory_equal(&out, &none, sizeof(out));
	}
	/* The beginning of one file and the end of another, and zeroes as after a crash. */
	text[size] = '\0';
	for (size_t cut = 1; cut < size - 4; cut++) {
		if (!strncmp(text + cut, "runtime_dir=", 12) ||
		    !strncmp(text + cut, "net_inode=", 10) || !strncmp(text + cut, "view=", 5) ||
		    !strncmp(text + cut, "root=", 5) || !strncmp(text + cut, "limit_", 6))
			continue; /* complete without it; see test_records_of_other_versions_are_read() */
		file_put("users/1000/state", text, cut);
		CLEANUP_FD int fd =
		    openat(scratch, "users/1000/state", O_WRONLY | O_APPEND | O_CLOEXEC);
		assert_int_equal(write(fd, "end\n", 4), 4);
		assert_int_equal(state_read(scratch, 1000, &out), -EBADMSG);
	}
	text[10] = '\0';
	file_put("users/1000/state", text, size);
	assert_int_equal(state_read(scratch, 1000, &out), -EBADMSG);
}

static void edit_check(const char *line, const char *instead)
{
	struct user_state s = example(1000), out;
	char text[STATE_FILE_MAX + 1], edited[STATE_FILE_MAX * 2];
	char *found;

	assert_int_equal(state_write(scratch, &s), 0);
	text[file_get("users/1000/state", text, STATE_FILE_MAX)] = '\0';
	found = strstr(text, line);
	assert_non_null(found);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(found - text), text, instead,
		 found + strlen(line));
	file_put("users/1000/state", edited, strlen(edited));
	assert_int_equal(state_read(scratch, 1000, &out), -EBADMSG);
}

static void test_edited_record_is_refused(void **state)
{
	(void)state;
	edit_check("uid=1000\n", "uid=1001\n");
	edit_check("uid=1000\n", "uid=-1\n");
	edit_check("uid=1000\n", "uid=\n");
	edit_check("uid=1000\n", "uid= 1000\n");
	edit_check("uid=1000\n", "uid=1000x\n");
	edit_check("uid=1000\n", "uid=4294968296\n"); /* 1000 + 2^32 */
	edit_check("uid=1000\n", "");
	edit_check("hostname=lab-alice\n", "");
	edit_check("\nend\n", "\nx=1\n");
	edit_check("uid=1000\n", "uid=1000\nuid=1000\n");
	edit_check("uid=1000\n", "uid=1000\nnonsense\n");
	edit_check("uid=1000\n", "uid=1000\n\n");
	edit_check("since=1700000000\n", "since=99999999999999999999\n");
	edit_check("linger=1\n", "linger=2\n");
	edit_check("namespaces=5\n", "namespaces=4096\n");
	edit_check("mac=02:6e:0a:cb:04:07\n", "mac=2:6e:0a:cb:04:07\n");
	edit_check("mac=02:6e:0a:cb:04:07\n", "mac=\n");
	edit_check("address=10.203.4.7\n", "address=10.203.4.256\n");
	edit_check("address=10.203.4.7\n", "address=\n");
	edit_check("bridge=pnbr0\n", "bridge=0123456789abcdef\n");
}

/* Older and newer versions have written records of active users. */
static void test_records_of_other_versions_are_read(void **state)
{
	struct user_state s = example(1000), out;
	char text[STATE_FILE_MAX], longer[STATE_FILE_MAX + 64];

	(void)state;
	assert_int_equal(state_write(scratch, &s), 0);
	text[file_get("users/1000/state", text, STATE_FILE_MAX - 1)] = '\0';
	snprintf(longer, sizeof(longer), "later=thing\n%s", text);
	file_put("users/1000/state", longer, strlen(longer));
	assert_int_equal(state_read(scratch, 1000, &out), 0);
	assert_memory_equal(&s, &out, sizeof(s));
	strcpy(strstr(text, "runtime_dir="), "end\n");
	file_put("users/1000/state", text, strlen(text));
	assert_int_equal(state_read(scratch, 1000, &out), 0);
	s.runtime_dir = s.net_inode = s.view = 0;
	assert_memory_equal(&s, &out, sizeof(s));
}

static void test_record_that_is_no_file_is_refused(void **state)
{
	struct user_state s = example(5), out;
	char big[STATE_FILE_MAX];

	(void)state;
	assert_int_equal(state_write(scratch, &s), 0);
	memset(big, '\n', sizeof(big));
	file_put("users/5/state", big, sizeof(big));
	assert_int_equal(state_read(scratch, 5, &out), -EBADMSG);
	unlinkat(scratch, "users/5/state", 0);
	assert_int_equal(mkfifoat(scratch, "users/5/state", 0644), 0);
	assert_int_equal(state_read(scratch, 5, &out), -EBADMSG);
	unlinkat(scratch, "users/5/state", 0);
	assert_int_equal(mkdirat(scratch, "users/5/state", 0755), 0);
	assert_int_equal(state_read(scratch, 5, &out), -EBADMSG);
	unlinkat(scratch, "users/5/state", AT_REMOVEDIR);
	/* A link, even to a valid record. */
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(renameat(scratch, "users/5/state", scratch, "elsewhere"), 0);
	assert_int_equal(symlinkat("../../elsewhere", scratch, "users/5/state"), 0);
	assert_int_equal(state_read(scratch, 5, &out), -EBADMSG);
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(state_read(scratch, 5, &out), 0);
}

static void test_planted_folders_are_refused(void **state)
{
	struct user_state s = example(6), out;
	struct session session = {.leader = {.pid = 1, .start = 1}};

	(void)state;
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(symlinkat("6", scratch, "users/8"), 0);
	assert_int_equal(state_read(scratch, 8, &out), -EBADMSG);
	s.uplink.uid = 8;
	assert_int_equal(state_write(scratch, &s),
			 0); /* replaces the link, and does not follow it */
	assert_int_equal(state_read(scratch, 8, &out), 0);
	assert_int_equal(state_read(scratch, 6, &out), 0);
	assert_int_equal(mkdirat(scratch, "users/9", 0755), 0);
	assert_int_equal(fchownat(scratch, "users/9", 9, 9, 0), 0);
	s.uplink.uid = 9;
	assert_int_equal(state_write(scratch, &s), -EPERM);
	assert_int_equal(session_add(scratch, 9, &session), -EPERM);
	assert_int_equal(mkdirat(scratch, "users/10", 0755), 0);
	assert_int_equal(fchmodat(scratch, "users/10", 0777, 0), 0);
	assert_int_equal(session_add(scratch, 10, &session), -EPERM);
	assert_int_equal(symlinkat("/etc", scratch, "users/6/sessions"), 0);
	assert_int_equal(session_remove(scratch, 6, &session.leader), -ELOOP);
	assert_int_equal(session_add(scratch, 6, &session), 0);
	assert_int_equal(session_remove(scratch, 6, &session.leader), 0);
}

static void test_list_has_all_users_until_removal(void **state)
{
	static const char *const strange[] = {"users/007",	  "users/-1",
					      "users/4294967295", "users/x",
					      "users/1x",	  "users/18446744073709551616"};
	struct user_state s;
	size_t count;
	uid_t *uids;

	(void)state;
	assert_int_equal(state_list(scratch, &uids, &count), 0);
	assert_int_equal(count, 0);
	assert_null(uids);
	assert_int_equal(state_remove(scratch, 1), 0);
	for (uid_t uid = 300; uid > 0; uid--) {
		s = example(uid == 300 ? UID_LAST : uid);
		assert_int_equal(state_write(scratch, &s), 0);
	}
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++)
		assert_int_equal(mkdirat(scratch, strange[i], 0755), 0);
	assert_int_equal(mkdirat(scratch, "users/0", 0755), 0); /* incomplete, listed */
	assert_int_equal(state_list(scratch, &uids, &count), 0);
	assert_int_equal(count, 301);
	for (uid_t i = 0; i < 300; i++)
		assert_int_equal(uids[i], i);
	assert_int_equal(uids[300], UID_LAST);
	free(uids);
	assert_int_equal(state_remove(scratch, UID_LAST), 0);
	assert_int_equal(state_remove(scratch, UID_LAST), 0);
	assert_int_equal(state_read(scratch, UID_LAST, &s), -ENOENT);
	assert_int_equal(lines_logged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(test_record_is_read_back),
	    STATE_TEST(test_texts_with_controls_are_cleaned),
	    STATE_TEST(test_record_torn_at_every_byte_is_refused),
	    STATE_TEST(test_edited_record_is_refused),
	    STATE_TEST(test_records_of_other_versions_are_read),
	    STATE_TEST(test_record_that_is_no_file_is_refused),
	    STATE_TEST(test_planted_folders_are_refused),
	    STATE_TEST(test_list_has_all_users_until_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
