// Which instruction sets the processor has, and the operating system keeps the registers of.
#ifndef TERNCPU_FEATURES_H
#define TERNCPU_FEATURES_H

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/// The x86-64 level that code may use here: 4 (AVX-512 F, BW, CD, DQ, VL), 3 (AVX2, FMA, BMI2,
/// F16C, ...), or 1 for the baseline; 0 on other processors.
///
/// Level 4 asks for more than the ABI's x86-64-v4: the dot products of VNNI and BF16 as well, which
/// every processor with AVX-512 from Sapphire Rapids and Zen 4 on has. One with AVX-512 but without
/// them is at level 3.
///
/// Asks CPUID and XCR0 each time: call it once and keep the answer.
static inline int tern_x86_level(void) {
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 1;
    const unsigned needed = bit_SSE3 | bit_SSSE3 | bit_FMA | bit_CMPXCHG16B | bit_SSE4_1 |
        bit_SSE4_2 | bit_MOVBE | bit_POPCNT | bit_OSXSAVE | bit_AVX | bit_F16C;
    if ((c & needed) != needed) return 1;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x6) != 0x6) return 1;  // xmm and ymm
    unsigned b7 = 0, c7 = 0;
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return 1;
    const unsigned needed_3 = bit_AVX2 | bit_BMI | bit_BMI2;
    if ((b7 & needed_3) != needed_3) return 1;
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(c & bit_LZCNT)) return 1;
    const unsigned needed_4 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ |
        bit_AVX512VL;
    if ((b7 & needed_4) != needed_4) return 3;
    if ((low & 0xe0) != 0xe0) return 3;  // opmask and zmm
    if (!(c7 & bit_AVX512VNNI)) return 3;
    unsigned a71 = 0;
    if (!__get_cpuid_count(7, 1, &a71, &b, &c, &d) || !(a71 & bit_AVX512BF16)) return 3;
    return 4;
#else
    return 0;
#endif
}

#endif
