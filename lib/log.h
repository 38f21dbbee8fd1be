/*
 * One way of logging for all programs.
 *
 * The lowest function that knows the object logs once ("cannot mount /run/x: No space left on
 * device") and returns -errno; its callers translate, they do not log again. Where lines go is the
 * program's choice: the module gives pam_syslog(3), the helper syslog(3) and its reply, the command
 * standard error. The sink is per thread because the module lives in other people's processes.
 */
#ifndef PAM_NETNS_LOG_H
#define PAM_NETNS_LOG_H

#include <stdarg.h>

/* level is one of syslog(3)'s LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG; text has no newline. */
typedef void log_sink(void *context, int level, const char *text);

/* sink NULL: standard error. context is borrowed until the next call. */
void log_set_sink(log_sink *sink, void *context);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Logs "cannot DO: strerror(error)" and returns -error: `return log_errno(errno, "open %s", p);` */
int log_errno(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
