// swift-tools-version: 6.2
import PackageDescription

// A package of its own, since its targets are built with a sanitizer; `make fuzz` runs it. The
// sources are those of the product.

let fuzzing: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(["-sanitize=fuzzer,address", "-O"]),
]

let package = Package(
    name: "fuzz",
    targets: [
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "Traceflow", swiftSettings: fuzzing),
        .target(
            name: "Packets", dependencies: ["CLZ4", "CZlib", "Traceflow"], swiftSettings: fuzzing),
        .target(
            name: "Captures", dependencies: ["CLZ4", "Packets", "Traceflow"],
            swiftSettings: fuzzing),
        .executableTarget(
            name: "fuzz", dependencies: ["Captures", "Packets", "Traceflow"],
            swiftSettings: fuzzing,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]),
    ]
)
