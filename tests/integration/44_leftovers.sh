# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Leftovers of a user that a list of first threads does not show (T37): a thread that stays in the network
# while the first one leaves it, and a socket that another user's process holds.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	host_pam_install
	witness outside outside
	program split -pthread <<-'END'
		#define _GNU_SOURCE
		#include <pthread.h>
		#include <sched.h>
		#include <stdio.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		/* Writes the number of a thread that stays. Then the first thread leaves. */
		static void *stay(void *ready)
		{
			printf("%d\n", (int)syscall(SYS_gettid));
			fflush(stdout);
			*(volatile int *)ready = 1;
			sleep(600);
			return 0;
		}
		int main(void)
		{
			volatile int ready = 0;
			pthread_t thread;
			setsid();
			if (unshare(CLONE_NEWUSER) || pthread_create(&thread, 0, stay, (void *)&ready))
				return 1;
			while (!ready)
				usleep(1000);
			if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS))
				return 1;
			pause();
		}
	END
	program pass <<-'END'
		#include <arpa/inet.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <sys/stat.h>
		#include <sys/un.h>
		#include <unistd.h>
		/* pass PATH take COMMAND…: waits for a socket, runs COMMAND with it as descriptor 3.
		 * pass PATH give ADDRESS PORT: connects a UDP socket, and hands it over. */
		int main(int argc, char **argv)
		{
			union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {{0}};
			char byte = 0;
			struct iovec iov = {&byte, 1};
			struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
					   .msg_controllen = sizeof(control)};
			struct cmsghdr *c = CMSG_FIRSTHDR(&m);
			struct sockaddr_un path = {.sun_family = AF_UNIX};
			int s = socket(AF_UNIX, SOCK_STREAM, 0), fd, i;
			if (argc < 4)
				return 2;
			strcpy(path.sun_path, argv[1]);
			if (strcmp(argv[2], "take") == 0) {
				umask(0);
				if (bind(s, (void *)&path, sizeof(path)) || listen(s, 1) ||
				    recvmsg(accept(s, 0, 0), &m, 0) != 1 || !(c = CMSG_FIRSTHDR(&m)))
					return 1;
				memcpy(&fd, CMSG_DATA(c), sizeof(fd));
				dup2(fd, 20);
				for (i = 3; i < 20; i++)
					close(i);
				dup2(20, 3);
				close(20);
				execvp(argv[3], argv + 3);
				return 1;
			}
			struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[4]))};
			struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
			int is6 = inet_pton(AF_INET6, argv[3], &v6.sin6_addr) == 1;
			if (!is6 && inet_pton(AF_INET, argv[3], &v4.sin_addr) != 1)
				return 2;
			fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &fd, sizeof(fd));
			return connect(fd, is6 ? (void *)&v6 : (void *)&v4, is6 ? sizeof(v6) : sizeof(v4)) ||
			       connect(s, (void *)&path, sizeof(path)) || sendmsg(s, &m, 0) != 1;
		}
	END
}

# program NAME [OPTION…] <<END: compiles a C program that every user can run.
program() {
	local name=$1
	shift
	cc -x c "$@" -o "$OUT/$name" -
	chmod 0755 "$OUT/$name"
}

# split_start NAME: starts the program in that session. Sets SPLIT, the process, and STAYED, its thread.
split_start() {
	in_session "$1" "$OUT/split >~/stayed & echo \$! >~/split; until [ -s ~/stayed ]; do sleep 0.05; done"
	SPLIT=$(</home/alice/split) STAYED=$(</home/alice/stayed)
	wait_until 5 split_has_left
}

split_has_left() {
	[[ $(readlink "/proc/$SPLIT/ns/net") != $(readlink "/proc/$SPLIT/task/$STAYED/ns/net") ]]
}

test_t37_thread_that_stays_keeps_the_network() {
	local inside SPLIT STAYED
	hold_session one alice
	inside=$(in_session one 'readlink /proc/self/ns/net')
	split_start one
	end_session one
	wait_until 5 sessions_are alice 0
	# gc follows the reaper, which has found the thread too.
	pam-netns gc
	assert_eq "$inside" "$(readlink "/proc/$SPLIT/task/$STAYED/ns/net")"
	assert_match "^you are $HOST4" "$(nsenter --net="/proc/$SPLIT/task/$STAYED/ns/net" curl -sS -m 5 "http://$OUTSIDE4/")"
	assert_eq "$inside" "$(su alice -c 'readlink /proc/self/ns/net')"
	pam-netns kick alice
	wait_until 5 process_gone "$SPLIT"
	host_clean 5
}

test_t37_linger_no_ends_thread_that_stays() {
	local SPLIT STAYED
	conf_set linger no
	hold_session one alice
	split_start one
	end_session one
	wait_until 10 process_gone "$SPLIT"
	host_clean 5
}

# say MARK: bob sends the mark on the socket that alice handed over.
say() {
	echo "$1" >"$OUT/say"
	wait_until 5 grep -qx "$1" "$OUT/said"
}

# handed_over ADDRESS: a process of bob gets a UDP socket of alice's network.
handed_over() {
	rm -f "$OUT/hand" "$OUT/say" "$OUT/said"
	mkfifo "$OUT/say"
	: >"$OUT/said"
	chmod 0666 "$OUT/say" "$OUT/said"
	cat >"$OUT/speak" <<-END
		while read -r mark; do
			printf 'pam_netns:%s;' "\$mark" >&3
			echo "\$mark" >>$OUT/said
		done <>$OUT/say
	END
	in_session bob "setsid $OUT/pass $OUT/hand take sh $OUT/speak >/dev/null 2>&1 & echo \$! >~/taker"
	wait_until 5 test -S "$OUT/hand"
	in_session one "$OUT/pass $OUT/hand give $1 9999"
}

handed_take_back() {
	kill "$(</home/bob/taker)"
	end_session bob
	host_clean 5
}

# handed_socket_is_cut_off ADDRESS MARK: after alice's last logout no packet of the socket reaches the
# outside, even if alice logs in again. gc removes the port that the socket kept.
handed_socket_is_cut_off() {
	local old mark=$2
	hold_session bob bob
	hold_session one alice
	handed_over "$1"
	old=$(port_of alice)
	say "inside$mark"
	assert_seen outside "inside$mark" 'in eth0'
	end_session one
	wait_until 10 test ! -e /run/pam-netns/users/2001
	log_grep 'last logout: user=alice'
	say "afterwards$mark"
	assert_unseen outside "afterwards$mark"
	assert_match 'state DOWN' "$(ip link show "$old")"
	hold_session one alice
	assert_ne "$old" "$(port_of alice)"
	reaches_outside alice
	say "again$mark"
	assert_unseen outside "again$mark"
	pam-netns gc
	assert_fails ip link show "$old"
	reaches_outside alice
	end_session one
	handed_take_back
}

test_t37_handed_ipv4_socket_is_cut_off_after_logout() {
	handed_socket_is_cut_off "$OUTSIDE4" 4
}

test_t37_handed_ipv6_socket_is_cut_off_after_logout() {
	handed_socket_is_cut_off "$OUTSIDE6" 6
}

# kick ends the processes in the network. A process elsewhere keeps its socket, but is cut off.
test_t37_handed_socket_is_cut_off_by_kick() {
	hold_session bob bob
	hold_session one alice
	handed_over "$OUTSIDE4"
	say before-kick
	assert_seen outside before-kick 'in eth0'
	pam-netns kick alice
	say after-kick
	assert_unseen outside after-kick
	handed_take_back
}

conf_reset
