#include "CNNGRequestReply.h"
