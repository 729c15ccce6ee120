// Fractional powers of two from one register, for exponentials.
//
// Names as in TernVectors.h. Everything is inlined into its caller.
#ifndef TERNCPU_ROOTS_OF_TWO_H
#define TERNCPU_ROOTS_OF_TWO_H

#include "TernVectors.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

/* 2^(i/8), rounded to nearest, where i is the low 3 bits of each lane. */
TERN_INLINE tern_f32x8 tern_f32x8_root_of_two(tern_i32x8 i) {
    const tern_f32x8 roots = {
        1.0f, 0x1.172b84p0f, 0x1.306fep0f, 0x1.4bfdaep0f,
        0x1.6a09e6p0f, 0x1.8ace54p0f, 0x1.ae89fap0f, 0x1.d5818ep0f};
    return _mm256_permutevar8x32_ps(roots, (__m256i)i);
}

/* By what part of itself each of these is too small. */
TERN_INLINE tern_f32x8 tern_f32x8_root_of_two_rest(tern_i32x8 i) {
    const tern_f32x8 rests = {
        0.0f, -1.199215749e-08f, 3.193418152e-08f, -3.099071932e-08f,
        1.711427089e-08f, 5.233334210e-09f, -1.471960509e-08f, -6.128259677e-09f};
    return _mm256_permutevar8x32_ps(rests, (__m256i)i);
}

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

/* 2^(i/16), rounded to nearest, where i is the low 4 bits of each lane. */
TERN_INLINE tern_f32x16 tern_f32x16_root_of_two(tern_i32x16 i) {
    const tern_f32x16 roots = {
        1.0f, 0x1.0b5586p0f, 0x1.172b84p0f, 0x1.2387a6p0f,
        0x1.306fep0f, 0x1.3dea64p0f, 0x1.4bfdaep0f, 0x1.5ab07ep0f,
        0x1.6a09e6p0f, 0x1.7a1148p0f, 0x1.8ace54p0f, 0x1.9c4918p0f,
        0x1.ae89fap0f, 0x1.c199bep0f, 0x1.d5818ep0f, 0x1.ea4afap0f};
    return _mm512_permutexvar_ps((__m512i)i, roots);
}

/* By what part of itself each of these is too small. */
TERN_INLINE tern_f32x16 tern_f32x16_root_of_two_rest(tern_i32x16 i) {
    const tern_f32x16 rests = {
        0.0f, 4.628547146e-08f, -1.199215749e-08f, 4.729782432e-08f,
        3.193418152e-08f, 3.621057232e-08f, -3.099071932e-08f, -7.475213337e-09f,
        1.711427089e-08f, -3.047683350e-08f, 5.233334210e-09f, 6.107591766e-09f,
        -1.471960509e-08f, -5.258795177e-09f, -6.128259677e-09f, 5.140609272e-09f};
    return _mm512_permutexvar_ps((__m512i)i, rests);
}

#endif

#endif
