// What the vector functions, row kernels and transpositions need beyond TernVectors.h.
#ifndef TERNCPU_VECTOR_FUNCTIONS_H
#define TERNCPU_VECTOR_FUNCTIONS_H

#include "TernVectors.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

/* a·2^n with one rounding, for whole n. */
TERN_INLINE tern_f32x16 tern_f32x16_scale(tern_f32x16 a, tern_f32x16 n) {
    return _mm512_scalef_ps(a, n);
}

#endif

#endif
