/* Where nft(8) is: the helper runs it, the command too. Never looked for in anybody's PATH. */
#ifndef PAM_NETNS_NFT_PATH_H
#define PAM_NETNS_NFT_PATH_H

/* The first of /usr/sbin/nft, /sbin/nft, /usr/bin/nft that can be run, or NULL. */
const char *nft_path(void);

#endif
