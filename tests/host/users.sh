# shellcheck shell=bash
# Users of a throw-away host, written directly into the files: useradd takes 50 ms each, and refuses
# some uids of the tests. All have the same password and key.
# shellcheck disable=SC2034 # for scripts that source this file
PASSWORD=lemon-tree-7
# shellcheck disable=SC2016 # `openssl passwd -6 -salt throwaway` of it
PASSWORD_HASH='$6$throwaway$7IQI1VnoUiG2Y7BKZC7A3ajfjFH6drvdVw7fJpZmg8w2K7DDoFbtK/TN4ZDDTNorId5PFuoVqGV2dFlaXr5nE1'

# user_add NAME UID [GID]: without GID it makes a group with the user's name.
user_add() {
	local name=$1 uid=$2 gid=${3-}
	if [[ -z $gid ]]; then
		gid=$uid
		echo "$name:x:$gid:" >>/etc/group
	fi
	echo "$name:x:$uid:$gid:$name of the test host:/home/$name:/bin/bash" >>/etc/passwd
	echo "$name:$PASSWORD_HASH:19000:0:99999:7:::" >>/etc/shadow
	cp -r /etc/skel "/home/$name"
	install -D -m 0600 /root/.ssh/id_ed25519.pub "/home/$name/.ssh/authorized_keys"
	chmod 0700 "/home/$name" "/home/$name/.ssh"
	chown -R "$uid:$gid" "/home/$name"
}

# users_add PREFIX FIRST_UID COUNT: many users at once, PREFIX1 and on, in group lab, with empty homes.
users_add() {
	local i name
	for ((i = 1; i <= $3; i++)); do
		name=$1$i
		echo "$name:x:$(($2 + i - 1)):2100:$name:/home/$name:/bin/bash" >&3
		echo "$name:$PASSWORD_HASH:19000:0:99999:7:::" >&4
		mkdir -m 0700 "/home/$name"
	done 3>>/etc/passwd 4>>/etc/shadow
	for ((i = 1; i <= $3; i++)); do
		chown "$(($2 + i - 1)):2100" "/home/$1$i"
	done
}
