/* A file of /etc/pam.d, which may include itself. */
#include "../../cli/doctor/pam_stack.c"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_PAM_STACK struct pam_stack stack = {0};

	file_put("svc", data, size);
	pam_folders[0] = folder_path;
	pam_folders[1] = pam_folders[2] = "/nonexistent";
	if (pam_stack_read("svc", "session", &stack) < 0)
		return 0;
	for (size_t i = 0; i < stack.count && i < 8; i++) {
		(void)pam_line_module(&stack.lines[i]);
		(void)pam_line_required(&stack.lines[i]);
		for (size_t target = i + 1; target < stack.count && target < 16; target++)
			(void)pam_line_skips(&stack, i, target);
	}
	return 0;
}
