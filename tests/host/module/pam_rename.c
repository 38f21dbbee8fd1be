/* pam_rename.so open=NAME close=NAME: a module that changes PAM_USER (T5). */
#include <security/pam_modules.h>
#include <string.h>

static int rename_user(pam_handle_t *pamh, const char *key, int argc, const char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], key, strlen(key)) == 0)
			return pam_set_item(pamh, PAM_USER, argv[i] + strlen(key));
	return PAM_SUCCESS;
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return rename_user(pamh, "open=", argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return rename_user(pamh, "close=", argc, argv);
}
