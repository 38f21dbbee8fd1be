/* Looking at paths in a profile's image. */
#ifndef PAM_NETNS_DOCTOR_ROOT_H
#define PAM_NETNS_DOCTOR_ROOT_H

/* / of this process becomes the directory, until image_end() with the result. -errno: it does not. */
int image_begin(const char *path);
void image_end(int old);

#endif
