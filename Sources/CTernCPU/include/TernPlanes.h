// What convolution needs to read an image in place: loads of some lanes, and lanes that change places.
#ifndef TERNCPU_PLANES_H
#define TERNCPU_PLANES_H

#include "TernVectors.h"

// Lanes from...end-1 of what p points to; the others are 0 and are not touched.
TERN_INLINE tern_f32x4 tern_f32x4_load_lanes(const float *p, intptr_t from, intptr_t end) {
    tern_f32x4 v = 0;
    for (intptr_t i = from; i < end; i++) v[i] = p[i];
    return v;
}

// Lane i gets lane i - 1, lane 0 gets first.
TERN_INLINE tern_f32x4 tern_f32x4_up1(tern_f32x4 a, float first) {
    const tern_f32x4 b = {first, first, first, first};
    return __builtin_shufflevector(b, a, 0, 4, 5, 6);
}

// Lane i gets lane indices[i].
TERN_INLINE tern_f32x4 tern_f32x4_permute(tern_f32x4 a, tern_i32x4 indices) {
    tern_f32x4 v = 0;
    for (int i = 0; i < 4; i++) v[i] = a[indices[i] & 3];
    return v;
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

TERN_INLINE tern_f32x8 tern_f32x8_load_lanes(const float *p, intptr_t from, intptr_t end) {
    const tern_i32x8 mask = tern_i32x8_first(end) & ~tern_i32x8_first(from);
    return _mm256_maskload_ps(p, (__m256i)mask);
}

TERN_INLINE tern_f32x8 tern_f32x8_up1(tern_f32x8 a, float first) {
    const tern_f32x8 b = _mm256_set1_ps(first);
    return __builtin_shufflevector(b, a, 0, 8, 9, 10, 11, 12, 13, 14);
}

TERN_INLINE tern_f32x8 tern_f32x8_permute(tern_f32x8 a, tern_i32x8 indices) {
    return _mm256_permutevar8x32_ps(a, (__m256i)indices);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

TERN_INLINE tern_f32x16 tern_f32x16_load_lanes(const float *p, intptr_t from, intptr_t end) {
    const uint32_t mask = ((1u << end) - 1) & ~((1u << from) - 1);
    return _mm512_maskz_loadu_ps((__mmask16)mask, p);
}

TERN_INLINE tern_f32x16 tern_f32x16_up1(tern_f32x16 a, float first) {
    const __m512i b = _mm512_castps_si512(_mm512_set1_ps(first));
    return _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(a), b, 15));
}

TERN_INLINE tern_f32x16 tern_f32x16_permute(tern_f32x16 a, tern_i32x16 indices) {
    return _mm512_permutexvar_ps((__m512i)indices, a);
}

#endif

#endif
