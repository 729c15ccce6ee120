// What convolutions of bytes need besides TernIntegerVectors.h: windows along a row of bytes, and
// storing some of a vector's lanes as bytes.
//
// Names and inlining as in TernVectors.h.
#ifndef TERNCPU_QUADS_H
#define TERNCPU_QUADS_H

#include "TernIntegerVectors.h"

// Lanes first..<first + count as bytes; p is where lane `first` goes.
#define TERN_DEFINE_LANE_STORE(N)                                                                  \
    TERN_INLINE void tern_u8x##N##_store_lanes(uint8_t *p, tern_i32x##N v, intptr_t first,         \
                                               intptr_t count) {                                   \
        uint8_t bytes[N];                                                                          \
        tern_u8x##N##_store(bytes, v);                                                             \
        for (intptr_t i = 0; i < count; i++) p[i] = bytes[first + i];                              \
    }

// Lane i is the four bytes from p + i * stride, for strides 1 to 4. Up to 4 N bytes from p are read.

TERN_DEFINE_LANE_STORE(4)

TERN_INLINE tern_i32x4 tern_i32x4_windows(const uint8_t *p, int32_t stride) {
    int32_t v[4];
    for (int i = 0; i < 4; i++) memcpy(v + i, p + i * stride, 4);
    return (tern_i32x4){v[0], v[1], v[2], v[3]};
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

TERN_DEFINE_LANE_STORE(8)

// Each 128 bits get the 16 bytes in which the windows of their four lanes lie, then the windows.
TERN_INLINE tern_i32x8 tern_i32x8_windows(const uint8_t *p, int32_t stride) {
    const tern_i32x8 part = {0, 0, 0, 0, 1, 1, 1, 1};
    const tern_i32x8 lane = {0, 1, 2, 3, 0, 1, 2, 3};
    const tern_i32x8 from = part * stride + lane;
    const tern_i32x8 within = lane * (stride * 0x01010101) + 0x03020100;
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)p);
    const __m256i spread = _mm256_permutevar8x32_epi32(bytes, (__m256i)from);
    return (tern_i32x8)_mm256_shuffle_epi8(spread, (__m256i)within);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__) && \
    defined(__AVX512BF16__)

TERN_INLINE void tern_u8x16_store_lanes(uint8_t *p, tern_i32x16 v, intptr_t first, intptr_t count) {
    const __mmask16 mask = (__mmask16)(((1u << count) - 1) << first);
    _mm_mask_storeu_epi8(p - first, mask, _mm512_cvtepi32_epi8((__m512i)v));
}

TERN_INLINE tern_i32x16 tern_i32x16_windows(const uint8_t *p, int32_t stride) {
    const tern_i32x16 part = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    const tern_i32x16 lane = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    const tern_i32x16 from = part * stride + lane;
    const tern_i32x16 within = lane * (stride * 0x01010101) + 0x03020100;
    const __m512i bytes = _mm512_loadu_si512(p);
    const __m512i spread = _mm512_permutexvar_epi32((__m512i)from, bytes);
    return (tern_i32x16)_mm512_shuffle_epi8(spread, (__m512i)within);
}

#endif

#endif
