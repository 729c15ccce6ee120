// Reorderings of two vectors that Swift's SIMD types have no cheap word for.
//
// Names as in TernVectors.h. Everything is inlined into its caller.
#ifndef TERNCPU_SHUFFLES_H
#define TERNCPU_SHUFFLES_H

#include "TernVectors.h"

// E and O list the even and odd lanes of a and b together; L and H interleave their halves.
#define TERN_DEFINE_SHUFFLES(N, E, O, L, H)                                                        \
    TERN_INLINE tern_f32x##N tern_f32x##N##_even(tern_f32x##N a, tern_f32x##N b) {                 \
        return __builtin_shufflevector(a, b, TERN_LANES E);                                        \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_odd(tern_f32x##N a, tern_f32x##N b) {                  \
        return __builtin_shufflevector(a, b, TERN_LANES O);                                        \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_zip_low(tern_f32x##N a, tern_f32x##N b) {              \
        return __builtin_shufflevector(a, b, TERN_LANES L);                                        \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_zip_high(tern_f32x##N a, tern_f32x##N b) {             \
        return __builtin_shufflevector(a, b, TERN_LANES H);                                        \
    }

#define TERN_LANES(...) __VA_ARGS__

TERN_DEFINE_SHUFFLES(4, (0, 2, 4, 6), (1, 3, 5, 7), (0, 4, 1, 5), (2, 6, 3, 7))

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
TERN_DEFINE_SHUFFLES(
    8,
    (0, 2, 4, 6, 8, 10, 12, 14),
    (1, 3, 5, 7, 9, 11, 13, 15),
    (0, 8, 1, 9, 2, 10, 3, 11),
    (4, 12, 5, 13, 6, 14, 7, 15))
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
TERN_DEFINE_SHUFFLES(
    16,
    (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
    (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31),
    (0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
    (8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
#endif

#endif
