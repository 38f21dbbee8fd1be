/*
 * Arguments, separated by NUL: of the module's PAM line, and of the helper, which accepts only one verb,
 * and only if its standard input is a socket.
 */
#include "../../pam_module/arguments.c"
#include "fuzz.h"

#define main helper_main
#include "../../helper/pam-netns-helper/main.c"
#undef main

#define ARGUMENTS_MAX 32

static void log_ignore(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

static void try_module(int count, char **words)
{
	struct arguments arguments;

	if (arguments_parse(count, (const char **)words, &arguments) == 0 &&
	    (!arguments.conf || (arguments.conf[0] != '/')))
		abort();
}

/* Standard input is /dev/null, so the helper refuses all words before it acts. */
static void try_helper(int count, char **words)
{
	char *argv[ARGUMENTS_MAX + 1];

	memcpy(argv, words, (size_t)count * sizeof(*argv));
	argv[count] = NULL;
	if (helper_main(count, argv) != 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool prepared;
	char *words[ARGUMENTS_MAX], *text = malloc(size + 1);
	int count = 0;

	if (!prepared) {
		int null = open("/dev/null", O_RDWR);

		/* libFuzzer reports on descriptor 2, which the helper's usage would fill. */
		if (null < 0 || dup2(null, STDIN_FILENO) < 0)
			abort();
		log_set_sink(log_ignore, NULL); /* root wrote the line */
		prepared = true;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size && count < ARGUMENTS_MAX; i += strlen(text + i) + 1)
		words[count++] = text + i;
	try_module(count, words);
	try_helper(count, words);
	free(text);
	return 0;
}
