/* proc_pid_stat(5), where a process chooses its own name. */
#include "fuzz.h"
#include "base/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct process process;
	char state;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (process_parse(text, &process, &state) == 0 &&
	    (process.pid < 1 ||
	     !((state >= 'A' && state <= 'Z') || (state >= 'a' && state <= 'z'))))
		abort();
	free(text);
	return 0;
}
