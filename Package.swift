// swift-tools-version: 6.2
import PackageDescription

/// Every target is built in Swift 6 mode, with warnings as errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "tracectl",
    products: [
        .library(name: "JobLog", targets: ["JobLog"]),
        .library(name: "Scheduler", targets: ["Scheduler", "Traceflow"]),
        .library(name: "Worker", targets: ["Worker", "TraceLog", "Cluster", "History"]),
        .executable(name: "tracectl", targets: ["tracectl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1",
            traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
    ],
    targets: [
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "Traceflow", swiftSettings: strict),
        .target(name: "Scheduler", dependencies: ["Traceflow"], swiftSettings: strict),
        .target(
            name: "Packets", dependencies: ["CLZ4", "CZlib", "Traceflow"], swiftSettings: strict),
        // What Swift cannot import of AF_PACKET: variadic ioctl, macros over control messages.
        .target(name: "CPacketSocket", cSettings: [.treatAllWarnings(as: .error)]),
        .target(
            name: "PacketSocket", dependencies: ["CPacketSocket", "Packets", "Traceflow"],
            swiftSettings: strict),
        .target(
            name: "Captures", dependencies: ["CLZ4", "Packets", "Traceflow"],
            swiftSettings: strict),
        .target(
            name: "JobLog", dependencies: ["CSQLite"],
            resources: [.embedInCode("migrations")], swiftSettings: strict),
        .target(
            name: "TraceLog",
            dependencies: [
                "Scheduler", "JobLog", "Traceflow",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ], swiftSettings: strict),
        .target(
            name: "Cluster",
            dependencies: [
                "Packets", "Traceflow", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .target(
            name: "History",
            dependencies: ["CSQLite", "JobLog", "Scheduler", "TraceLog", "Traceflow"],
            resources: [.embedInCode("schema.sql")], swiftSettings: strict),
        // Stores for captures that leave the machine.
        .target(
            name: "RemoteArchive",
            dependencies: ["CCurl", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        // The Kubernetes API as its clients and servers speak it, and a client.
        .target(
            name: "Kubernetes",
            dependencies: ["CCurl", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        .target(
            name: "Worker",
            dependencies: [
                "Captures", "CCurl", "CLZ4", "Cluster", "History", "JobLog", "Kubernetes",
                "Packets", "PacketSocket", "RemoteArchive", "Scheduler", "TraceLog", "Traceflow",
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: strict),
        .target(
            name: "API",
            dependencies: [
                "Cluster", "History", "JobLog", "Kubernetes", "Scheduler", "TraceLog", "Traceflow",
                "Worker",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "tracectl",
            dependencies: [
                "API", "Captures", "Cluster", "History", "JobLog", "Kubernetes", "Packets",
                "PacketSocket", "RemoteArchive", "Scheduler", "TraceLog", "Traceflow", "Worker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.embedInCode("Scenarios")], swiftSettings: strict),
        // For tests alone: a disk in memory under SQLite that loses power, processes and writes.
        .target(
            name: "CSimulatedDisk", dependencies: ["CSQLite"],
            path: "Tests/Support/CSimulatedDisk",
            cSettings: [.treatAllWarnings(as: .error)]),
        .target(
            name: "SimulatedDisk", dependencies: ["CSimulatedDisk", "CSQLite", "JobLog"],
            path: "Tests/Support/SimulatedDisk", swiftSettings: strict),
        // For tests alone: two network namespaces and a link between them.
        .target(
            name: "NetworkNamespaces", dependencies: ["CPacketSocket"],
            path: "Tests/Support/NetworkNamespaces",
            swiftSettings: strict),
        // For tests alone: whole systems on virtual time, from one seed; `make simulate`.
        .target(
            name: "Simulator",
            dependencies: [
                "Cluster", "JobLog", "Scheduler", "SimulatedDisk", "TraceLog", "Traceflow",
                "Worker",
            ], path: "Tests/Simulation/Simulator", swiftSettings: strict),
        .executableTarget(
            name: "simulate", dependencies: ["SimulatedDisk", "Simulator"],
            path: "Tests/Simulation/simulate", swiftSettings: strict),
        .executableTarget(
            name: "bench",
            dependencies: [
                "Captures", "CLZ4", "Cluster", "History", "JobLog", "Packets", "Scheduler",
                "TraceLog", "Traceflow", "Worker",
            ],
            path: "Benchmarks/Bench", swiftSettings: strict),
        // For tests alone: real processes that are killed, stopped and starved; `make torture`.
        .executableTarget(
            name: "torture",
            dependencies: [
                "CSQLite", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/Torture", swiftSettings: strict),
        // For tests alone: the built binary, used as a user would.
        .target(
            name: "TestBinary", path: "Tests/Support/TestBinary", swiftSettings: strict),
        // For tests alone: a real API server, somebody who plays Antrea on it, and faults between.
        .target(
            name: "KubernetesBench", dependencies: ["TestBinary"],
            path: "Tests/Support/KubernetesBench", swiftSettings: strict),
        .testTarget(name: "TraceflowTests", dependencies: ["Traceflow"], swiftSettings: strict),
        .testTarget(
            name: "SchedulerTests", dependencies: ["Scheduler", "Traceflow"], swiftSettings: strict),
        .testTarget(
            name: "JobLogTests", dependencies: ["CSQLite", "JobLog", "SimulatedDisk"],
            swiftSettings: strict),
        .testTarget(
            name: "SimulatedDiskTests", dependencies: ["CSQLite", "SimulatedDisk"],
            swiftSettings: strict),
        .testTarget(
            name: "TraceLogTests", dependencies: ["JobLog", "Scheduler", "TraceLog", "Traceflow"],
            resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(
            name: "HistoryTests",
            dependencies: [
                "Cluster", "History", "JobLog", "Scheduler", "TraceLog", "Traceflow", "Worker",
            ], swiftSettings: strict),
        .testTarget(
            name: "PacketsTests", dependencies: ["Packets", "Traceflow"], swiftSettings: strict),
        .testTarget(
            name: "PacketSocketTests",
            dependencies: ["NetworkNamespaces", "Packets", "PacketSocket", "Traceflow"],
            swiftSettings: strict),
        .testTarget(
            name: "CapturesTests", dependencies: ["Captures", "Packets", "Traceflow"],
            swiftSettings: strict),
        .testTarget(
            name: "RemoteArchiveTests",
            dependencies: [
                "CCurl", "RemoteArchive", "TestBinary", "tracectl",
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: strict),
        .testTarget(
            name: "KubernetesTests", dependencies: ["Kubernetes"], swiftSettings: strict),
        .testTarget(
            name: "KubernetesServerTests",
            dependencies: [
                "JobLog", "Kubernetes", "KubernetesBench", "Scheduler", "TestBinary", "TraceLog",
                "Traceflow", "Worker", "tracectl",
            ], swiftSettings: strict),
        .testTarget(
            name: "ClusterTests", dependencies: ["Cluster", "Packets", "Traceflow"],
            resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "Cluster", "History", "JobLog", "Packets", "PacketSocket", "Scheduler",
                "SimulatedDisk", "TraceLog", "Traceflow", "Worker",
            ],
            resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(
            name: "APITests",
            dependencies: [
                "API", "Kubernetes", "Scheduler", "Traceflow", "Worker",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["SimulatedDisk", "Simulator", "simulate"],
            swiftSettings: strict),
        .testTarget(
            name: "TortureTests", dependencies: ["torture", "tracectl"], swiftSettings: strict),
        .testTarget(
            name: "tracectlTests",
            dependencies: [
                "NetworkNamespaces", "Scheduler", "TestBinary", "tracectl", "Traceflow", "Worker",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
    ]
)
