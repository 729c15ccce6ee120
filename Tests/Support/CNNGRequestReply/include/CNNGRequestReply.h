// libnng's own request and reply sockets, for tests of wire compatibility only.
#ifndef CNNG_REQUEST_REPLY_H
#define CNNG_REQUEST_REPLY_H

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#endif
