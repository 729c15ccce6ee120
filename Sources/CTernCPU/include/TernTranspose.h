// Transposing small blocks of floats in registers.
#ifndef TERN_TRANSPOSE_H
#define TERN_TRANSPOSE_H

#include "TernVectors.h"

// Each function reads 4 floats of each of N rows of `p`, which are `stride` apart, and writes them as
// 4 rows of N floats, `target_stride` apart: target[i][n] = p[n][i] * scale. Four registers take the
// rows 0, 4, 8, …; 1, 5, 9, …; and so on, four floats of each: what is left happens within groups of
// four lanes.

TERN_INLINE void tern_f32x4_transpose4(const float *p, intptr_t stride, float scale, float *target,
                                       intptr_t target_stride) {
    const tern_f32x4 v0 = tern_f32x4_load(p), v1 = tern_f32x4_load(p + stride);
    const tern_f32x4 v2 = tern_f32x4_load(p + 2 * stride), v3 = tern_f32x4_load(p + 3 * stride);
    const tern_f32x4 t0 = __builtin_shufflevector(v0, v1, 0, 4, 1, 5);
    const tern_f32x4 t1 = __builtin_shufflevector(v0, v1, 2, 6, 3, 7);
    const tern_f32x4 t2 = __builtin_shufflevector(v2, v3, 0, 4, 1, 5);
    const tern_f32x4 t3 = __builtin_shufflevector(v2, v3, 2, 6, 3, 7);
    tern_f32x4_store(target, __builtin_shufflevector(t0, t2, 0, 1, 4, 5) * scale);
    tern_f32x4_store(target + target_stride, __builtin_shufflevector(t0, t2, 2, 3, 6, 7) * scale);
    tern_f32x4_store(target + 2 * target_stride,
                     __builtin_shufflevector(t1, t3, 0, 1, 4, 5) * scale);
    tern_f32x4_store(target + 3 * target_stride,
                     __builtin_shufflevector(t1, t3, 2, 3, 6, 7) * scale);
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

TERN_INLINE __m256 tern_f32x8_rows(const float *p, intptr_t stride) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)),
                                _mm_loadu_ps(p + 4 * stride), 1);
}

TERN_INLINE void tern_f32x8_transpose4(const float *p, intptr_t stride, float scale, float *target,
                                       intptr_t target_stride) {
    const __m256 v0 = tern_f32x8_rows(p, stride), v1 = tern_f32x8_rows(p + stride, stride);
    const __m256 v2 = tern_f32x8_rows(p + 2 * stride, stride);
    const __m256 v3 = tern_f32x8_rows(p + 3 * stride, stride);
    const __m256d t0 = (__m256d)_mm256_unpacklo_ps(v0, v1);
    const __m256d t1 = (__m256d)_mm256_unpackhi_ps(v0, v1);
    const __m256d t2 = (__m256d)_mm256_unpacklo_ps(v2, v3);
    const __m256d t3 = (__m256d)_mm256_unpackhi_ps(v2, v3);
    _mm256_storeu_ps(target, (__m256)_mm256_unpacklo_pd(t0, t2) * scale);
    _mm256_storeu_ps(target + target_stride, (__m256)_mm256_unpackhi_pd(t0, t2) * scale);
    _mm256_storeu_ps(target + 2 * target_stride, (__m256)_mm256_unpacklo_pd(t1, t3) * scale);
    _mm256_storeu_ps(target + 3 * target_stride, (__m256)_mm256_unpackhi_pd(t1, t3) * scale);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

TERN_INLINE __m512 tern_f32x16_rows(const float *p, intptr_t stride) {
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 4 * stride), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 8 * stride), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p + 12 * stride), 3);
}

TERN_INLINE void tern_f32x16_transpose4(const float *p, intptr_t stride, float scale, float *target,
                                        intptr_t target_stride) {
    const __m512 v0 = tern_f32x16_rows(p, stride), v1 = tern_f32x16_rows(p + stride, stride);
    const __m512 v2 = tern_f32x16_rows(p + 2 * stride, stride);
    const __m512 v3 = tern_f32x16_rows(p + 3 * stride, stride);
    const __m512d t0 = (__m512d)_mm512_unpacklo_ps(v0, v1);
    const __m512d t1 = (__m512d)_mm512_unpackhi_ps(v0, v1);
    const __m512d t2 = (__m512d)_mm512_unpacklo_ps(v2, v3);
    const __m512d t3 = (__m512d)_mm512_unpackhi_ps(v2, v3);
    _mm512_storeu_ps(target, (__m512)_mm512_unpacklo_pd(t0, t2) * scale);
    _mm512_storeu_ps(target + target_stride, (__m512)_mm512_unpackhi_pd(t0, t2) * scale);
    _mm512_storeu_ps(target + 2 * target_stride, (__m512)_mm512_unpacklo_pd(t1, t3) * scale);
    _mm512_storeu_ps(target + 3 * target_stride, (__m512)_mm512_unpackhi_pd(t1, t3) * scale);
}

#endif

#endif
