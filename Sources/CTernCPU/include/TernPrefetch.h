// A hint that a cache line will be read soon.
#ifndef TERN_PREFETCH_H
#define TERN_PREFETCH_H

// Fetches the line into the second level of the cache; any address may be given, none faults.
static inline __attribute__((always_inline)) void tern_prefetch_l2(const float *p) {
    __builtin_prefetch(p, 0, 2);
}

#endif
