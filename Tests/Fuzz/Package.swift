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

/// A fuzzer of the libraries it is named after.
func fuzzer(_ name: String, of libraries: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: libraries + ["CLibFuzzer"],
        swiftSettings: swiftSettings
    )
}

let package = Package(
    name: "tern-fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0")],
    targets: [
        .target(name: "TernTensor", swiftSettings: swiftSettings),
        .target(name: "TernWire", dependencies: ["TernTensor"], swiftSettings: swiftSettings),
        .target(name: "TernGraph", dependencies: ["TernTensor"], swiftSettings: swiftSettings),
        .target(
            name: "TernONNX",
            dependencies: [
                "TernGraph", "TernTensor",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Protobuf/onnx.proto", "Protobuf/generate.sh"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "TernArtefact",
            dependencies: ["TernGraph", "TernTensor"],
            exclude: ["README.md"],
            swiftSettings: swiftSettings
        ),
        .target(name: "CLibFuzzer"),
        fuzzer("WireFuzz", of: ["TernWire", "TernTensor"]),
        fuzzer("ArtefactFuzz", of: ["TernArtefact", "TernGraph", "TernTensor"]),
        fuzzer("ONNXFuzz", of: ["TernONNX", "TernGraph", "TernTensor"]),
    ]
)
