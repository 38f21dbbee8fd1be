/* The path of nft(8); see nft_path.h. */
#include "rules/nft_path.h"

#include <stddef.h>
#include <unistd.h>

const char *nft_path(void)
{
#ifdef NFT_PATH
	static const char *const paths[] = {NFT_PATH};
#else
	static const char *const paths[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"};
#endif

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}
