// What a thread pool needs and Swift has no word for: the spin hint, parking on a word, clocks,
// which processors the process may use, a thread-local pointer, and a non-escaping closure as the
// two words it is.
#ifndef TERNCPU_PARK_H
#define TERNCPU_PARK_H

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

// ---- Spinning and clocks ----------------------------------------------------------------------

/// Tells the processor that this is a spin loop; about 25 ns on Zen 4.
static inline void tern_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/// Nanoseconds on the monotonic clock; reads the vDSO, no system call on usual machines.
static inline uint64_t tern_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// The processor's own tick counter: the cheapest clock there is, of a rate that must be measured.
static inline uint64_t tern_ticks(void) {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return tern_monotonic_nanoseconds();
#endif
}

// ---- Parking ----------------------------------------------------------------------------------

/// Sleeps while the word at `word` holds `expected`.
///
/// Returns when woken, at once when the word differs, and sometimes for no reason: the caller
/// looks at the word again. `word` must be 4-byte aligned.
void tern_park(const void *word, uint32_t expected);

/// Wakes at most `count` threads that sleep on `word`; returns how many it woke.
///
/// Only the address is used: the memory may already serve another purpose.
int tern_unpark(const void *word, int count);

// ---- Processors -------------------------------------------------------------------------------

/// How many processors the affinity mask of the calling thread holds; at least 1.
int tern_affinity_processor_count(void);

/// The processor that the calling thread runs on at this moment, or -1; no system call on usual
/// machines.
int tern_current_processor(void);

/// Pins the calling thread to the `index`-th processor of its affinity mask; 0 when it worked,
/// otherwise the error number.
int tern_pin_to_nth_processor(int index);

/// Moves the calling thread from `processor` to another that its affinity mask allows, by taking this
/// one out of the mask for a moment; 0 when it worked, otherwise the error number. ENOENT: there is
/// no other.
int tern_leave_processor(int processor);

/// Names the calling thread, cut to the 15 bytes that Linux keeps.
void tern_name_thread(const char *name);

// ---- The thread's own pointers ----------------------------------------------------------------

extern _Thread_local void *tern_thread_participant_storage;

/// The participant last set on this thread, or NULL.
static inline void *tern_thread_participant(void) { return tern_thread_participant_storage; }

/// Sets this thread's participant.
static inline void tern_set_thread_participant(void *participant) {
    tern_thread_participant_storage = participant;
}

extern _Thread_local const void *tern_thread_home_storage;

/// What this thread was started for, or NULL; unlike the participant it never changes.
static inline const void *tern_thread_home(void) { return tern_thread_home_storage; }

/// Says what this thread was started for.
static inline void tern_set_thread_home(const void *home) { tern_thread_home_storage = home; }

extern _Thread_local uint32_t tern_thread_random_storage;

/// The thread's next random number; good enough to do something "every 16th time".
static inline uint32_t tern_thread_random(void) {
    // Marsaglia's xorshift; 0 would stay 0.
    uint32_t x = tern_thread_random_storage;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    tern_thread_random_storage = x;
    return x;
}

extern _Thread_local uint64_t tern_thread_unshared_nanoseconds_storage;

/// Adds to the time that this thread worked alone because all helpers slept, and returns the sum.
static inline uint64_t tern_add_unshared_nanoseconds(uint64_t nanoseconds) {
    return tern_thread_unshared_nanoseconds_storage += nanoseconds;
}

/// Starts that sum again.
static inline void tern_reset_unshared_nanoseconds(void) {
    tern_thread_unshared_nanoseconds_storage = 0;
}

// ---- A non-escaping closure as two words ------------------------------------------------------
//
// Swift hands a non-escaping closure to a function as two words, its code and its context, and
// keeps the context alive until that function returns. The functions below receive the closure in
// Swift's calling convention, so that the words can be handed to other threads without a copy of
// the closure on the heap. They call `then` before they return: whatever `then` does with the
// words happens while the closure is alive, no matter how the optimiser arranges the caller.
// Swift declares them with `@_silgen_name` (ClosureWords.swift).

/// What happens while a closure's words are valid.
typedef void (*tern_after_capture)(const void *code, const void *context, void *state);

/// What happens while the words of two closures are valid.
typedef void (*tern_after_capture_of_two)(
    const void *first_code, const void *first_context,
    const void *second_code, const void *second_context, void *state);

// Clang's `swiftcall` is the convention of Swift functions: arguments as in C, and a closure's
// context in the register that `swift_context` stands for.

typedef __attribute__((swiftcall)) void (*tern_range_closure_code)(
    intptr_t lower, intptr_t upper, __attribute__((swift_context)) const void *context);
typedef __attribute__((swiftcall)) void (*tern_closure_code)(
    __attribute__((swift_context)) const void *context);

/// Calls the `(Range<Int>) -> Void` whose words are given with `lower..<upper`.
static inline void tern_call_range_closure(
    const void *code, const void *context, intptr_t lower, intptr_t upper) {
    ((tern_range_closure_code)code)(lower, upper, context);
}

/// Calls the `() -> Void` whose words are given.
static inline void tern_call_closure(const void *code, const void *context) {
    ((tern_closure_code)code)(context);
}

#endif
