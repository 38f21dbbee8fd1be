/* The path of nft(8), for the helper and the command. PATH is never searched. */
#ifndef PAM_NETNS_NFT_PATH_H
#define PAM_NETNS_NFT_PATH_H

/* The first of /usr/sbin/nft, /sbin/nft, /usr/bin/nft that can be executed, or NULL. */
const char *nft_path(void);

#endif
