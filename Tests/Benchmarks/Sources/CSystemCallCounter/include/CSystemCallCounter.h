// Counts the calls of libc's `syscall`, through which the pool parks and wakes threads.
#ifndef C_SYSTEM_CALL_COUNTER_H
#define C_SYSTEM_CALL_COUNTER_H

/// How many calls were made so far, on all threads.
long benchmark_system_call_count(void);

#endif
