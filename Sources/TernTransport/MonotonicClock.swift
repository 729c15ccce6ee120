internal import Glibc

/// The clock all time-outs are measured on: it runs at a constant rate and is never set.
package enum MonotonicClock {
    /// Nanoseconds since an unspecified moment before this process began.
    package static var nanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
