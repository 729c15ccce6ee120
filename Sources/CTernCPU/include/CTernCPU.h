// What Swift has no word for: spin hints, futexes, the time-stamp counter, CPU features.
#ifndef CTERNCPU_H
#define CTERNCPU_H

#include "TernCPUFeatures.h"
#include "TernPark.h"
<<<<<<< HEAD
#include "TernPrefetch.h"
#include "TernTranspose.h"
=======
#include "TernVectorFunctions.h"
>>>>>>> h-vector
#include "TernVectors.h"

#endif
