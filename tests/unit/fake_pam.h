/*
 * The functions of Linux-PAM that the module calls. A test program is not linked with libpam, but has
 * these functions; pam records the module's calls.
 */
#ifndef PAM_NETNS_FAKE_PAM_H
#define PAM_NETNS_FAKE_PAM_H

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

struct pam_handle {
	const char *items[16]; /* by PAM_USER, ... */
	struct {
		const char *name; /* NULL: free */
		void *data;
		void (*cleanup)(pam_handle_t *pamh, void *data, int status);
	} data[4];
	int set_data_at; /* the call of pam_set_data() that fails; 0: none */
	int set_data_calls;
	char shown[512]; /* messages to the user */
	char log[8192];	 /* "LEVEL text\n", LEVEL as syslog(3) numbers it */
};
static struct pam_handle pam;

int pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	if (type < 0 || type >= (int)(sizeof(pamh->items) / sizeof(pamh->items[0])))
		return PAM_BAD_ITEM;
	*item = pamh->items[type];
	return PAM_SUCCESS;
}

/* The index of the name in pamh->data, or the first free one; -1: none. */
static inline int pam_data_find(const pam_handle_t *pamh, const char *name)
{
	int space = -1;

	for (int i = 3; i >= 0; i--) {
		if (!pamh->data[i].name)
			space = i;
		else if (strcmp(pamh->data[i].name, name) == 0)
			return i;
	}
	return space;
}

int pam_set_data(pam_handle_t *pamh, const char *name, void *data,
		 void (*cleanup)(pam_handle_t *pamh, void *data, int error_status))
{
	int i = pam_data_find(pamh, name);

	if (i < 0 || ++pamh->set_data_calls == pamh->set_data_at)
		return PAM_BUF_ERR;
	if (pamh->data[i].name && pamh->data[i].cleanup)
		pamh->data[i].cleanup(pamh, pamh->data[i].data, PAM_DATA_REPLACE);
	pamh->data[i].name = name;
	pamh->data[i].data = data;
	pamh->data[i].cleanup = cleanup;
	return PAM_SUCCESS;
}

int pam_get_data(const pam_handle_t *pamh, const char *name, const void **data)
{
	int i = pam_data_find(pamh, name);

	if (i < 0 || !pamh->data[i].name)
		return PAM_NO_MODULE_DATA;
	*data = pamh->data[i].data;
	return PAM_SUCCESS;
}

const char *pam_strerror(pam_handle_t *pamh, int error)
{
	(void)pamh;
	return error == PAM_BUF_ERR ? "Memory buffer error" : "?";
}

int pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format, ...)
{
	va_list args;

	if (style != PAM_ERROR_MSG || response)
		abort();
	va_start(args, format);
	vsnprintf(pamh->shown, sizeof(pamh->shown), format, args);
	va_end(args);
	return PAM_SUCCESS;
}

void pam_syslog(const pam_handle_t *pamh, int level, const char *format, ...)
{
	char *log = ((pam_handle_t *)pamh)->log; /* NOLINT: const in Linux-PAM */
	size_t used = strlen(log);
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(log + used, sizeof(pam.log) - used, "%d %s\n", level, text);
}

/* pam_end(3): removes all data. */
static inline void pam_finish(void)
{
	for (int i = 0; i < 4; i++)
		if (pam.data[i].name && pam.data[i].cleanup)
			pam.data[i].cleanup(&pam, pam.data[i].data, PAM_SUCCESS);
	pam = (struct pam_handle){0};
}

#endif
