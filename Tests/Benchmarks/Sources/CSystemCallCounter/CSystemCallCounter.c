#include "CSystemCallCounter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>

static atomic_long count;

long benchmark_system_call_count(void) { return atomic_load(&count); }

// Stands in for libc's function in the whole program.
#if defined(__x86_64__)
long syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long a = va_arg(arguments, long), b = va_arg(arguments, long), c = va_arg(arguments, long);
    register long d __asm__("r10") = va_arg(arguments, long);
    register long e __asm__("r8") = va_arg(arguments, long);
    register long f __asm__("r9") = va_arg(arguments, long);
    va_end(arguments);
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d), "r"(e), "r"(f)
                     : "rcx", "r11", "memory");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
#endif
