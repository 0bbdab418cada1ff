/// How a file is cut for S3: whole up to 64 MiB, else into parts of the same size, the last
/// shorter. Made of the size alone, so that an upload is gone on with by whoever comes next.
struct PartPlan: Hashable, Sendable {
    static let wholeBytesMax: Int64 = 64 << 20
    static let partBytesMin: Int64 = 8 << 20
    static let partsMax: Int64 = 10_000
    static let bytesMax: Int64 = 5 << 40

    let bytes: Int64
    let partBytes: Int64

    init(bytes: Int64) throws(RemoteError) {
        guard bytes <= Self.bytesMax else {
            throw RemoteError(.refused, "S3 keeps no file of more than 5 TiB")
        }
        self.bytes = bytes
        if bytes <= Self.wholeBytesMax {
            partBytes = Self.wholeBytesMax
        } else {
            let least = (bytes + Self.partsMax - 1) / Self.partsMax
            let mebibytes = (least + (1 << 20) - 1) >> 20
            partBytes = max(Self.partBytesMin, mebibytes << 20)
        }
    }

    /// 1 for an empty file.
    var count: Int { max(1, Int((bytes + partBytes - 1) / partBytes)) }

    /// Of a part counted from 1.
    func offset(of number: Int) -> Int64 { Int64(number - 1) * partBytes }

    func size(of number: Int) -> Int64 { min(partBytes, bytes - offset(of: number)) }
}
