/*
 * Logging for all programs.
 *
 * The lowest function that knows the object logs once ("cannot mount /run/x: No space left on
 * device") and returns -errno. Its callers translate and do not log again. Each program chooses
 * where lines go: the module to pam_syslog(3), the helper to syslog(3) and its reply, the command
 * to standard error. The sink belongs to a thread, because the module runs inside other programs.
 */
#ifndef PAM_NETNS_LOG_H
#define PAM_NETNS_LOG_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

/* level is one of syslog(3)'s LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG; text has no newline. */
typedef void log_sink(void *context, int level, const char *text);

/* Per thread: log_info() holds its lines back, log_account() does not. */
void log_set_quiet(bool quiet);

/* sink NULL: standard error. context must live until the next call. */
void log_set_sink(log_sink *sink, void *context);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Like log_info(), but never held back: these lines tell which user had an address. */
void log_account(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Logs "cannot DO: strerror(error)" and returns -error: `return log_errno(errno, "open %s", p);`. A
 * macro, so that the compiler sees that it is never 0. An error without a number becomes EIO.
 */
#define log_errno(error, ...)                                                                      \
	__extension__({                                                                            \
		int log_errno_ = (error);                                                          \
		if (log_errno_ <= 0)                                                               \
			log_errno_ = EIO;                                                          \
		log_errno_line(log_errno_, __VA_ARGS__);                                           \
		-log_errno_;                                                                       \
	})
void log_errno_line(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
