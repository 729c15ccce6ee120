// swift-tools-version: 6.3
import PackageDescription

// A package of its own, because it does not link without the sanitizers' flags; `run` passes them.
// What is fuzzed is no product of Tern, so its sources are reached by symbolic links.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "tern-fuzz",
    targets: [
        .target(name: "TernTensor", swiftSettings: swiftSettings),
        .target(name: "TernWire", dependencies: ["TernTensor"], swiftSettings: swiftSettings),
        .target(name: "TernGraph", dependencies: ["TernTensor"], swiftSettings: swiftSettings),
        .target(
            name: "TernArtefact",
            dependencies: ["TernGraph", "TernTensor"],
            exclude: ["README.md"],
            swiftSettings: swiftSettings
        ),
        .target(name: "CLibFuzzer"),
        .executableTarget(
            name: "WireFuzz",
            dependencies: ["TernWire", "TernTensor", "CLibFuzzer"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ArtefactFuzz",
            dependencies: ["TernArtefact", "TernGraph", "TernTensor", "CLibFuzzer"],
            swiftSettings: swiftSettings
        ),
    ]
)
