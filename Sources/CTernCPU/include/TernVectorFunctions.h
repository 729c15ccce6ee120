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

TERN_INLINE tern_f32x4 tern_f32x4_load_rows(const float *p, intptr_t stride) {
    (void)stride;
    return tern_f32x4_load(p);
}

/* Even lanes of a, then odd lanes of b: every other of 2 * 4 - 1 adjacent floats, if b starts at the
   4th. */
TERN_INLINE tern_f32x4 tern_f32x4_every_other(tern_f32x4 a, tern_f32x4 b) {
    return __builtin_shufflevector(a, b, 0, 2, 5, 7);
}

/* y[c, r] = x[r, c] for 4 rows and columns: 4 by 4 within each 128 bits, which are loaded in place. */
TERN_INLINE void tern_f32x4_transpose(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride) {
    for (int c = 0; c < 4; c += 4) {
        const tern_f32x4 r0 = tern_f32x4_load_rows(x + c, 4 * x_stride);
        const tern_f32x4 r1 = tern_f32x4_load_rows(x + c + x_stride, 4 * x_stride);
        const tern_f32x4 r2 = tern_f32x4_load_rows(x + c + 2 * x_stride, 4 * x_stride);
        const tern_f32x4 r3 = tern_f32x4_load_rows(x + c + 3 * x_stride, 4 * x_stride);
        const tern_f32x4 t0 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
        const tern_f32x4 t1 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
        const tern_f32x4 t2 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
        const tern_f32x4 t3 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        tern_f32x4_store(y + c * y_stride, __builtin_shufflevector(t0, t1, 0, 1, 4, 5));
        tern_f32x4_store(y + (c + 1) * y_stride, __builtin_shufflevector(t0, t1, 2, 3, 6, 7));
        tern_f32x4_store(y + (c + 2) * y_stride, __builtin_shufflevector(t2, t3, 0, 1, 4, 5));
        tern_f32x4_store(y + (c + 3) * y_stride, __builtin_shufflevector(t2, t3, 2, 3, 6, 7));
    }
}

/* A mask of the bytes that are not 0, of the first `count`. */
TERN_INLINE tern_i32x4 tern_u8x4_not_zero(const uint8_t *p, intptr_t count) {
    typedef uint8_t bytes __attribute__((ext_vector_type(4)));
    bytes v = 0;
    if (count >= 4) memcpy(&v, p, 4);
    else
        for (intptr_t i = 0; i < count; i++) v[i] = p[i];
    return __builtin_convertvector(v, tern_i32x4) != 0;
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

/* Four floats each from two rows. */
TERN_INLINE tern_f32x8 tern_f32x8_load_rows(const float *p, intptr_t stride) {
    return __builtin_shufflevector(
        tern_f32x4_load(p), tern_f32x4_load(p + stride), 0, 1, 2, 3, 4, 5, 6, 7);
}

/* Even lanes of a, then odd lanes of b: every other of 2 * 8 - 1 adjacent floats, if b starts at the
   8th. */
TERN_INLINE tern_f32x8 tern_f32x8_every_other(tern_f32x8 a, tern_f32x8 b) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 9, 11, 13, 15);
}

/* y[c, r] = x[r, c] for 8 rows and columns: 4 by 4 within each 128 bits, which are loaded in place. */
TERN_INLINE void tern_f32x8_transpose(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride) {
    for (int c = 0; c < 8; c += 4) {
        const tern_f32x8 r0 = tern_f32x8_load_rows(x + c, 4 * x_stride);
        const tern_f32x8 r1 = tern_f32x8_load_rows(x + c + x_stride, 4 * x_stride);
        const tern_f32x8 r2 = tern_f32x8_load_rows(x + c + 2 * x_stride, 4 * x_stride);
        const tern_f32x8 r3 = tern_f32x8_load_rows(x + c + 3 * x_stride, 4 * x_stride);
        const tern_f32x8 t0 = __builtin_shufflevector(r0, r1, 0, 8, 1, 9, 4, 12, 5, 13);
        const tern_f32x8 t1 = __builtin_shufflevector(r2, r3, 0, 8, 1, 9, 4, 12, 5, 13);
        const tern_f32x8 t2 = __builtin_shufflevector(r0, r1, 2, 10, 3, 11, 6, 14, 7, 15);
        const tern_f32x8 t3 = __builtin_shufflevector(r2, r3, 2, 10, 3, 11, 6, 14, 7, 15);
        tern_f32x8_store(y + c * y_stride, __builtin_shufflevector(t0, t1, 0, 1, 8, 9, 4, 5, 12, 13));
        tern_f32x8_store(y + (c + 1) * y_stride, __builtin_shufflevector(t0, t1, 2, 3, 10, 11, 6, 7, 14, 15));
        tern_f32x8_store(y + (c + 2) * y_stride, __builtin_shufflevector(t2, t3, 0, 1, 8, 9, 4, 5, 12, 13));
        tern_f32x8_store(y + (c + 3) * y_stride, __builtin_shufflevector(t2, t3, 2, 3, 10, 11, 6, 7, 14, 15));
    }
}

/* A mask of the bytes that are not 0, of the first `count`. */
TERN_INLINE tern_i32x8 tern_u8x8_not_zero(const uint8_t *p, intptr_t count) {
    typedef uint8_t bytes __attribute__((ext_vector_type(8)));
    bytes v = 0;
    if (count >= 8) memcpy(&v, p, 8);
    else
        for (intptr_t i = 0; i < count; i++) v[i] = p[i];
    return __builtin_convertvector(v, tern_i32x8) != 0;
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

/* Four floats each from four rows. */
TERN_INLINE tern_f32x16 tern_f32x16_load_rows(const float *p, intptr_t stride) {
    const tern_f32x8 low = __builtin_shufflevector(
        tern_f32x4_load(p), tern_f32x4_load(p + stride), 0, 1, 2, 3, 4, 5, 6, 7);
    const tern_f32x8 high = __builtin_shufflevector(
        tern_f32x4_load(p + 2 * stride),
        tern_f32x4_load(p + 3 * stride),
        0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(
        low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* Even lanes of a, then odd lanes of b: every other of 2 * 16 - 1 adjacent floats, if b starts at the
   16th. */
TERN_INLINE tern_f32x16 tern_f32x16_every_other(tern_f32x16 a, tern_f32x16 b) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
}

/* y[c, r] = x[r, c] for 16 rows and columns: 4 by 4 within each 128 bits, which are loaded in place. */
TERN_INLINE void tern_f32x16_transpose(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride) {
    for (int c = 0; c < 16; c += 4) {
        const tern_f32x16 r0 = tern_f32x16_load_rows(x + c, 4 * x_stride);
        const tern_f32x16 r1 = tern_f32x16_load_rows(x + c + x_stride, 4 * x_stride);
        const tern_f32x16 r2 = tern_f32x16_load_rows(x + c + 2 * x_stride, 4 * x_stride);
        const tern_f32x16 r3 = tern_f32x16_load_rows(x + c + 3 * x_stride, 4 * x_stride);
        const tern_f32x16 t0 = __builtin_shufflevector(r0, r1, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        const tern_f32x16 t1 = __builtin_shufflevector(r2, r3, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        const tern_f32x16 t2 = __builtin_shufflevector(r0, r1, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
        const tern_f32x16 t3 = __builtin_shufflevector(r2, r3, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
        tern_f32x16_store(y + c * y_stride, __builtin_shufflevector(t0, t1, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29));
        tern_f32x16_store(y + (c + 1) * y_stride, __builtin_shufflevector(t0, t1, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
        tern_f32x16_store(y + (c + 2) * y_stride, __builtin_shufflevector(t2, t3, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29));
        tern_f32x16_store(y + (c + 3) * y_stride, __builtin_shufflevector(t2, t3, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
    }
}

/* A mask of the bytes that are not 0, of the first `count`. */
TERN_INLINE tern_i32x16 tern_u8x16_not_zero(const uint8_t *p, intptr_t count) {
    typedef uint8_t bytes __attribute__((ext_vector_type(16)));
    bytes v = 0;
    if (count >= 16) memcpy(&v, p, 16);
    else
        for (intptr_t i = 0; i < count; i++) v[i] = p[i];
    return __builtin_convertvector(v, tern_i32x16) != 0;
}

/* a * 2^floor(n) with one rounding. */
TERN_INLINE tern_f32x16 tern_f32x16_scale(tern_f32x16 a, tern_f32x16 n) {
    return _mm512_scalef_ps(a, n);
}

#endif

#endif
