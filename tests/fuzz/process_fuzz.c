/* proc_pid_stat(5), in which a process chooses its own name. */
#include "fuzz.h"
#include "../../lib/base/process.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct stat_fields fields;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (fields_parse(text, &fields) && !isalpha((unsigned char)fields.state))
		abort();
	free(text);
	return 0;
}
