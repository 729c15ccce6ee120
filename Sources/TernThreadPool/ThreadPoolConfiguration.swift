/// How a pool is built: how many threads, how long they spin, how much they can queue.
package struct ThreadPoolConfiguration: Sendable {
    /// How many threads the pool starts; 0 makes a pool in which everything runs on the caller.
    package var workerCount: Int

    /// How long a worker without work, or a thread that waits for its helpers, spins before it
    /// parks.
    ///
    /// About one and a half times what waking a parked thread costs, so that spinning never
    /// costs more than about twice the best choice.
    package var spinMicroseconds: Int

    /// How long the last worker that is awake without work keeps looking before it parks too.
    ///
    /// One worker on the lookout answers the next job without the 30 µs of a wake-up, at the price of
    /// a processor meanwhile. So it looks out only while jobs usually come within that time, and
    /// parks after ``spinMicroseconds`` otherwise, as the others do. Not shorter than that.
    package var lookoutMicroseconds: Int

    /// What handing work over costs, `nil` to measure it on this machine.
    package var costs: HandOffCosts?

    /// How many jobs can wait in the injector; rounded up to a power of two.
    package var injectorCapacity: Int

    /// How many forks of one thread can wait to be stolen; rounded up to a power of two.
    ///
    /// A fork that finds its deque full runs inline.
    package var dequeCapacity: Int

    /// How many threads that are not workers can share their loops at once; a further one runs its
    /// loops alone.
    package var guestCount: Int

    /// The name the threads get, followed by their index.
    package var threadName: String

    /// Whether worker k is bound to the k-th processor of the process's affinity mask.
    ///
    /// Only for machines whose processors are set aside for this process.
    package var pinsWorkers: Bool

    /// Makes a configuration; every limit has a default that suits a server.
    ///
    /// - Parameters:
    ///   - workerCount: Threads to start.
    ///   - spinMicroseconds: Spin time before parking.
    ///   - lookoutMicroseconds: Spin time of the last worker that is awake; `nil` for the same.
    ///   - costs: What handing work over costs; `nil` to measure it.
    ///   - injectorCapacity: Jobs that can wait.
    ///   - dequeCapacity: Forks of one thread that can wait.
    ///   - guestCount: Foreign threads that can share loops at once.
    ///   - threadName: The threads' name.
    ///   - pinsWorkers: Whether workers are bound to processors.
    package init(
        workerCount: Int = ThreadPool.availableProcessorCount,
        spinMicroseconds: Int = 50,
        lookoutMicroseconds: Int? = nil,
        costs: HandOffCosts? = nil,
        injectorCapacity: Int = 1024,
        dequeCapacity: Int = 256,
        guestCount: Int = 16,
        threadName: String = "tern-pool",
        pinsWorkers: Bool = false
    ) {
        self.workerCount = workerCount
        self.spinMicroseconds = spinMicroseconds
        self.lookoutMicroseconds = lookoutMicroseconds ?? spinMicroseconds
        self.costs = costs
        self.injectorCapacity = injectorCapacity
        self.dequeCapacity = dequeCapacity
        self.guestCount = guestCount
        self.threadName = threadName
        self.pinsWorkers = pinsWorkers
    }
}
