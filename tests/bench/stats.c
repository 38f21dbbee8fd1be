/* Samples, percentiles and the clock; see bench.h. */
#include "bench.h"

#include <stdlib.h>
#include <time.h>

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&time, &time) < 0)
		;
}

void samples_add(struct samples *samples, int64_t ns)
{
	if (samples->count == samples->size) {
		samples->size = samples->size * 2 + 64;
		samples->ns = reallocarray(samples->ns, samples->size, sizeof(*samples->ns));
		if (!samples->ns)
			err(1, "samples");
	}
	samples->ns[samples->count++] = ns;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t samples_percentile(struct samples *samples, double p)
{
	if (!samples->count)
		return 0;
	qsort(samples->ns, samples->count, sizeof(*samples->ns), compare);
	return samples->ns[(size_t)((double)(samples->count - 1) * p / 100 + 0.5)];
}

int64_t samples_median(struct samples *samples)
{
	return samples_percentile(samples, 50);
}

void samples_clear(struct samples *samples)
{
	samples->count = 0;
}
