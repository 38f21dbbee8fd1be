/* The module's arguments; see arguments.h. */
#include "arguments.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"

int arguments_parse(int argc, const char **argv, struct arguments *out)
{
	*out = (struct arguments){.conf = CONF_PATH};
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "conf=/", 6) == 0) {
			out->conf = argv[i] + 5;
		} else if (strcmp(argv[i], "debug") == 0) {
			out->debug = true;
		} else if (strcmp(argv[i], "open") == 0) {
			out->open = true;
		} else if (strcmp(argv[i], "close") == 0) {
			out->close = true;
		} else if (strcmp(argv[i], "host") == 0) {
			out->host = true;
		} else {
			log_error("unknown argument \"%s\" on the PAM line: it takes conf=/PATH, "
				  "debug, open, close, host",
				  argv[i]);
			return -EINVAL;
		}
	}
	if (!out->open && !out->close)
		out->open = out->close = true;
	return 0;
}
