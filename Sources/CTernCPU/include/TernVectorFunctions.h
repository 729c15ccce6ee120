// What the vector functions, row kernels and transpositions need beyond TernVectors.h.
#ifndef TERNCPU_VECTOR_FUNCTIONS_H
#define TERNCPU_VECTOR_FUNCTIONS_H

#include "TernVectors.h"

/* tern_<vector>_down<n>: lane i gets lane i + n, around the end. */
#define TERN_DEFINE_ROW_VECTORS(N)                                                                 \
    TERN_INLINE float tern_f32x##N##_first(tern_f32x##N a) { return a[0]; }

TERN_DEFINE_ROW_VECTORS(4)

TERN_INLINE tern_f32x4 tern_f32x4_down2(tern_f32x4 a) {
    return __builtin_shufflevector(a, a, 2, 3, 0, 1);
}

TERN_INLINE tern_f32x4 tern_f32x4_down1(tern_f32x4 a) {
    return __builtin_shufflevector(a, a, 1, 2, 3, 0);
}

TERN_INLINE tern_i32x4 tern_i32x4_first(intptr_t count) {
    const tern_i32x4 lane = {0, 1, 2, 3};
    return lane < (int32_t)count;
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

TERN_DEFINE_ROW_VECTORS(8)

TERN_INLINE tern_f32x8 tern_f32x8_down4(tern_f32x8 a) {
    return __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
}

TERN_INLINE tern_f32x8 tern_f32x8_down2(tern_f32x8 a) {
    return __builtin_shufflevector(a, a, 2, 3, 4, 5, 6, 7, 0, 1);
}

TERN_INLINE tern_f32x8 tern_f32x8_down1(tern_f32x8 a) {
    return __builtin_shufflevector(a, a, 1, 2, 3, 4, 5, 6, 7, 0);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

TERN_DEFINE_ROW_VECTORS(16)

TERN_INLINE tern_f32x16 tern_f32x16_down8(tern_f32x16 a) {
    return __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

TERN_INLINE tern_f32x16 tern_f32x16_down4(tern_f32x16 a) {
    return __builtin_shufflevector(a, a, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
}

TERN_INLINE tern_f32x16 tern_f32x16_down2(tern_f32x16 a) {
    return __builtin_shufflevector(a, a, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1);
}

TERN_INLINE tern_f32x16 tern_f32x16_down1(tern_f32x16 a) {
    return __builtin_shufflevector(a, a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0);
}

TERN_INLINE tern_i32x16 tern_i32x16_first(intptr_t count) {
    const tern_i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lane < (int32_t)count;
}

/* a * 2^n with one rounding, for whole n. */
TERN_INLINE tern_f32x16 tern_f32x16_scale(tern_f32x16 a, tern_f32x16 n) {
    return _mm512_scalef_ps(a, n);
}

#endif

#endif
