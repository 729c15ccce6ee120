"""The system's own libnng through ctypes: stock REQ and REP sockets, and a device between them."""

import ctypes
import threading

library = ctypes.CDLL("libnng.so.1")


class Socket(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


class Listener(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


library.nng_strerror.restype = ctypes.c_char_p
library.nng_version.restype = ctypes.c_char_p
library.nng_device.argtypes = [Socket, Socket]
library.nng_close.argtypes = [Socket]
library.nng_dial.argtypes = [Socket, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
library.nng_listen.argtypes = [Socket, ctypes.c_char_p, ctypes.POINTER(Listener), ctypes.c_int]
library.nng_listener_get_int.argtypes = [
    Listener, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
library.nng_socket_set_ms.argtypes = [Socket, ctypes.c_char_p, ctypes.c_int32]
library.nng_send.argtypes = [Socket, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
library.nng_recv.argtypes = [
    Socket, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t), ctypes.c_int]
library.nng_free.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

ALLOCATE = 1


def check(failure, what):
    if failure:
        raise OSError(f"{what}: {library.nng_strerror(failure).decode()}")


def version():
    return library.nng_version().decode()


class Requester:
    """A stock REQ socket that never resends."""

    def __init__(self, url, timeout_milliseconds=10_000):
        self.socket = Socket()
        check(library.nng_req0_open(ctypes.byref(self.socket)), "nng_req0_open")
        for option, value in (
                (b"req:resend-time", -1), (b"recv-timeout", timeout_milliseconds),
                (b"send-timeout", timeout_milliseconds)):
            check(library.nng_socket_set_ms(self.socket, option, value), option.decode())
        check(library.nng_dial(self.socket, url.encode(), None, 0), f"nng_dial {url}")

    def call(self, body):
        check(library.nng_send(self.socket, body, len(body), 0), "nng_send")
        data, count = ctypes.c_void_p(), ctypes.c_size_t()
        check(
            library.nng_recv(self.socket, ctypes.byref(data), ctypes.byref(count), ALLOCATE),
            "nng_recv")
        try:
            return ctypes.string_at(data, count.value)
        finally:
            library.nng_free(data, count)

    def close(self):
        library.nng_close(self.socket)


class Device:
    """nng_device between a raw REP socket that listens on `front` and a raw REQ socket that dials
    `back`; it adds one word to the backtrace of each request."""

    def __init__(self, front, back):
        self.front, self.back = Socket(), Socket()
        check(library.nng_rep0_open_raw(ctypes.byref(self.front)), "nng_rep0_open_raw")
        check(library.nng_req0_open_raw(ctypes.byref(self.back)), "nng_req0_open_raw")
        check(library.nng_dial(self.back, back.encode(), None, 0), f"nng_dial {back}")
        listener = Listener()
        check(
            library.nng_listen(self.front, front.encode(), ctypes.byref(listener), 0),
            f"nng_listen {front}")
        # nng_device blocks until a socket closes; ctypes lets go of Python's lock meanwhile.
        threading.Thread(
            target=library.nng_device, args=(self.front, self.back), daemon=True).start()
