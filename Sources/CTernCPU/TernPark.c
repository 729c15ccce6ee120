#define _GNU_SOURCE
#include "TernPark.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Thread_local void *tern_thread_participant_storage;
_Thread_local const void *tern_thread_home_storage;
_Thread_local uint32_t tern_thread_random_storage = 2463534242u;
_Thread_local uint64_t tern_thread_unshared_nanoseconds_storage;

void tern_park(const void *word, uint32_t expected) {
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
    errno = saved;
}

int tern_unpark(const void *word, int count) {
    int saved = errno;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved;
    return woken < 0 ? 0 : (int)woken;
}

/// The affinity mask of the calling thread, in a set large enough for the machine; NULL if the
/// kernel will not tell. `byte_count` receives the set's size. The caller frees it.
static cpu_set_t *copy_affinity(size_t *byte_count) {
    // The kernel refuses a set smaller than its own: grow until it fits.
    for (int capacity = 1024; capacity <= 1 << 20; capacity *= 2) {
        cpu_set_t *set = CPU_ALLOC(capacity);
        if (set == NULL) return NULL;
        *byte_count = CPU_ALLOC_SIZE(capacity);
        CPU_ZERO_S(*byte_count, set);
        if (sched_getaffinity(0, *byte_count, set) == 0) return set;
        int refusal = errno;
        CPU_FREE(set);
        if (refusal != EINVAL) return NULL;
    }
    return NULL;
}

int tern_affinity_processor_count(void) {
    size_t byte_count = 0;
    cpu_set_t *set = copy_affinity(&byte_count);
    long count = 0;
    if (set != NULL) {
        count = CPU_COUNT_S(byte_count, set);
        CPU_FREE(set);
    } else {
        count = sysconf(_SC_NPROCESSORS_ONLN);
    }
    return count < 1 ? 1 : (int)count;
}

int tern_current_processor(void) { return sched_getcpu(); }

int tern_pin_to_nth_processor(int index) {
    size_t byte_count = 0;
    cpu_set_t *allowed = copy_affinity(&byte_count);
    if (allowed == NULL) return ENOSYS;
    int result = EINVAL;
    for (int processor = 0; processor < (int)(8 * byte_count); processor++) {
        if (!CPU_ISSET_S(processor, byte_count, allowed)) continue;
        if (index-- > 0) continue;
        CPU_ZERO_S(byte_count, allowed);
        CPU_SET_S(processor, byte_count, allowed);
        result = sched_setaffinity(0, byte_count, allowed) == 0 ? 0 : errno;
        break;
    }
    CPU_FREE(allowed);
    return result;
}

int tern_leave_processor(int processor) {
    // On the stack: this happens between two loops. Machines with more processors keep it as it is.
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return errno;
    if (processor < 0 || processor >= CPU_SETSIZE) return EINVAL;
    cpu_set_t others = allowed;
    CPU_CLR(processor, &others);
    if (CPU_COUNT(&others) == 0) return ENOENT;
    // The kernel moves the thread before the call returns.
    if (sched_setaffinity(0, sizeof others, &others) != 0) return errno;
    return sched_setaffinity(0, sizeof allowed, &allowed) == 0 ? 0 : errno;
}

void tern_name_thread(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = 0;
    pthread_setname_np(pthread_self(), kept);
}

__attribute__((swiftcall)) void tern_with_closure_words(
    const void *code, const void *context, tern_after_capture then, void *state) {
    then(code, context, state);
}

__attribute__((swiftcall)) void tern_with_closure_words_of_two(
    const void *first_code, const void *first_context,
    const void *second_code, const void *second_context,
    tern_after_capture_of_two then, void *state) {
    then(first_code, first_context, second_code, second_context, state);
}
