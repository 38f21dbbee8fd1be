/* An image with a user's own changes; see overlay.h. */
#include "ns/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"
#include "ns/persistent.h"

/* -EPERM: this process does not hold it. */
static int override_set(bool permitted, bool effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const uint32_t bit = 1U << CAP_DAC_OVERRIDE;

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].effective = effective ? data[0].effective | bit : data[0].effective & ~bit;
	if (!permitted)
		data[0].permitted &= ~bit;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int overlay_renounce(void)
{
	return override_set(false, false);
}

static int overlay_attach(const char *at, unsigned long flags, const char *options)
{
	int error = override_set(true, true), mounted;

	if (error)
		return log_errno(-error, "mount an overlay: the program that logs in lacks "
					 "CAP_DAC_OVERRIDE");
	mounted = mount("pam_netns", at, "overlay", MS_NOSUID | MS_NODEV | flags, options) < 0
		      ? -errno
		      : 0;
	error = override_set(true, false);
	return error ? log_errno(-error, "give up CAP_DAC_OVERRIDE") : mounted;
}

int overlay_mount(uid_t uid, const char *account, const char *image, int lower, const char *at)
{
	CLEANUP_FD int upper = -1, work = -1;
	int error = persistent_changes(uid, account, image, &upper, &work), fd;
	struct statvfs fs;
	char options[512];

	if (error)
		return error;
	if (fstatvfs(lower, &fs) < 0)
		return log_errno(errno, "look at %s", image);
	/* Descriptors, because paths may be longer than all options. The options are the kernel's
	 * defaults, whatever the distribution's are: none of them trusts what it finds in upper. */
	snprintf(options, sizeof(options),
		 "lowerdir=" HOSTPROC "/self/fd/%d,upperdir=" HOSTPROC "/self/fd/%d,"
		 "workdir=" HOSTPROC "/self/fd/%d,redirect_dir=nofollow,index=off,metacopy=off",
		 lower, upper, work);
	/* An overlay is mounted without the flags of what is below it. */
	error = overlay_attach(at, fs.f_flag & ST_NOEXEC ? MS_NOEXEC : 0, options);
	if (error == -EINVAL) {
		log_error("cannot mount an overlay of %s and %s/%u/image: the file system of %s "
			  "cannot hold one; it must be for example ext4, xfs or btrfs, not NFS and "
			  "no overlay",
			  image, PRIVATE_DIR, uid, LIB_DIR);
		return error;
	}
	if (error)
		return log_errno(-error, "mount an overlay of %s and %s/%u/image", image,
				 PRIVATE_DIR, uid);
	fd = openat(AT_FDCWD, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? log_errno(errno, "open the overlay of %s", image) : fd;
}
