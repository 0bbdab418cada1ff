import CSQLite
import SimulatedDisk
import Testing

struct FileTests {
    let disk = SimulatedDisk(seed: 1)

    /// What 200 cuts leave of what the process did.
    private func leftovers<T: Hashable>(
        _ prepare: (SimulatedProcess) throws -> Void, _ look: (SimulatedProcess) throws -> T
    ) throws -> Set<T> {
        var found: Set<T> = []
        for seed in 1...200 as ClosedRange<UInt64> {
            let disk = SimulatedDisk(seed: seed)
            try prepare(disk.startProcess())
            disk.cutPower(seed: seed)
            found.insert(try look(disk.startProcess()))
        }
        return found
    }

    @Test func filesAreWrittenReadListedAndRemoved() throws {
        let (process, other) = (disk.startProcess(), disk.startProcess())
        try process.write([1, 2, 3], to: "/log/b")
        try process.write([4], to: "/log/a")
        try process.write([5], to: "/log/b", at: 4)
        try process.write([6], to: "/log/deeper/c")
        #expect(try other.read("/log/b") == [1, 2, 3, 0, 5])
        #expect(try other.read("/log/b", from: 3, count: 9) == [0, 5])
        #expect(try other.files(in: "/log") == ["/log/a", "/log/b"])
        try process.rename("/log/a", to: "/log/b")
        #expect(try other.read("/log/b") == [4])
        try process.truncate("/log/b", to: 0)
        #expect(try other.size(of: "/log/b") == 0)
        try process.remove("/log/b")
        #expect(try other.files(in: "/log/") == [])
        #expect(throws: SimulatedDiskError(code: SQLITE_CANTOPEN, path: "/log/b")) {
            try other.read("/log/b")
        }
    }

    @Test func aFileNeverSyncedMayVanish() throws {
        let left = try leftovers {
            try $0.write([1], to: "/a")
        } _: { process -> [UInt8]? in
            try process.exists("/a") ? try process.read("/a") : nil
        }
        #expect(left == [nil, [], [0], [1]])
    }

    @Test func aSyncedFileStays() throws {
        let left = try leftovers {
            try $0.write([1], to: "/a")
            try $0.sync("/a")
        } _: {
            try $0.read("/a")
        }
        #expect(left == [[1]])
    }

    @Test func aLyingSyncKeepsNothing() throws {
        disk.setLyingSyncs([.other])
        let process = disk.startProcess()
        try process.write([1], to: "/a")
        try process.sync("/a")
        let seed = try #require(
            (1...100 as ClosedRange<UInt64>).first { seed in
                let disk = SimulatedDisk()
                disk.setLyingSyncs([.other])
                let process = disk.startProcess()
                _ = try? process.write([1], to: "/a")
                _ = try? process.sync("/a")
                disk.cutPower(seed: seed)
                return (try? disk.startProcess().exists("/a")) == false
            })
        disk.cutPower(seed: seed)
        #expect(try !disk.startProcess().exists("/a"))
    }

    @Test func aTornWriteHasOldAndNewSectors() throws {
        let left = try leftovers {
            try $0.write(Array(repeating: 1, count: 2048), to: "/a")
            try $0.sync("/a")
            try $0.write(Array(repeating: 2, count: 1024), to: "/a", at: 700)
        } _: { process in
            let bytes = try process.read("/a")
            let sectors = (0..<4).map { Set(bytes[($0 * 512)..<($0 * 512 + 512)]) }
            #expect(sectors[0] == [1])
            #expect(bytes[512..<700].allSatisfy { $0 == 1 })
            #expect(bytes[1724...].allSatisfy { $0 == 1 })
            return [bytes[700], bytes[1024], bytes[1536]]
        }
        #expect(left.count == 8, "each of three sectors is old or new")
    }

    @Test func aFileMayGrowInPart() throws {
        let left = try leftovers {
            try $0.write([1], to: "/a")
            try $0.sync("/a")
            try $0.write(Array(repeating: 2, count: 1024), to: "/a")
        } _: {
            try $0.size(of: "/a")
        }
        #expect(left == [1, 512, 1024])
    }

    @Test func aTruncationMayComeUndone() throws {
        let left = try leftovers {
            try $0.write([1, 2], to: "/a")
            try $0.sync("/a")
            try $0.truncate("/a", to: 1)
        } _: {
            try $0.read("/a")
        }
        #expect(left == [[1, 2], [1]])
    }

    @Test func aRenameComesUndoneAsAWholeUnlessTheFolderIsSynced() throws {
        func prepare(_ process: SimulatedProcess) throws {
            try process.write([1], to: "/f/old")
            try process.sync("/f/old")
            try process.write([2], to: "/f/new")
            try process.sync("/f/new")
            try process.rename("/f/new", to: "/f/old")
        }
        func look(_ process: SimulatedProcess) throws -> [[UInt8]] {
            try process.files(in: "/f").map { try process.read($0) }
        }
        #expect(try leftovers(prepare, look) == [[[2], [1]], [[2]]])
        let synced = try leftovers(
            { process in
                try prepare(process)
                try process.syncFolder("/f")
            }, look)
        #expect(synced == [[[2]]])
    }

    @Test func aRemovalMayComeUndoneWithWhatItsFileHeld() throws {
        let left = try leftovers {
            try $0.write([1], to: "/a")
            try $0.sync("/a")
            try $0.remove("/a")
        } _: { process -> [UInt8]? in
            try process.exists("/a") ? try process.read("/a") : nil
        }
        #expect(left == [nil, [1]])
    }

    @Test func aProcessThatDiesWritingLeavesAPart() throws {
        var sizes: Set<Int> = []
        for seed in 1...50 as ClosedRange<UInt64> {
            let disk = SimulatedDisk(seed: seed)
            let process = disk.startProcess()
            try process.write([], to: "/a")
            process.kill(atOperation: 1)
            #expect(throws: SimulatedDiskError.self) {
                try process.write(Array(repeating: 1, count: 100), to: "/a")
            }
            sizes.insert(try disk.startProcess().size(of: "/a"))
        }
        #expect(sizes.count > 10)
        #expect(sizes.allSatisfy { (0...100).contains($0) })
    }

    @Test func aDiskHoldsWhatItHasRoomFor() throws {
        disk.setCapacity(10)
        let process = disk.startProcess()
        #expect(throws: SimulatedDiskError(code: SQLITE_FULL, path: "/a")) {
            try process.write(Array(repeating: 1, count: 11), to: "/a")
        }
        #expect(try process.size(of: "/a") == 10)
        try process.remove("/a")
        #expect(disk.used == 0)
        try process.write(Array(repeating: 1, count: 10), to: "/b")
    }
}
