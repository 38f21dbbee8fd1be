/* Logging for all programs; see log.h. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/characters.h"

#define LOG_LINE_MAX 1024

static _Thread_local log_sink *sink;
static _Thread_local void *sink_context;
static _Thread_local bool quiet;

void log_set_sink(log_sink *new_sink, void *context)
{
	sink = new_sink;
	sink_context = context;
}

/* Names come from users and remote hosts, and the log is shown on terminals, which must
 * not act on them (T43). */
static void emit(int level, char *text)
{
	text_replace_controls(text);
	if (sink)
		sink(sink_context, level, text);
	else if (level <= LOG_INFO)
		fprintf(stderr, "%s\n", text);
}

void log_set_quiet(bool is_quiet)
{
	quiet = is_quiet;
}

static void emit_format(int level, const char *format, va_list args)
{
	char line[LOG_LINE_MAX];

	vsnprintf(line, sizeof(line), format, args);
	emit(level, line);
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		emit_format(level, format, args);                                                  \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, LOG_ERR)
LOG_FUNCTION(log_warning, LOG_WARNING)
LOG_FUNCTION(log_account, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)

void log_info(const char *format, ...)
{
	va_list args;

	if (quiet)
		return;
	va_start(args, format);
	emit_format(LOG_INFO, format, args);
	va_end(args);
}

void log_errno_line(int error, const char *format, ...)
{
	char what[LOG_LINE_MAX / 2];
	char line[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "cannot %s: %s", what, strerror(error));
	emit(LOG_ERR, line);
}
