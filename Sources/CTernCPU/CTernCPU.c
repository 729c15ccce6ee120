#include "CTernCPU.h"
