// Counts allocations by standing in for malloc and its relatives.
//
// Only for plain executables on glibc: the definitions replace the C library's in the whole process,
// which sanitizers do as well.

#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

// Starts or stops counting; allocations are counted on every thread that isn't exempt.
void tern_allocations_count(int isOn);

// Exempts this thread from counting, or counts it again; calls may be nested.
void tern_allocations_exempt(int isExempt);

// How many allocations were counted that code outside libnng asked for.
long tern_allocations_own(void);

// How many allocations were counted that libnng asked for: they are not on the Swift heap.
long tern_allocations_nng(void);

// Writes where the first counted allocations came from to standard error.
void tern_allocations_report(void);

#endif
