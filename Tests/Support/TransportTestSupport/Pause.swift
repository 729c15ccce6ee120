internal import Glibc

/// Lets this thread sleep.
package func pause(milliseconds: Int) {
    usleep(UInt32(milliseconds) * 1000)
}
