// What Swift has no word for: spin hints, futexes, the time-stamp counter, CPU features.
#ifndef CTERNCPU_H
#define CTERNCPU_H

#include "TernCPUFeatures.h"
#include "TernIntegerVectors.h"
#include "TernPark.h"
#include "TernPrefetch.h"
#include "TernPlanes.h"
#include "TernQuads.h"
#include "TernRootsOfTwo.h"
#include "TernShuffles.h"
#include "TernTranspose.h"
#include "TernVectorFunctions.h"
#include "TernVectors.h"

#endif
