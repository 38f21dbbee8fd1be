/* Paths with links: those of root are followed, others are not. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/resolve.h"
#include "scratch.h"

static void path_in(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", scratch_path, name);
}

static void link_make(const char *target, const char *name)
{
	assert_int_equal(symlinkat(target, scratch, name), 0);
}

static int links_seen;

static int link_count(void *context, const char *path, const char *target)
{
	assert_ptr_equal(context, &links_seen);
	assert_non_null(path_below(path, scratch_path));
	assert_true(*target);
	links_seen++;
	return links_seen > 2 ? -ENOMEM : 0;
}

static int resolve(const char *name, char found[PATH_MAX])
{
	struct resolved at;
	char path[PATH_MAX];
	int error;

	path_in(path, name);
	links_seen = 0;
	error = path_resolve(path, 0, link_count, &links_seen, &at);
	if (error)
		return error;
	assert_true(at.fd >= 0);
	close(at.fd);
	snprintf(found, PATH_MAX, "%s", path_below(at.path, scratch_path));
	return 0;
}

static void assert_found(const char *name, const char *expected, int links)
{
	char found[PATH_MAX];

	assert_int_equal(resolve(name, found), 0);
	assert_string_equal(found, expected);
	assert_int_equal(links_seen, links);
}

static void test_links_of_root_are_followed(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(mkdirat(scratch, "a", 0755), 0);
	assert_int_equal(mkdirat(scratch, "a/b", 0755), 0);
	assert_found("a/b", "a/b", 0);
	link_make("a", "relative");
	assert_found("relative/b", "a/b", 1);
	link_make("../relative/./b", "a/up");
	assert_found("a/up", "a/b", 2);
	path_in(path, "a");
	link_make(path, "absolute");
	assert_found("absolute", "a", 1);
	assert_found("absolute/b", "a/b", 1);
	link_make("..", "a/b/parent");
	assert_found("a/b/parent/b", "a/b", 1);
}

static void test_links_of_others_are_refused(void **state)
{
	char found[PATH_MAX];

	(void)state;
	link_make("a", "others");
	assert_int_equal(fchownat(scratch, "others", 1000, 1000, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(resolve("others", found), -EPERM);
	assert_int_equal(resolve("others/b", found), -EPERM);
	link_make("others/b", "over");
	assert_int_equal(resolve("over", found), -EPERM);
}

static void test_other_paths_are_refused(void **state)
{
	char found[PATH_MAX];

	(void)state;
	assert_int_equal(resolve("absent", found), -ENOENT);
	link_make("absent", "dangling");
	assert_int_equal(resolve("dangling", found), -ENOENT);
	link_make("loop", "loop");
	assert_int_equal(resolve("loop", found), -ENOMEM); /* of the third link that it was told */
	/* Behind "relative", which is a link, ".." is another folder than the text says. */
	link_make("relative/../a", "middle");
	assert_int_equal(resolve("middle", found), -ELOOP);
	assert_int_equal(path_resolve("/dev/null/x", 0, NULL, NULL, &(struct resolved){0}),
			 -ENOTDIR);
}

static void test_loops_end(void **state)
{
	struct resolved at;
	char path[PATH_MAX];

	(void)state;
	path_in(path, "loop");
	assert_int_equal(path_resolve(path, 0, NULL, NULL, &at), -ELOOP);
	assert_int_equal(at.fd, -1);
}

/* The host replaces a link by a folder, or the reverse, while the path is resolved. */
static void test_replaced_links_are_no_error(void **state)
{
	char found[PATH_MAX];
	int failed = 0;
	pid_t child;

	(void)state;
	assert_int_equal(mkdirat(scratch, "now", 0755), 0);
	link_make(".", "then");
	child = fork();
	/* The pauses differ, so that the two processes cannot fall into step for 40 rounds. */
	for (int i = 0; child == 0 && getppid() != 1; i++) {
		(void)renameat2(scratch, "now", scratch, "then", RENAME_EXCHANGE);
		for (int pause = i % 7; pause > 0; pause--)
			(void)getppid();
	}
	assert_true(child > 0);
	for (int i = 0; i < 20000 && !failed; i++)
		failed = resolve("now", found);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(failed, 0);
}

static void test_below_is_by_whole_names(void **state)
{
	(void)state;
	assert_string_equal(path_below("/a/b/c", "/a"), "b/c");
	assert_string_equal(path_below("/a", "/a"), "");
	assert_string_equal(path_below("/a", "/"), "a");
	assert_null(path_below("/ab", "/a"));
	assert_null(path_below("/a", "/a/b"));
	assert_null(path_below("", "/a"));
}

static void test_errors_have_texts(void **state)
{
	(void)state;
	assert_string_equal(path_resolve_error(-ENOENT), "does not exist");
	assert_string_equal(path_resolve_error(-ENOTDIR), "does not exist");
	assert_non_null(strstr(path_resolve_error(-EPERM), "not root's"));
	assert_non_null(strstr(path_resolve_error(-ELOOP), "too many"));
	assert_string_equal(path_resolve_error(-EACCES), "Permission denied");
	assert_non_null(strstr(path_resolve_remedy(-ENOTDIR), "?"));
	assert_non_null(strstr(path_resolve_remedy(-EPERM), "without such links"));
	assert_non_null(strstr(path_resolve_remedy(-EACCES), "root"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_links_of_root_are_followed),
	    cmocka_unit_test(test_links_of_others_are_refused),
	    cmocka_unit_test(test_other_paths_are_refused),
	    cmocka_unit_test(test_loops_end),
	    cmocka_unit_test(test_replaced_links_are_no_error),
	    cmocka_unit_test(test_below_is_by_whole_names),
	    cmocka_unit_test(test_errors_have_texts),
	};

	return cmocka_run_group_tests_name("resolve", tests, scratch_setup, scratch_teardown);
}
