// Vector operations that Swift's SIMD types have no single word for, for the instruction set that
// the importing module is compiled for.
//
// Clang's vectors arrive in Swift as SIMD4, SIMD8 and SIMD16. Everything here is inlined into its
// caller, so that no copy compiled for one instruction set can be linked into another's.
//
// Names: tern_<element>x<lanes>_<operation>. A mask is a vector of integers, 0 or -1.
#ifndef TERNCPU_VECTORS_H
#define TERNCPU_VECTORS_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define TERN_INLINE static inline __attribute__((always_inline, unused))

#define TERN_DEFINE_VECTORS(N)                                                                     \
    typedef float tern_f32x##N __attribute__((ext_vector_type(N)));                                \
    typedef int32_t tern_i32x##N __attribute__((ext_vector_type(N)));                              \
    typedef uint16_t tern_u16x##N __attribute__((ext_vector_type(N)));                             \
    TERN_INLINE tern_f32x##N tern_f32x##N##_load(const float *p) {                                 \
        tern_f32x##N v;                                                                            \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    TERN_INLINE void tern_f32x##N##_store(float *p, tern_f32x##N v) { memcpy(p, &v, sizeof v); }   \
    TERN_INLINE tern_u16x##N tern_u16x##N##_load(const uint16_t *p) {                              \
        tern_u16x##N v;                                                                            \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    TERN_INLINE void tern_u16x##N##_store(uint16_t *p, tern_u16x##N v) {                           \
        memcpy(p, &v, sizeof v);                                                                   \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_select(                                                \
        tern_i32x##N mask, tern_f32x##N yes, tern_f32x##N no) {                                    \
        return mask ? yes : no;                                                                    \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_f32x##N##_less(tern_f32x##N a, tern_f32x##N b) { return a < b; } \
    TERN_INLINE tern_i32x##N tern_f32x##N##_less_or_equal(tern_f32x##N a, tern_f32x##N b) {        \
        return a <= b;                                                                             \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_f32x##N##_equal(tern_f32x##N a, tern_f32x##N b) {                \
        return a == b;                                                                             \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_f32x##N##_not_equal(tern_f32x##N a, tern_f32x##N b) {            \
        return a != b;                                                                             \
    }                                                                                              \
    /* The larger; b if either is NaN: one instruction. */                                         \
    TERN_INLINE tern_f32x##N tern_f32x##N##_max(tern_f32x##N a, tern_f32x##N b) {                  \
        return a > b ? a : b;                                                                      \
    }                                                                                              \
    /* The smaller; b if either is NaN. */                                                         \
    TERN_INLINE tern_f32x##N tern_f32x##N##_min(tern_f32x##N a, tern_f32x##N b) {                  \
        return a < b ? a : b;                                                                      \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_sqrt(tern_f32x##N a) {                                 \
        return __builtin_elementwise_sqrt(a);                                                      \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_floor(tern_f32x##N a) {                                \
        return __builtin_elementwise_floor(a);                                                     \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_ceil(tern_f32x##N a) {                                 \
        return __builtin_elementwise_ceil(a);                                                      \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_f32x##N##_roundeven(tern_f32x##N a) {                            \
        return __builtin_elementwise_roundeven(a);                                                 \
    }                                                                                              \
    TERN_INLINE tern_f32x##N tern_i32x##N##_to_f32(tern_i32x##N a) {                               \
        return __builtin_convertvector(a, tern_f32x##N);                                           \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_f32x##N##_bits(tern_f32x##N a) { return (tern_i32x##N)a; }       \
    TERN_INLINE tern_f32x##N tern_i32x##N##_float_bits(tern_i32x##N a) {                           \
        return (tern_f32x##N)a;                                                                    \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_i32x##N##_shift_left(tern_i32x##N a, int32_t by) {               \
        return a << by;                                                                            \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_i32x##N##_shift_right(tern_i32x##N a, int32_t by) {              \
        return a >> by;                                                                            \
    }                                                                                              \
    /* The lower 16 bits of each lane. */                                                          \
    TERN_INLINE tern_u16x##N tern_i32x##N##_to_u16(tern_i32x##N a) {                               \
        return __builtin_convertvector(a, tern_u16x##N);                                           \
    }                                                                                              \
    TERN_INLINE tern_i32x##N tern_u16x##N##_to_i32(tern_u16x##N a) {                               \
        return __builtin_convertvector(a, tern_i32x##N);                                           \
    }                                                                                              \
    TERN_INLINE float tern_f32x##N##_sum(tern_f32x##N a) {                                         \
        float lanes[N];                                                                            \
        memcpy(lanes, &a, sizeof a);                                                               \
        for (int width = N / 2; width > 0; width /= 2)                                             \
            for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];                          \
        return lanes[0];                                                                           \
    }

TERN_DEFINE_VECTORS(4)

TERN_INLINE tern_f32x4 tern_f32x4_load_partial(const float *p, intptr_t count) {
    tern_f32x4 v = 0;
    memcpy(&v, p, (size_t)count * sizeof(float));
    return v;
}

TERN_INLINE void tern_f32x4_store_partial(float *p, tern_f32x4 v, intptr_t count) {
    memcpy(p, &v, (size_t)count * sizeof(float));
}

// IEEE binary16 without instructions for it; a NaN stays one and becomes quiet.

TERN_INLINE tern_f32x4 tern_f16x4_to_f32(tern_u16x4 a) {
    const tern_i32x4 wide = tern_u16x4_to_i32(a);
    const tern_i32x4 sign = (wide & 0x8000) << 16;
    const tern_i32x4 magnitude = wide & 0x7fff;
    // Placed one field too low, the exponent is off by 112: a product with 2^112 repairs it, and
    // makes denormals of binary16 normal on the way.
    tern_f32x4 value = (tern_f32x4)(magnitude << 13) * 0x1p112f;
    const tern_i32x4 special = magnitude >= 0x7c00;
    const tern_i32x4 quiet = (magnitude > 0x7c00) & 0x00400000;
    const tern_i32x4 infinite = (magnitude << 13) | 0x7f800000 | quiet;
    return (tern_f32x4)((special ? infinite : (tern_i32x4)value) | sign);
}

TERN_INLINE tern_u16x4 tern_f32x4_to_f16(tern_f32x4 a) {
    const tern_i32x4 bits = (tern_i32x4)a;
    const tern_i32x4 sign = (bits >> 16) & 0x8000;
    const tern_i32x4 magnitude = bits & 0x7fffffff;
    // Normal results: add half a unit of the 13 bits that go, less one unless the kept part is odd.
    const tern_i32x4 odd = (magnitude >> 13) & 1;
    const tern_i32x4 normal = (magnitude - (112 << 23) + 0x0fff + odd) >> 13;
    // Denormal results: adding 0.5 lets the addition round at 2^-24.
    const tern_i32x4 denormal =
        (tern_i32x4)((tern_f32x4)magnitude + 0.5f) - (tern_i32x4)((tern_f32x4)0 + 0.5f);
    // From 65520 on the result is infinite; a NaN keeps its upper bits.
    const tern_i32x4 infinite = 0x7c00 + (tern_i32x4)(0);
    const tern_i32x4 nan = ((magnitude >> 13) & 0x3ff) | 0x7e00;
    tern_i32x4 result = magnitude < (113 << 23) ? denormal : normal;
    result = magnitude >= 0x477ff000 ? infinite : result;
    result = magnitude > 0x7f800000 ? nan : result;
    return tern_i32x4_to_u16(result | sign);
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

TERN_DEFINE_VECTORS(8)

TERN_INLINE tern_i32x8 tern_i32x8_first(intptr_t count) {
    const tern_i32x8 lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return lane < (int32_t)count;
}

TERN_INLINE tern_f32x8 tern_f32x8_load_partial(const float *p, intptr_t count) {
    return _mm256_maskload_ps(p, (__m256i)tern_i32x8_first(count));
}

TERN_INLINE void tern_f32x8_store_partial(float *p, tern_f32x8 v, intptr_t count) {
    _mm256_maskstore_ps(p, (__m256i)tern_i32x8_first(count), v);
}

TERN_INLINE tern_f32x8 tern_f32x8_multiply_add(tern_f32x8 c, tern_f32x8 a, tern_f32x8 b) {
    return _mm256_fmadd_ps(a, b, c);
}

TERN_INLINE tern_f32x8 tern_f16x8_to_f32(tern_u16x8 a) { return _mm256_cvtph_ps((__m128i)a); }

TERN_INLINE tern_u16x8 tern_f32x8_to_f16(tern_f32x8 a) {
    return (tern_u16x8)_mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

TERN_DEFINE_VECTORS(16)

TERN_INLINE tern_f32x16 tern_f32x16_load_partial(const float *p, intptr_t count) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}

TERN_INLINE void tern_f32x16_store_partial(float *p, tern_f32x16 v, intptr_t count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), v);
}

TERN_INLINE tern_f32x16 tern_f32x16_multiply_add(tern_f32x16 c, tern_f32x16 a, tern_f32x16 b) {
    return _mm512_fmadd_ps(a, b, c);
}

TERN_INLINE tern_f32x16 tern_f16x16_to_f32(tern_u16x16 a) { return _mm512_cvtph_ps((__m256i)a); }

TERN_INLINE tern_u16x16 tern_f32x16_to_f16(tern_f32x16 a) {
    return (tern_u16x16)_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

#endif

#endif
