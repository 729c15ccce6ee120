// What Swift has no word for: spin hints, futexes, the time-stamp counter, CPU features.
#ifndef CTERNCPU_H
#define CTERNCPU_H

#include "TernCPUFeatures.h"
#include "TernPark.h"
#include "TernShuffles.h"
#include "TernVectors.h"

#endif
