/* For tests of the conf file: parses text and keeps what is logged about it. */
#ifndef PAM_NETNS_CONF_PARSE_H
#define PAM_NETNS_CONF_PARSE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "base/log.h"

#define LOG_SIZE (64 * 1024)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char logged[LOG_SIZE];

static inline void sink(void *context, int level, const char *text)
{
	size_t used = strlen(logged);

	(void)context;
	assert_int_equal(level, LOG_ERR);
	assert_null(strchr(text, '\n'));
	snprintf(logged + used, sizeof(logged) - used, "%s\n", text);
}

static inline int parse_size(const char *text, size_t size, struct conf **conf)
{
	int error;

	logged[0] = '\0';
	log_set_sink(sink, NULL);
	*conf = (struct conf *)text; /* must be overwritten */
	error = conf_parse(text, size, "t", conf);
	log_set_sink(NULL, NULL);
	return error;
}

static inline struct conf *parse_good(const char *text)
{
	struct conf *conf;
	int error = parse_size(text, strlen(text), &conf);

	assert_string_equal(logged, "");
	assert_int_equal(error, 0);
	assert_non_null(conf);
	return conf;
}

/* Exactly these lines are logged, and no conf comes out. */
static inline void assert_refused(const char *text, const char *messages)
{
	struct conf *conf;
	int error = parse_size(text, strlen(text), &conf);

	assert_string_equal(logged, messages);
	assert_int_equal(error, -EINVAL);
	assert_null(conf);
}

#define SMALL "[network default]\n[profile all]\nmatch = *\n"

#endif
