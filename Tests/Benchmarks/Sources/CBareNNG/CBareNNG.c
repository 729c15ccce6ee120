#include "CBareNNG.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTEXT_COUNT = 8 };

typedef struct {
    nng_ctx context;
    nng_aio *aio;
    int is_sending;
} echo_worker;

static void echo_step(void *argument) {
    echo_worker *worker = argument;
    if (nng_aio_result(worker->aio) != 0) {
        nng_msg *unsent = worker->is_sending ? nng_aio_get_msg(worker->aio) : NULL;
        if (unsent != NULL) nng_msg_free(unsent);
        worker->is_sending = 0;
        nng_ctx_recv(worker->context, worker->aio);
    } else if (worker->is_sending) {
        worker->is_sending = 0;
        nng_ctx_recv(worker->context, worker->aio);
    } else {
        // The message of the receive stays set on the aio and is what is sent.
        worker->is_sending = 1;
        nng_ctx_send(worker->context, worker->aio);
    }
}

int bare_echo_serve(const char *url) {
    nng_socket socket;
    nng_listener listener;
    int failure = nng_rep0_open(&socket);
    if (failure != 0) return failure;
    if ((failure = nng_listener_create(&listener, socket, url)) != 0) return failure;
    if ((failure = nng_listener_start(listener, 0)) != 0) return failure;
    static echo_worker workers[CONTEXT_COUNT];
    for (int index = 0; index < CONTEXT_COUNT; index++) {
        if ((failure = nng_ctx_open(&workers[index].context, socket)) != 0) return failure;
        failure = nng_aio_alloc(&workers[index].aio, echo_step, &workers[index]);
        if (failure != 0) return failure;
        nng_ctx_recv(workers[index].context, workers[index].aio);
    }
    int port = 0;
    if (strncmp(url, "tcp://", 6) == 0
        && nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0) {
        printf("tcp://127.0.0.1:%d\n", port);
    } else {
        printf("%s\n", url);
    }
    fflush(stdout);
    // Lives until its parent closes standard input.
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {}
    _exit(0);
}

struct bare_client {
    nng_socket socket;
};

bare_client *bare_client_open(const char *url) {
    bare_client *client = calloc(1, sizeof *client);
    if (client == NULL) return NULL;
    if (nng_req0_open(&client->socket) != 0) {
        free(client);
        return NULL;
    }
    nng_socket_set_ms(client->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    nng_socket_set_ms(client->socket, NNG_OPT_RECVTIMEO, 30000);
    if (nng_dial(client->socket, url, NULL, 0) != 0) {
        nng_close(client->socket);
        free(client);
        return NULL;
    }
    return client;
}

long bare_client_call(
    bare_client *client, const void *bytes, size_t byte_count, void *reply, size_t reply_capacity) {
    nng_msg *message;
    int failure = nng_msg_alloc(&message, byte_count);
    if (failure != 0) return -failure;
    memcpy(nng_msg_body(message), bytes, byte_count);
    if ((failure = nng_sendmsg(client->socket, message, 0)) != 0) {
        nng_msg_free(message);
        return -failure;
    }
    if ((failure = nng_recvmsg(client->socket, &message, 0)) != 0) return -failure;
    size_t length = nng_msg_len(message);
    memcpy(reply, nng_msg_body(message), length < reply_capacity ? length : reply_capacity);
    nng_msg_free(message);
    return (long)length;
}

void bare_client_close(bare_client *client) {
    nng_close(client->socket);
    free(client);
}
