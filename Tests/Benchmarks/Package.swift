// swift-tools-version: 6.3
import PackageDescription

// Benchmarks are a package of their own, so that nobody who depends on Tern fetches or builds them.
// They use the client as a stranger would and start the server as a program.
let package = Package(
    name: "benchmarks",
    // One program for each measurement, so that `swift run echo` runs it.
    products: [.executable(name: "echo", targets: ["TernBenchmarks"])],
    dependencies: [
        .package(name: "tern", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .target(name: "CBareNNG", linkerSettings: [.linkedLibrary("nng")]),
        .executableTarget(
            name: "TernBenchmarks",
            dependencies: [
                "CBareNNG",
                .product(name: "TernClient", package: "tern"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
    ]
)
