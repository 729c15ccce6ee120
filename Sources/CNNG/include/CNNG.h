// nng's byte streams and asynchronous operations, as Debian's libnng-dev 1.5.2 declares them.
//
// Tern speaks the scalability protocol itself (TernTransport), so only streams, aio and the
// platform helpers are wanted here; no REQ or REP socket is opened by the product.
#ifndef CNNG_H
#define CNNG_H

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>

#endif
