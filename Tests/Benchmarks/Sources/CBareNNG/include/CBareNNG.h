// The peer of the echo benchmark: libnng's own REQ and REP sockets, used as its documentation
// recommends for low latency, with nothing of Tern.
#ifndef CBARENNG_H
#define CBARENNG_H

#include <stddef.h>
#include <stdint.h>

/// Serves echo on `url` with a REP socket and eight contexts driven by callbacks, the form of
/// nng's own asynchronous server demonstration. Each request's message is sent back as it is.
/// Writes the URL with the port that was bound, and a line feed, to standard output when ready;
/// returns only on failure, with nng's error number.
int bare_echo_serve(const char *url);

typedef struct bare_client bare_client;

/// Connects a REQ socket without resending. Returns NULL on failure.
bare_client *bare_client_open(const char *url);

/// Sends `byte_count` bytes and waits for the reply, which is copied to `reply`. Returns the
/// reply's length, or a negative nng error number.
long bare_client_call(
    bare_client *client, const void *bytes, size_t byte_count, void *reply, size_t reply_capacity);

/// Closes the socket; no call may be in flight.
void bare_client_close(bare_client *client);

#endif
