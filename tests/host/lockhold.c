/* lockhold UID FILE: holds a user's lock as a helper does, until it is ended. FILE exists then. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int lock = open("/run/pam-netns/lock", O_RDWR | O_CLOEXEC);
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	if (argc != 3 || lock < 0)
		return 2;
	range.l_start = (off_t)strtoull(argv[1], NULL, 10);
	if (fcntl(lock, F_SETLKW, &range) < 0) {
		perror("lockhold");
		return 1;
	}
	close(open(argv[2], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	pause();
	return 0;
}
