// swift-tools-version: 6.3
import PackageDescription

// Every target is built with complete data-race checking, strict memory safety (each unsafe use is
// marked, so the fence can be searched for) and warnings as errors. `InternalImportsByDefault` keeps
// C modules out of public API; `Lifetimes` lets a view of received bytes be declared non-escaping.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .enableExperimentalFeature("Lifetimes"),
]

let cSettings: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

/// The settings of a module whose code may use instructions beyond the machine's baseline.
///
/// Such a module holds pointers and SIMD types only, so that no generic code specialised in it can
/// be picked up by a module that must run everywhere. It is optimised in debug builds as well: at
/// `-Onone` a fused multiply-add is a call of `fmaf` for each lane.
///
/// It is also compiled whole: an incremental build does not notice that the body of an inlinable
/// function changed in another module, and would keep kernels made from the old one.
func instructionSetSettings(_ march: String?, features: [String] = []) -> [SwiftSetting] {
    let whole = ["-O", "-wmo", "-num-threads", "1", "-disable-batch-mode"]
    #if arch(x86_64)
    let machine = (march.map { ["-march=\($0)"] } ?? []) + features.map { "-m\($0)" }
    let flags = whole + machine.flatMap { ["-Xcc", $0] }
    #else
    let flags = whole
    #endif
    return swiftSettings + [.unsafeFlags(flags)]
}

/// Only the client is a product: whoever depends on a package fetches what its products need, and a
/// service that calls Tern must not fetch the server's dependencies.
let products: [Product] = [
    .library(name: "TernClient", targets: ["TernClient"])
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

// Floors, from the ground up; a target uses floors below its own only. Two columns, protocol (wire,
// transport, client) and compute (pool, kernels, graph, runtime), meet in the server.
let ground: [Target] = [
    .target(
        name: "CNNG",
        cSettings: cSettings,
        linkerSettings: [.linkedLibrary("nng")]
    ),
    .target(name: "CTernCPU", cSettings: cSettings, linkerSettings: [.linkedLibrary("m")]),
]

let foundations: [Target] = [
    .target(name: "TernTensor", swiftSettings: swiftSettings),
    .target(name: "TernThreadPool", dependencies: ["CTernCPU"], swiftSettings: swiftSettings),
    .target(
        name: "TernMicrokernels",
        dependencies: ["CTernCPU"],
        swiftSettings: instructionSetSettings(nil)
    ),
]

let kernels: [Target] = [
    .target(
        name: "TernKernelsX86V4",
        dependencies: ["TernMicrokernels", "CTernCPU"],
        swiftSettings: instructionSetSettings(
            "x86-64-v4",
            features: ["avx512vnni", "avx512bf16"]
        )
    ),
    .target(
        name: "TernKernelsX86V3",
        dependencies: ["TernMicrokernels", "CTernCPU"],
        swiftSettings: instructionSetSettings("x86-64-v3")
    ),
    .target(
        name: "TernKernelsPortable",
        dependencies: ["TernMicrokernels", "CTernCPU"],
        swiftSettings: instructionSetSettings(nil)
    ),
    .target(
        name: "TernKernels",
        dependencies: [
            "TernTensor", "TernThreadPool", "TernMicrokernels", "TernKernelsX86V4",
            "TernKernelsX86V3", "TernKernelsPortable", "CTernCPU",
        ],
        swiftSettings: swiftSettings
    ),
]

let protocolColumn: [Target] = [
    .target(name: "TernWire", dependencies: ["TernTensor"], swiftSettings: swiftSettings),
    .target(
        name: "TernTransport",
        dependencies: ["TernWire", "TernTensor"],
        swiftSettings: swiftSettings
    ),
    .target(
        name: "TernTransportNNG",
        dependencies: ["TernTransport", "CNNG"],
        swiftSettings: swiftSettings
    ),
    .target(
        name: "TernClient",
        dependencies: ["TernTensor", "TernWire", "TernTransport", "TernTransportNNG"],
        path: "Clients/Swift/Sources/TernClient",
        swiftSettings: swiftSettings
    ),
]

let computeColumn: [Target] = [
    .target(name: "TernGraph", dependencies: ["TernTensor"], swiftSettings: swiftSettings),
    .target(
        name: "TernONNX",
        dependencies: ["TernGraph", "TernTensor", protobuf],
        exclude: ["Protobuf/onnx.proto", "Protobuf/generate.sh"],
        swiftSettings: swiftSettings
    ),
    .target(
        name: "TernArtefact",
        dependencies: ["TernGraph", "TernTensor"],
        exclude: ["README.md"],
        swiftSettings: swiftSettings
    ),
    .target(
        name: "TernRuntime",
        dependencies: [
            "TernGraph", "TernKernels", "TernMicrokernels", "TernThreadPool", "TernTensor",
        ],
        swiftSettings: swiftSettings
    ),
]

// The quickstart's files become part of the program with `#embed`, which C23 has and Swift has not:
// an array literal of their size takes Swift's type checker a minute.
let embedded = Target.target(
    name: "CTernQuickstart",
    exclude: ["files"],
    cSettings: cSettings + [.disableWarning("c23-extensions")]
)

let assembly: [Target] = [
    embedded,
    .target(
        name: "TernServer",
        dependencies: [
            "TernWire", "TernTransport", "TernTransportNNG", "TernRuntime", "TernArtefact",
            "TernONNX", "TernGraph", "TernKernels", "TernThreadPool", "TernTensor", logging,
        ],
        swiftSettings: swiftSettings
    ),
    .executableTarget(
        name: "tern",
        dependencies: [
            "TernServer", "TernClient", "TernRuntime", "TernArtefact", "TernONNX", "TernGraph",
            "TernKernels",
            "TernMicrokernels", "TernThreadPool", "TernTensor", "CTernQuickstart",
            argumentParser, logging,
        ],
        swiftSettings: swiftSettings
    ),
]

/// Declares the tests of `target`, which stand in `Tests/<target>Tests`.
func tests(
    of target: String,
    alsoUsing others: [Target.Dependency] = [],
    resources: [Resource] = []
) -> Target {
    .testTarget(
        name: "\(target)Tests",
        dependencies: [.byName(name: target)] + others,
        resources: resources,
        swiftSettings: swiftSettings
    )
}

// libnng's own REQ and REP sockets are peers to test against, never part of the product.
let testSupport: [Target] = [
    .target(
        name: "CNNGRequestReply",
        path: "Tests/Support/CNNGRequestReply",
        cSettings: cSettings,
        linkerSettings: [.linkedLibrary("nng")]
    ),
    .target(
        name: "TransportTestSupport",
        dependencies: ["TernTransport"],
        path: "Tests/Support/TransportTestSupport",
        swiftSettings: swiftSettings
    ),
    // Runs the same few threads a million times: optimised in debug builds as well.
    .target(
        name: "InterleavingExplorer",
        dependencies: ["CTernCPU"],
        path: "Tests/Support/InterleavingExplorer",
        swiftSettings: swiftSettings + [.unsafeFlags(["-O"])]
    ),
]

/// Counts what a server allocates for a request.
///
/// It stands in for malloc, so it is an executable of its own, and must not run in a sanitizer's
/// build.
let allocations: [Target] = [
    .target(
        name: "CAllocationCounter",
        path: "Tests/Allocations/CAllocationCounter",
        cSettings: cSettings
    ),
    .executableTarget(
        name: "Allocations",
        dependencies: [
            "CAllocationCounter", "TernServer", "TernTensor", "TernTransport", "TernTransportNNG",
            "TernWire", logging,
        ],
        path: "Tests/Allocations/Allocations",
        swiftSettings: swiftSettings
    ),
]

/// Measures what plans cost.
let planBenchmark = Target.executableTarget(
    name: "PlanBenchmark",
    dependencies: ["TernRuntime", "TernONNX", "TernGraph", "TernThreadPool", "TernTensor"],
    path: "Tests/PlanBenchmark",
    swiftSettings: swiftSettings
)

let testTargets: [Target] = [
    tests(of: "TernTensor"),
    tests(of: "TernThreadPool", alsoUsing: ["InterleavingExplorer", "CTernCPU"]),
    tests(
        of: "TernKernels",
        alsoUsing: ["TernMicrokernels", "TernThreadPool", "TernTensor", "CTernCPU"]
    ),
    tests(of: "TernWire", alsoUsing: ["TernTensor"]),
    tests(of: "TernTransport", alsoUsing: ["TernWire", "TransportTestSupport"]),
    tests(
        of: "TernTransportNNG",
        alsoUsing: ["TernTransport", "CNNG", "CNNGRequestReply", "TransportTestSupport"]
    ),
    tests(of: "TernGraph", alsoUsing: ["TernTensor"]),
    tests(of: "TernONNX", alsoUsing: ["TernGraph", "TernTensor", protobuf]),
    tests(
        of: "TernArtefact",
        alsoUsing: ["TernRuntime", "TernONNX", "TernGraph", "TernKernels", "TernTensor"]
    ),
    tests(
        of: "TernRuntime",
        alsoUsing: ["TernGraph", "TernONNX", "TernThreadPool", "TernTensor"]
    ),
    tests(
        of: "TernServer",
        alsoUsing: [
            "TernClient", "TernWire", "TernTransport", "TernTransportNNG", "TernRuntime",
            "TernArtefact", "TernONNX", "TernGraph", "TernKernels", "TernMicrokernels",
            "TernThreadPool", "TernTensor", logging,
        ]
    ),
    tests(
        of: "TernClient",
        alsoUsing: [
            "TernWire", "TernTransport", "TernTransportNNG", "TernTensor", "CNNGRequestReply",
        ]
    ),
    tests(of: "tern"),
]

let package = Package(
    name: "tern",
    products: products,
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: ground + foundations + kernels + protocolColumn + computeColumn + assembly
        + testSupport + allocations + [planBenchmark] + testTargets
)
