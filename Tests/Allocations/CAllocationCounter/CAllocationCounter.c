#define _GNU_SOURCE
#include "CAllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t byteCount);
extern void *__libc_calloc(size_t count, size_t byteCount);
extern void *__libc_realloc(void *block, size_t byteCount);
extern void *__libc_memalign(size_t alignment, size_t byteCount);

static atomic_int isCounting;
static atomic_long ownCount;
static atomic_long nngCount;
static atomic_uintptr_t nngStart;
static atomic_uintptr_t nngEnd;
static __thread int exemptions;

// The stacks of the first allocations of our own, to say where they come from.
enum { stackLimit = 8, depthLimit = 24 };
static void *stacks[stackLimit][depthLimit];
static int depths[stackLimit];

static int find_nng(struct dl_phdr_info *info, size_t byteCount, void *context) {
  (void)byteCount;
  (void)context;
  if (!strstr(info->dlpi_name, "libnng")) return 0;
  for (int index = 0; index < info->dlpi_phnum; index++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[index];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
    atomic_store(&nngStart, info->dlpi_addr + header->p_vaddr);
    atomic_store(&nngEnd, info->dlpi_addr + header->p_vaddr + header->p_memsz);
  }
  return 1;
}

static void count(void *caller) {
  if (!atomic_load_explicit(&isCounting, memory_order_relaxed) || exemptions > 0) return;
  if ((uintptr_t)caller >= atomic_load(&nngStart) && (uintptr_t)caller < atomic_load(&nngEnd)) {
    atomic_fetch_add_explicit(&nngCount, 1, memory_order_relaxed);
    return;
  }
  long before = atomic_fetch_add_explicit(&ownCount, 1, memory_order_relaxed);
  if (before >= stackLimit) return;
  exemptions++;
  depths[before] = backtrace(stacks[before], depthLimit);
  exemptions--;
}

void *malloc(size_t byteCount) {
  count(__builtin_return_address(0));
  return __libc_malloc(byteCount);
}

void *calloc(size_t itemCount, size_t byteCount) {
  count(__builtin_return_address(0));
  return __libc_calloc(itemCount, byteCount);
}

void *realloc(void *block, size_t byteCount) {
  count(__builtin_return_address(0));
  return __libc_realloc(block, byteCount);
}

void *memalign(size_t alignment, size_t byteCount) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, byteCount);
}

void *aligned_alloc(size_t alignment, size_t byteCount) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, byteCount);
}

int posix_memalign(void **block, size_t alignment, size_t byteCount) {
  count(__builtin_return_address(0));
  void *result = __libc_memalign(alignment, byteCount);
  if (!result) return ENOMEM;
  *block = result;
  return 0;
}

void tern_allocations_count(int isOn) {
  if (isOn) {
    // The first use of `backtrace` loads a library, which allocates.
    void *warmUp[2];
    backtrace(warmUp, 2);
    dl_iterate_phdr(find_nng, NULL);
    atomic_store(&ownCount, 0);
    atomic_store(&nngCount, 0);
  }
  atomic_store(&isCounting, isOn);
}

void tern_allocations_exempt(int isExempt) { exemptions += isExempt ? 1 : -1; }

long tern_allocations_own(void) { return atomic_load(&ownCount); }

long tern_allocations_nng(void) { return atomic_load(&nngCount); }

void tern_allocations_report(void) {
  long total = atomic_load(&ownCount);
  for (long index = 0; index < total && index < stackLimit; index++) {
    fprintf(stderr, "allocation %ld:\n", index + 1);
    backtrace_symbols_fd(stacks[index], depths[index], STDERR_FILENO);
  }
}
