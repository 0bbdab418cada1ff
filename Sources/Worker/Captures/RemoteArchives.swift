import Captures
import RemoteArchive
import TraceLog

/// The remote archives that files of captures were pushed to, each opened once.
///
/// Blocks on the network; not for the threads of tasks, nor for two threads.
public final class RemoteArchives {
    private let open: (RemoteLocation) throws -> any RemoteStore
    private var stores: [RemoteLocation: any RemoteStore] = [:]

    /// `open` makes the store of a location.
    public init(open: @escaping (RemoteLocation) throws -> any RemoteStore) { self.open = open }

    public func store(_ location: RemoteLocation) throws -> any RemoteStore {
        if let known = stores[location] { return known }
        let store = try open(location)
        stores[location] = store
        return store
    }

    /// The bytes of a file that has these copies: of the last one, which was pushed last.
    func bytes(of copies: [CaptureFilePushed]) throws -> (any CaptureBytes)? {
        guard let copy = copies.last else { return nil }
        return RemoteCaptureFile(store: try store(RemoteLocation(copy.archive)), copy: copy)
    }
}

/// A file of captures in a remote archive, of which ranges are read.
private struct RemoteCaptureFile: CaptureBytes {
    let store: any RemoteStore
    let copy: CaptureFilePushed

    func count() -> Int64 { copy.bytes }

    func read(from offset: Int64, count: Int) throws(CaptureError) -> [UInt8] {
        let count = Int(max(0, min(Int64(count), copy.bytes - offset)))
        guard count > 0 else { return [] }
        do {
            return try store.bytes(of: copy.name, from: offset, count: count)
        } catch let error as RemoteError {
            throw CaptureError(
                error.code == .absent ? .missing : .failed,
                "\(copy.archive): \(error.message)", remedy: error.remedy)
        } catch {
            throw CaptureError(.failed, "\(copy.archive): \(error)", remedy: "")
        }
    }
}
