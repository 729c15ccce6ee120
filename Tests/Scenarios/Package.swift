// swift-tools-version: 6.3
import PackageDescription

// The Swift side of the scenarios: a service that calls Tern the way a stranger's would. The Python
// scripts beside it start the server, break things, and read this program's report.
let package = Package(
    name: "scenarios",
    dependencies: [
        .package(name: "tern", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "ScenarioClient",
            dependencies: [
                .product(name: "TernClient", package: "tern"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)
