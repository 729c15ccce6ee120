// Dot products of bytes and of bfloat16, and what goes with them, for the instruction set that the
// importing module is compiled for.
//
// A vector of 32-bit integers also stands for a vector of groups: four bytes, or two bfloat16, in each
// lane, the first in the lowest bits. Names and inlining as in TernVectors.h.
#ifndef TERNCPU_INTEGER_VECTORS_H
#define TERNCPU_INTEGER_VECTORS_H

#include "TernVectors.h"

#define TERN_DEFINE_INTEGER_VECTORS(N)                                                             \
    typedef uint8_t tern_u8x##N __attribute__((ext_vector_type(N)));                               \
    typedef int8_t tern_i8x##N __attribute__((ext_vector_type(N)));                                \
    TERN_INLINE tern_i32x##N tern_i32x##N##_multiply(tern_i32x##N a, tern_i32x##N b) {             \
        return a * b;                                                                              \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_i32x##N##_max(tern_i32x##N a, tern_i32x##N b) {                  \
        return __builtin_elementwise_max(a, b);                                                    \
    }                                                                                              \
    TERN_INLINE int32_t tern_i32x##N##_largest(tern_i32x##N a) {                                   \
        return __builtin_reduce_max(a);                                                            \
    }                                                                                              \
    TERN_INLINE int32_t tern_i32x##N##_sum(tern_i32x##N a) { return __builtin_reduce_add(a); }     \
    /* Drops the fraction; every lane must fit. */                                                 \
    TERN_INLINE tern_i32x##N tern_f32x##N##_to_i32(tern_f32x##N a) {                               \
        return __builtin_convertvector(a, tern_i32x##N);                                           \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_u8x##N##_load(const uint8_t *p) {                                \
        tern_u8x##N v;                                                                             \
        memcpy(&v, p, N);                                                                          \
        return __builtin_convertvector(v, tern_i32x##N);                                           \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_i8x##N##_load(const int8_t *p) {                                 \
        tern_i8x##N v;                                                                             \
        memcpy(&v, p, N);                                                                          \
        return __builtin_convertvector(v, tern_i32x##N);                                           \
    }                                                                                              \
    /* The lowest byte of each lane. */                                                            \
    TERN_INLINE void tern_u8x##N##_store(uint8_t *p, tern_i32x##N v) {                             \
        const tern_u8x##N bytes = __builtin_convertvector(v, tern_u8x##N);                         \
        memcpy(p, &bytes, N);                                                                      \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_i32x##N##_shift_right_zero(tern_i32x##N a, int32_t by) {         \
        typedef uint32_t words __attribute__((ext_vector_type(N)));                                \
        return (tern_i32x##N)((words)a >> (uint32_t)by);                                           \
    }

TERN_DEFINE_INTEGER_VECTORS(4)

// sum + Σ unsigned·signed over the four bytes of each lane, exact modulo 2^32.

TERN_INLINE tern_i32x4 tern_i32x4_dot_bytes(tern_i32x4 sum, tern_i32x4 u, tern_i32x4 s) {
#if defined(__SSE2__)
    // Even and odd bytes as 16-bit numbers: no product of two pairs leaves 32 bits.
    const __m128i even = _mm_madd_epi16(
        _mm_and_si128((__m128i)u, _mm_set1_epi16(0xff)),
        _mm_srai_epi16(_mm_slli_epi16((__m128i)s, 8), 8));
    const __m128i odd =
        _mm_madd_epi16(_mm_srli_epi16((__m128i)u, 8), _mm_srai_epi16((__m128i)s, 8));
    return sum + (tern_i32x4)even + (tern_i32x4)odd;
#else
    for (int i = 0; i < 4; i++)
        sum += ((u >> (8 * i)) & 0xff) * ((s << (24 - 8 * i)) >> 24);
    return sum;
#endif
}

// sum + Σ a·b over the two signed 16-bit numbers of each lane, exact modulo 2^32.

TERN_INLINE tern_i32x4 tern_i32x4_dot_halfwords(tern_i32x4 sum, tern_i32x4 a, tern_i32x4 b) {
    return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

TERN_DEFINE_INTEGER_VECTORS(8)

TERN_INLINE tern_i32x8 tern_i32x8_dot_bytes(tern_i32x8 sum, tern_i32x8 u, tern_i32x8 s) {
    const __m256i even = _mm256_madd_epi16(
        _mm256_and_si256((__m256i)u, _mm256_set1_epi16(0xff)),
        _mm256_srai_epi16(_mm256_slli_epi16((__m256i)s, 8), 8));
    const __m256i odd =
        _mm256_madd_epi16(_mm256_srli_epi16((__m256i)u, 8), _mm256_srai_epi16((__m256i)s, 8));
    return sum + (tern_i32x8)even + (tern_i32x8)odd;
}

TERN_INLINE tern_i32x8 tern_i32x8_dot_halfwords(tern_i32x8 sum, tern_i32x8 a, tern_i32x8 b) {
    return sum + (tern_i32x8)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__) && \
    defined(__AVX512BF16__)

TERN_DEFINE_INTEGER_VECTORS(16)

TERN_INLINE tern_i32x16 tern_i32x16_dot_bytes(tern_i32x16 sum, tern_i32x16 u, tern_i32x16 s) {
    return (tern_i32x16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)u, (__m512i)s);
}

TERN_INLINE tern_i32x16 tern_i32x16_dot_halfwords(tern_i32x16 sum, tern_i32x16 a, tern_i32x16 b) {
    return (tern_i32x16)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

// sum + Σ a·b over the two bfloat16 of each lane; denormals count as zero.
TERN_INLINE tern_f32x16 tern_f32x16_dot_bfloats(tern_f32x16 sum, tern_i32x16 a, tern_i32x16 b) {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

#endif

#endif
