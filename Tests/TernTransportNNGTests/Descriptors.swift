import Glibc

/// Leaves room for only so many more descriptors than there are.
func lowerDescriptorLimit(toSpare spare: Int) {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    unsafe getrlimit(resource, &limit)
    limit.rlim_cur = rlim_t(openDescriptorCount() + spare)
    unsafe setrlimit(resource, &limit)
}
