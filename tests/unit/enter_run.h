/* Runs pam-netns-enter on the fake kernel of enter_world.h; the test includes the program before. */
#ifndef PAM_NETNS_ENTER_RUN_H
#define PAM_NETNS_ENTER_RUN_H

static void world_make(void)
{
	free(world.executed);
	memset(&world, 0, sizeof(world));
	world.real_uid = USER_ID;
	memcpy(world.uids, (uid_t[]){USER_ID, 0, 0}, sizeof(world.uids));
	memcpy(world.gids, (gid_t[]){GROUP_ID, GROUP_ID, 0}, sizeof(world.gids));
	world.capable = true;
	strcpy(world.cwd, "/work");
	for (int i = 0; i < 3; i++)
		world.standard[i] = true;
	for (int i = 0; i < PINS; i++) {
		world.pinned[i] = i != TIME && i != CGROUP && i != PID;
		world.in[i] = HOST_NS;
	}
	world.children = HOST_NS;
}

/* The arguments end with NULL. Without arguments, argv is empty. */
#define enter(...) enter_with((const char *[]){__VA_ARGS__})

static void run(int argc, const char **argv)
{
	if (setjmp(world.end) == 0)
		enter_main(argc, (char **)argv);
}

/* The command runs as the caller, without privilege, with descriptors 0 to 2 open. */
static void enter_with(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	run(argc, argv);
	if (!world.executed)
		return;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world.uids[i], USER_ID);
		assert_int_equal(world.gids[i], GROUP_ID);
		assert_true(world.standard[i]);
	}
	assert_false(world.capable);
}

/* Its other descriptors are close-on-exec; see 60_enter. */
static void assert_ran_inside(const char *command)
{
	assert_non_null(world.executed);
	assert_string_equal(world.executed, command);
	for (int i = 0; i < PINS; i++)
		if (world.pinned[i])
			assert_int_equal(i == PID && world.waits ? world.children : world.in[i],
					 INODE(i));
}

static void assert_refused(const char *message)
{
	char line[256];

	assert_null(world.executed);
	assert_int_equal(world.status, EXIT_REFUSED);
	snprintf(line, sizeof(line), "pam-netns-enter: %s\n", message);
	assert_string_equal(world.message, *message ? line : "");
}

#define NO_NETWORK "you have no network of your own at present; log in first"
#define DAMAGED	   "a pinned namespace is damaged; log in again"
#define NOT_OWNED  "a pinned namespace is not owned by the host"
#define NOT_ALONE  "other users than root can change the folder of the pinned namespaces"
#define NOT_JOINED "the kernel did not join the requested namespaces"
#define NOT_READ   "cannot read which namespaces this process is in"
#define WENT_AWAY  "your network was removed; log in again"
#define NO_WAITER  "cannot run " WAIT_PATH "; is pam_netns installed whole?"

#endif
