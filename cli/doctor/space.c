/* pam-netns doctor: is there room for the records and leases of further users? */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "doctor.h"
#include "base/paths.h"

#define LOW_PERCENT 5

/* The first of these that exists is on the file system that will have the others. */
static const char *const places[][2] = {{RUN_DIR, "/run"}, {LIB_DIR, "/var/lib"}};

static void room_check(struct doctor *doctor, const char *path, const char *what, uint64_t left,
		       uint64_t all)
{
	const char *look = strcmp(what, "inodes") == 0 ? "df -i" : "df -h";

	if (!all || left * 100 >= all * LOW_PERCENT)
		return; /* 0: this file system has no such limit */
	if (left)
		doctor_warning(
		    doctor,
		    "%llu %% of the %s at %s are free; without any, logins are refused -> "
		    "%s %s # and remove files, or enlarge the file system",
		    (unsigned long long)(left * 100 / all), what, path, look, path);
	else
		doctor_problem(doctor,
			       "no %s at %s are free, so logins are refused -> %s %s # and remove "
			       "files, or enlarge the file system",
			       what, path, look, path);
}

void doctor_space(struct doctor *doctor)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct statvfs system;
		bool ours = statvfs(places[i][0], &system) == 0;
		const char *path = places[i][ours ? 0 : 1];

		if (!ours && statvfs(path, &system) < 0)
			continue;
		room_check(doctor, path, "blocks", system.f_bfree, system.f_blocks);
		room_check(doctor, path, "inodes", system.f_ffree, system.f_files);
	}
}
