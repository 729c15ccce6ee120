// swift-tools-version: 6.2
import PackageDescription

// A package of somebody who only calls a server: nothing of Tern but its client, none of Tern's
// build settings. `run` builds it and looks at what came along.
let package = Package(
    name: "linkage",
    dependencies: [
        // A path here, so that this checkout is what is tested; a stranger writes a URL and a version.
        .package(name: "tern", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "Stranger",
            dependencies: [.product(name: "TernClient", package: "tern")]
        )
    ]
)
