// swift-tools-version: 6.3
import PackageDescription

// Benchmarks are a package of their own, so that nobody who depends on Tern fetches or builds them.
// They use the client as a stranger would and start the server as a program; the pool, which is no
// product, is compiled into its benchmark from the same sources.
let language: [SwiftSetting] = [.swiftLanguageMode(.v6)]

#if arch(x86_64)
let multiplierFlags: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-mavx2", "-Xcc", "-mfma"])]
#else
let multiplierFlags: [SwiftSetting] = []
#endif

let package = Package(
    name: "benchmarks",
    // One program for each measurement, so that `swift run echo` runs it.
    products: [
        .executable(name: "echo", targets: ["TernBenchmarks"]),
        .executable(name: "pool", targets: ["PoolBenchmark"]),
    ],
    dependencies: [
        .package(name: "tern", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .target(name: "CBareNNG", linkerSettings: [.linkedLibrary("nng")]),
        .target(name: "CTernCPU", linkerSettings: [.linkedLibrary("m")]),
        .target(name: "CAllocationCounter"),
        .target(name: "CSystemCallCounter"),
        .target(name: "BenchmarkProduct", swiftSettings: language + multiplierFlags),
        .executableTarget(
            name: "PoolBenchmark",
            dependencies: [
                "CTernCPU", "CAllocationCounter", "CSystemCallCounter", "BenchmarkProduct",
            ],
            swiftSettings: language
                + [
                    .enableUpcomingFeature("InternalImportsByDefault"),
                    .enableUpcomingFeature("MemberImportVisibility"),
                ]
        ),
        .executableTarget(
            name: "TernBenchmarks",
            dependencies: [
                "CBareNNG",
                .product(name: "TernClient", package: "tern"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: language
        ),
    ]
)
